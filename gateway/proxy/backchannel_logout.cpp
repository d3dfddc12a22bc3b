#include "proxy/backchannel_logout.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "base/json.h"
#include "http/target.h"
#include "policy/jwt_verifier.h"
#include "policy/token_claims.h"
#include "proxy/logout.h"
#include "proxy/verify_token.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {
namespace {

using base::Cause;
using base::Json;
using base::Result;
using base::Stage;
using base::Task;
using http::LocalResponse;
using policy::VerifiedToken;
using state::Revocation;

constexpr size_t form_max = 2 * policy::JwtVerifier::most_token_size;  // percent-encoding makes it longer
constexpr base::Duration form_limit = std::chrono::seconds(10);
// A token that was issued longer ago is refused; for so long a second use of one is noticed.
constexpr int64_t oldest = 300;
constexpr std::string_view by_provider = "backchannel_logout";
constexpr std::string_view logout_event = "http://schemas.openid.net/event/backchannel-logout";

LocalResponse refuse(std::string detail) { return http::refusal(Cause::logout_refused, std::move(detail)); }

LocalResponse full() {
  LocalResponse response = http::refusal(Cause::revocations_full, {});
  response.headers.emplace_back("Retry-After", "60");
  return response;
}

// What is wrong with the request before its body is read; nullopt: nothing.
std::optional<LocalResponse> check_head(const http::RequestHead& request) {
  if (request.method != http::Method::post) {
    LocalResponse response = http::refusal(Cause::method_not_allowed, "logout tokens are posted");
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  const std::string_view type = request.headers.get(http::FieldId::content_type);
  if (!base::equal_ignoring_case(base::trim(type.substr(0, type.find(';'))),
                                 "application/x-www-form-urlencoded"))
    return refuse("the request is no form (application/x-www-form-urlencoded)");
  return std::nullopt;
}

Task<Result<std::string>> read_form(ExchangeState& exchange) {
  if (exchange.stream.request().expects_continue) {
    http::ResponseHead interim;
    interim.status = 100;
    exchange.stream.inform(interim);
  }
  base::Phase phase(exchange.scope, Stage::request_body, form_limit, Cause::client_timed_out);
  std::string form;
  for (;;) {
    Result<base::Chunk> chunk = co_await exchange.stream.request_body().read(exchange.scope);
    if (!chunk) co_return base::fail(chunk.error().cause, Stage::request_body);
    if (chunk->empty()) co_return form;
    form.append(base::text_of(chunk->bytes()));
    if (form.size() > form_max) co_return base::fail(Cause::body_too_large, Stage::request_body);
  }
}

// What the specification asks of a logout token beside what the verifier has checked (section 2.6); empty: it
// is in order.
std::string fault_of(const VerifiedToken& token, int64_t now) {
  const Json& claims = token.claims().json;
  const Json* events = base::find_member(claims, "events");
  const Json* event = events == nullptr ? nullptr : base::find_member(*events, logout_event);
  if (event == nullptr || !event->is_object()) return "the logout token has no event of a logout";
  if (claims.contains("nonce")) return "the logout token has a nonce";
  const int64_t issued = token.marks().issued_at;
  if (issued == state::TokenMarks::never_issued)
    return "the logout token does not say when it was issued (iat)";
  if (now - issued > oldest) return "the logout token was issued more than 5 minutes ago";
  if (token.name_text("jti").empty()) return "the logout token has no jti";
  for (const char* name : {"sub", "sid"})
    if (claims.contains(name) && base::find_string(claims, name) == nullptr)
      return std::string("the logout token has a ") + name + " that is no text";
  if (token.name_text("sub").empty() && token.name_text("sid").empty())
    return "the logout token has neither sub nor sid";
  return {};
}

LocalResponse end_session(ExchangeState& exchange, const VerifiedToken& token, base::Duration lasts) {
  const int64_t now = exchange.services.unix_now();
  if (std::string fault = fault_of(token, now); !fault.empty()) return refuse(std::move(fault));
  const std::string issuer = token.name_text("iss");
  Revocation revocation{Revocation::Kind::session, token.name_text("sid"), issuer, 0, 0};
  std::string_view named = "sid";
  if (revocation.value.empty()) {
    // Whoever logs in anew gets in: what was issued until the logout is over.
    revocation = {Revocation::Kind::subject_before, token.name_text("sub"), issuer,
                  token.marks().issued_at + 1, 0};
    named = "sub";
  }
  if (!revoke(exchange, std::move(revocation), lasts, by_provider, named)) return full();
  // Noted last: where there was no room for the revocation, the provider may send the token again. Known
  // until its iat is refused in any case.
  const auto used =
      exchange.services.tunnels.revocations().add({Revocation::Kind::logout_token, token.name_text("jti"),
                                                   issuer, 0, token.marks().issued_at + 2 * oldest},
                                                  now, state::Revocations::Asker::logout);
  using Added = state::Revocations::Added;
  if (used == Added::known) return refuse("the logout token was used before");
  LocalResponse done;
  done.headers.emplace_back("Cache-Control", "no-store");  // section 2.8
  return done;
}

}  // namespace

Task<Result<LocalResponse>> receive_logout(ExchangeState& exchange,
                                           const routing::BackchannelLogout& action) {
  exchange.scope.stage = Stage::request_body;
  if (std::optional<LocalResponse> fault = check_head(exchange.stream.request())) co_return std::move(*fault);
  Task<Result<std::string>> reading = read_form(exchange);
  Result<std::string> form = co_await reading;
  if (!form) co_return base::fail(form.error());
  exchange.scope.stage = Stage::policy;
  if (http::count_query_parameter(*form, "logout_token") != 1)
    co_return refuse("the form has not one logout_token");
  const std::string text = http::decode_query_value(http::query_parameter(*form, "logout_token"));
  Task<Result<policy::JwtVerifier::Result>> verifying =
      verify_token(exchange, *action.verifier, action.keys, text);
  Result<policy::JwtVerifier::Result> verified = co_await verifying;
  if (!verified) co_return base::fail(verified.error());
  policy::JwtVerifier::Result& token = *verified;
  if (token) co_return end_session(exchange, **token, action.lasts);
  if (token.error().cause == Cause::keys_unavailable)
    co_return http::refusal(Cause::keys_unavailable, std::move(token.error().detail));
  co_return refuse("logout_token: " + token.error().detail);
}

}  // namespace postern::proxy
