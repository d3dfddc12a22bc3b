#include "policy/jwt_source.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "crypto/base64.h"
#include "http/cookies.h"
#include "policy/message_desk.h"
#include "policy/request_context.h"
#include "state/tickets.h"

namespace postern::policy {
namespace {

using http::FieldId;
using http::HeaderField;
using Failure = tl::unexpected<std::string>;

constexpr std::string_view dotted_marker = "bearer.";
constexpr std::string_view kubernetes_marker = "base64url.bearer.authorization.k8s.io.";

bool is_marker(std::string_view element) {
  return base::equal_ignoring_case(element, "bearer") || base::equal_ignoring_case(element, "access_token");
}

// What stands behind `marker` in the element; empty when it does not begin with the marker.
std::string_view behind(std::string_view marker, std::string_view element) {
  return base::equal_ignoring_case(element.substr(0, marker.size()), marker) ? element.substr(marker.size())
                                                                             : std::string_view();
}

// The tokens among the elements of Sec-WebSocket-Protocol, and the elements that stay.
struct Offered {
  size_t count = 0;         // of tokens
  std::string_view token;   // the first one, as it is written
  std::string_view answer;  // the element that the response can select for it
  bool is_encoded = false;  // it is written in base64url once more
  std::string others;       // the elements that stay, joined
};

Offered read_offered(const http::Headers& headers) {
  Offered offered;
  std::string_view marker;  // the last marker, whose token has not been read
  const auto keep = [&offered](std::string_view element) {
    if (!offered.others.empty()) offered.others += ", ";
    offered.others += element;
  };
  const auto take = [&offered](std::string_view token, std::string_view answer, bool is_encoded) {
    if (offered.count++ > 0) return;
    offered.token = token;
    offered.answer = answer;
    offered.is_encoded = is_encoded;
  };
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_protocol) continue;
    std::string_view list = field.value;
    while (const std::optional<std::string_view> element = base::next_element(list)) {
      if (!marker.empty()) {
        take(*element, std::exchange(marker, {}), false);
      } else if (is_marker(*element)) {
        marker = *element;
      } else if (const auto token = behind(dotted_marker, *element); !token.empty()) {
        take(token, *element, false);
      } else if (const auto encoded = behind(kubernetes_marker, *element); !encoded.empty()) {
        take(encoded, *element, true);
      } else {
        keep(*element);
      }
    }
  }
  if (!marker.empty()) keep(marker);  // a marker without a token is an ordinary subprotocol
  return offered;
}

tl::expected<std::string_view, std::string> from_subprotocols(const http::Headers& headers,
                                                              std::string& decoded) {
  const Offered offered = read_offered(headers);
  if (offered.count > 1) return Failure("Sec-WebSocket-Protocol has more than one token");
  if (!offered.is_encoded) return offered.token;
  std::optional<std::string> token = crypto::decode_base64url(offered.token);
  if (!token)
    return Failure("Sec-WebSocket-Protocol has a token behind " + std::string(kubernetes_marker) +
                   " that is not base64url");
  decoded = std::move(*token);
  return std::string_view(decoded);
}

tl::expected<std::string_view, std::string> from_header(const JwtSource& source,
                                                        const http::Headers& headers) {
  const std::string_view scheme = source.scheme.empty() ? "Bearer" : std::string_view(source.scheme);
  const HeaderField* field = nullptr;
  for (const HeaderField& candidate : headers) {
    if (!base::equal_ignoring_case(candidate.name, source.name)) continue;
    if (field != nullptr) return Failure("the request has more than one " + source.name + " field");
    field = &candidate;
  }
  if (field == nullptr) return std::string_view();
  const std::string_view value = field->value;
  const bool names_scheme =
      base::equal_ignoring_case(value.substr(0, scheme.size()), scheme) &&
      (value.size() == scheme.size() || value[scheme.size()] == ' ' || value[scheme.size()] == '\t');
  if (names_scheme) return base::trim(value.substr(scheme.size()));
  // Other schemes (Basic) are not tokens and may be used by the endpoint.
  const bool needs_scheme = !source.scheme.empty() || base::equal_ignoring_case(source.name, "authorization");
  return needs_scheme ? std::string_view() : value;
}

