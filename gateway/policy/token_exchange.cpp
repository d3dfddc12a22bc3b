#include "policy/token_exchange.h"

#include <utility>

#include "base/ascii.h"
#include "http/accept.h"
#include "http/cookies.h"
#include "policy/request_context.h"

namespace postern::policy {

bool may_exchange(const RequestContext& context, const JwtSource& source) {
  if (source.kind == JwtSource::Kind::message) return false;
  const http::RequestHead& request = context.request;
  if (request.upgrade == http::Upgrade::websocket) return request.upgrade_problem.empty();
  return request.method == http::Method::get && http::wants_events(request);
}

std::string cookie_problem(const TokenRefresh& refresh, const RequestContext& context) {
  size_t count = 0;
  bool is_empty = false;
  for (const http::HeaderField& field : context.request.headers) {
    if (field.id != http::FieldId::cookie) continue;
    http::each_cookie(field.value, [&](std::string_view, std::string_view name, std::string_view value) {
      if (name != refresh.cookie) return;
      ++count;
      is_empty = value.empty();
    });
  }
  if (count > 1) return "the request has more than one cookie " + refresh.cookie;
  return count == 0 || is_empty ? "the request has no cookie " + refresh.cookie : std::string();
}

std::string holder_problem(const VerifiedToken& expired, const VerifiedToken& fresh) {
  const auto differ = [&](std::string_view claim) {
    return expired.name_text(claim) != fresh.name_text(claim);
  };
  if (differ("iss")) return "is of another issuer";
  if (expired.subject().empty()) return "replaces one that names no user";
  if (expired.subject() != fresh.subject()) return "is of another user";
  const bool name_sessions = !expired.name_text("sid").empty() && !fresh.name_text("sid").empty();
  return name_sessions && differ("sid") ? "is of another session (sid)" : std::string();
}

void take_cookies(const TokenRefresh& refresh, const AuthAnswer& answer, RequestContext& context) {
  for (const auto& [name, value] : answer.fields) {
    if (!base::equal_ignoring_case(name, "Set-Cookie")) continue;
    std::optional<std::string> rewritten = refresh.cookies ? refresh.cookies->rewrite(value) : std::nullopt;
    context.set_cookies.push_back(std::move(rewritten).value_or(value));
  }
}

}  // namespace postern::policy
