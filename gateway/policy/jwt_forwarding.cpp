#include "policy/jwt_forwarding.h"

#include <string>

#include "base/ascii.h"
#include "http/cookies.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using http::FieldId;
using Kind = JwtForwarding::Kind;

void add_to_cookies(http::RequestHead& request, std::string_view name, std::string_view token) {
  // In front: some servers take several spellings for one name (PHP), and then the first cookie counts.
  std::string others;
  for (const http::HeaderField& field : request.headers)
    if (field.id == FieldId::cookie && !field.value.empty()) others.append("; ").append(field.value);
  request.headers.set("Cookie", request.arena.keep({name, "=", token, others}));
}

void add_to_query(http::RequestHead& request, std::string_view name, std::string_view token) {
  if (request.target == "*") return;  // OPTIONS of the whole server has no query
  const size_t mark = request.target.find('?');
  std::string_view separator = "&";
  if (mark == request.target.npos) separator = "?";
  if (mark + 1 == request.target.size()) separator = "";
  request.target = request.arena.keep({request.target, separator, name, "=", token});
}

void add_to_subprotocols(RequestContext& context, std::string_view token) {
  http::RequestHead& request = context.request;
  std::string offered = std::string(subprotocol_marker).append(", ").append(token);
  for (const http::HeaderField& field : request.headers)
    if (field.id == FieldId::sec_websocket_protocol && !field.value.empty())
      offered.append(", ").append(field.value);
  request.headers.set("Sec-WebSocket-Protocol", request.arena.keep(offered));
  context.added_subprotocol = subprotocol_marker;
}

std::string field_value(const JwtSource& place, std::string_view token) {
  std::string scheme = place.scheme;
  if (scheme.empty() && base::equal_ignoring_case(place.name, "authorization")) scheme = "Bearer";
  return scheme.empty() ? std::string(token) : scheme + ' ' + std::string(token);
}

}  // namespace

bool keeps_token(const JwtForwarding& forwarding, const RequestContext& context) {
  const bool has_place = forwarding.place.kind != JwtSource::Kind::subprotocol ||
                         context.request.upgrade == http::Upgrade::websocket;
  return forwarding.kind == Kind::keep || (forwarding.kind == Kind::move && !has_place);
}

void clear_token_place(const JwtForwarding& forwarding, RequestContext& context) {
  if (forwarding.kind != Kind::move || keeps_token(forwarding, context)) return;
  const JwtSource& place = forwarding.place;
  switch (place.kind) {
    case JwtSource::Kind::header:
      // With the names that CGI-like servers cannot distinguish from it.
      context.request.headers.remove_if(
          [&](const http::HeaderField& field) { return base::equal_as_variable(field.name, place.name); });
      break;
    case JwtSource::Kind::query:
      if (http::count_query_parameter(context.target.query, place.name) > 0) remove_token(place, context);
      break;
    case JwtSource::Kind::cookie: remove_token(place, context); break;
    case JwtSource::Kind::message:
    case JwtSource::Kind::ticket: break;  // no places to move to
    case JwtSource::Kind::subprotocol:
      if (std::string answer = take_subprotocol_token(context.request); !answer.empty())
        context.selected_subprotocol = std::move(answer);
      break;
  }
}

void forward_token(const JwtForwarding& forwarding, const std::vector<JwtSource>& sources,
                   std::string_view token, RequestContext& context) {
  for (const JwtSource& source : sources) {
    std::string decoded;
    const auto found = read_token(source, context, decoded);
    if (!found || !found->empty()) remove_token(source, context);
  }
  if (forwarding.kind == Kind::strip) return;
  clear_token_place(forwarding, context);
  const JwtSource& place = forwarding.place;
  switch (place.kind) {
    case JwtSource::Kind::header:
      context.forwarded_fields.emplace_back(place.name, field_value(place, token));
      break;
    case JwtSource::Kind::cookie: add_to_cookies(context.request, place.name, token); break;
    case JwtSource::Kind::query: add_to_query(context.request, place.name, token); break;
    case JwtSource::Kind::subprotocol: add_to_subprotocols(context, token); break;
    case JwtSource::Kind::message:
    case JwtSource::Kind::ticket: break;
  }
}

}  // namespace postern::policy