// Cookie values may be in double quotes (RFC 6265 4.1.1), which are not part of a token.
std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? base::trim(value.substr(1, value.size() - 2)) : value;
}

// The same cookie may occur several times, for several paths. But backends disagree about which one counts,
// so different values are not accepted as a token.
tl::expected<std::string_view, std::string> from_cookies(const JwtSource& source,
                                                         const http::Headers& headers) {
  std::string_view found;
  bool differ = false;
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::cookie) continue;
    http::each_cookie(field.value, [&](std::string_view, std::string_view name, std::string_view written) {
      if (name != source.name) return;
      const std::string_view value = without_quotes(written);
      differ = differ || (!found.empty() && !value.empty() && value != found);
      if (found.empty()) found = value;
    });
  }
  if (differ)
    return Failure("the request has more than one cookie " + source.name + ", with different values");
  return found;
}

tl::expected<std::string_view, std::string> from_query(const JwtSource& source, const http::Target& target,
                                                       std::string& decoded) {
  const std::string_view value = http::query_parameter(target.query, source.name);
  const size_t count = http::count_query_parameter(target.query, source.name);
  if (count > 1) return Failure("the query has more than one parameter " + source.name);
  if (value.data() == nullptr) {
    if (count == 0) return std::string_view();
    return Failure("the query spells the parameter " + source.name +
                   " in a way that not every backend reads");
  }
  if (value.find_first_of("%+") == value.npos) return value;
  decoded = http::decode_query_value(value);
  return std::string_view(decoded);
}

tl::expected<std::string_view, std::string> from_ticket(const JwtSource& source,
                                                        const RequestContext& context, std::string& decoded) {
  auto ticket = from_query(source, context.target, decoded);
  if (!ticket || ticket->empty()) return ticket;
  if (!context.ticket || context.ticket->parameter != source.name)
    return Failure("the query has a ticket in the parameter " + source.name + " that was not redeemed");
  return std::string_view(context.ticket->token);
}

tl::expected<std::string_view, std::string> from_message(const JwtSource& source,
                                                         const RequestContext& context,
                                                         std::string& decoded) {
  const MessageDesk::Message* message = context.messages ? context.messages->received() : nullptr;
  if (!message) return std::string_view();
  return token_in_message(*source.message, message->kind, message->text, decoded);
}

void take_out_of_message(const JwtSource& source, const RequestContext& context) {
  const MessageDesk::Message* message = context.messages ? context.messages->received() : nullptr;
  if (message) context.messages->replace(without_token(*source.message, message->kind, message->text));
}

// Returns `query` without any occurrence of the parameter, in every spelling; the rest stays byte for byte.
std::string without_parameter(std::string_view query, std::string_view name) {
  std::string rest;
  rest.reserve(query.size());
  char separator = 0;  // the separator before the current piece
  for (size_t start = 0; start <= query.size();) {
    const size_t end = std::min(query.find_first_of("&;", start), query.size());
    const std::string_view piece = query.substr(start, end - start);
    if (http::count_query_parameter(piece, name) == 0) {
      if (separator != 0 && !rest.empty()) rest += separator;
      rest += piece;
    }
    separator = end < query.size() ? query[end] : '\0';
    start = end + 1;
  }
  return rest;
}

// Replaces the value of every cookie of this name.
void replace_cookie(http::RequestHead& request, std::string_view name, std::string_view value) {
  request.headers.change_values([&](const HeaderField& field) {
    if (field.id != FieldId::cookie) return field.value;
    std::string cookies;
    http::each_cookie(field.value, [&](std::string_view pair, std::string_view own, std::string_view) {
      if (!cookies.empty()) cookies += "; ";
      if (own == name)
        cookies.append(name).append("=").append(value);
      else
        cookies.append(pair);
    });
    return request.arena.keep(cookies);
  });
}

}  // namespace

tl::expected<std::string_view, std::string> read_token(const JwtSource& source, const RequestContext& context,
                                                       std::string& decoded) {
  const http::Headers& headers = context.request.headers;
  switch (source.kind) {
    case JwtSource::Kind::header: return from_header(source, headers);
    case JwtSource::Kind::cookie: return from_cookies(source, headers);
    case JwtSource::Kind::query: return from_query(source, context.target, decoded);
    case JwtSource::Kind::ticket: return from_ticket(source, context, decoded);
    case JwtSource::Kind::message: return from_message(source, context, decoded);
    case JwtSource::Kind::subprotocol:
      if (context.request.upgrade == http::Upgrade::websocket) return from_subprotocols(headers, decoded);
      break;
  }
  return std::string_view();
}

bool redeem_ticket(const JwtSource& source, RequestContext& context) {
  std::string decoded;
  const auto ticket = from_query(source, context.target, decoded);
  if (context.ticket || !ticket || ticket->empty()) return true;
  std::optional<std::string> token = context.tickets->redeem(*ticket, context.now);
  if (!token) return false;
  context.ticket = std::make_shared<const RedeemedTicket>(RedeemedTicket{source.name, std::move(*token)});
  return true;
}

void remove_token(const JwtSource& source, RequestContext& context) {
  http::RequestHead& request = context.request;
  switch (source.kind) {
    case JwtSource::Kind::header: request.headers.remove(source.name); return;
    case JwtSource::Kind::cookie: http::remove_cookie(request, source.name); return;
    case JwtSource::Kind::query:
    case JwtSource::Kind::ticket: break;
    case JwtSource::Kind::message: return take_out_of_message(source, context);
    case JwtSource::Kind::subprotocol: return;
  }
  // Not context.target: what another source had there may be removed already.
  const size_t mark = std::min(request.target.find('?'), request.target.size());
  const std::string_view path = request.target.substr(0, mark);
  const std::string query =
      without_parameter(request.target.substr(std::min(mark + 1, request.target.size())), source.name);
  request.target = query.empty() ? path : request.arena.keep({path, "?", query});
}

void replace_token(const JwtSource& source, std::string_view token, RequestContext& context) {
  http::RequestHead& request = context.request;
  switch (source.kind) {
    case JwtSource::Kind::header: {
      const auto old = from_header(source, request.headers);
      if (!old || old->empty()) return;
      // Behind the scheme, if there is one.
      const std::string_view value = request.headers.find(source.name)->value;
      const auto at = static_cast<size_t>(old->data() - value.data());
      request.headers.set(source.name, request.arena.keep({value.substr(0, at), token}));
      return;
    }
    case JwtSource::Kind::cookie: replace_cookie(request, source.name, token); return;
    case JwtSource::Kind::query: {
      const size_t mark = std::min(request.target.find('?'), request.target.size() - 1);
      const std::string_view old = http::query_parameter(request.target.substr(mark + 1), source.name);
      if (old.data() == nullptr) return;
      const auto at = static_cast<size_t>(old.data() - request.target.data());
      request.target =
          request.arena.keep({request.target.substr(0, at), token, request.target.substr(at + old.size())});
      return;
    }
    case JwtSource::Kind::ticket:
    case JwtSource::Kind::message:
    case JwtSource::Kind::subprotocol: return;
  }
}

std::string take_subprotocol_token(http::RequestHead& request) {
  const Offered offered = read_offered(request.headers);
  if (offered.count == 0) return {};
  std::string answer(offered.answer);
  if (offered.others.empty())
    request.headers.remove(FieldId::sec_websocket_protocol);
  else
    request.headers.set("Sec-WebSocket-Protocol", request.arena.keep(offered.others));
  return answer;
}

}  // namespace postern::policy
