#include "policy/jwt_source.h"

#include "base/ascii.h"

namespace postern::policy {
namespace {

using http::FieldId;
using http::HeaderField;
using Failure = tl::unexpected<std::string>;

constexpr std::string_view dotted_marker = "bearer.";

bool is_marker(std::string_view element) {
  return base::equal_ignoring_case(element, "bearer") || base::equal_ignoring_case(element, "access_token");
}

bool is_dotted_token(std::string_view element) {
  return element.size() > dotted_marker.size() &&
         base::equal_ignoring_case(element.substr(0, dotted_marker.size()), dotted_marker);
}

// The token among the elements of Sec-WebSocket-Protocol, and every other element that stays.
struct Offered {
  std::string_view token;
  std::string_view answer;  // what was offered with it and can be selected
  std::string others;       // joined
};

Offered read_offered(const http::Headers& headers) {
  Offered offered;
  std::string_view marker;  // seen, and waiting for its token
  const auto keep = [&offered](std::string_view element) {
    if (!offered.others.empty()) offered.others += ", ";
    offered.others += element;
  };
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::sec_websocket_protocol) continue;
    std::string_view list = field.value;
    while (const std::optional<std::string_view> element = base::next_element(list)) {
      if (!offered.token.empty()) {
        keep(*element);
      } else if (!marker.empty()) {
        offered.token = *element;
        offered.answer = marker;
        marker = {};
      } else if (is_marker(*element)) {
        marker = *element;
      } else if (is_dotted_token(*element)) {
        offered.token = element->substr(dotted_marker.size());
        offered.answer = *element;
      } else {
        keep(*element);
      }
    }
  }
  if (!marker.empty()) keep(marker);  // the last element: an ordinary subprotocol of that name
  return offered;
}

tl::expected<std::string_view, std::string> from_header(const JwtSource& source,
                                                        const http::Headers& headers) {
  constexpr std::string_view scheme = "Bearer";
  const HeaderField* field = nullptr;
  for (const HeaderField& candidate : headers) {
    if (!base::equal_ignoring_case(candidate.name, source.name)) continue;
    if (field != nullptr) return Failure("the request has more than one " + source.name + " field");
    field = &candidate;
  }
  if (field == nullptr) return std::string_view();
  const std::string_view value = field->value;
  const bool says_bearer = base::equal_ignoring_case(value.substr(0, scheme.size()), scheme) &&
                           (value.size() == scheme.size() || value[scheme.size()] == ' ');
  if (says_bearer) return base::trim(value.substr(scheme.size()));
  // Other schemes of Authorization (Basic) are somebody else's business.
  return base::equal_ignoring_case(source.name, "authorization") ? std::string_view() : value;
}

// A cookie may come several times, for several paths; but backends disagree on which of them counts, so that
// different values are no token at all.
tl::expected<std::string_view, std::string> from_cookies(const JwtSource& source,
                                                         const http::Headers& headers) {
  std::string_view found;
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::cookie) continue;
    std::string_view rest = field.value;
    for (std::string_view value; (value = http::cookie_value(rest, source.name)).data() != nullptr;) {
      if (!found.empty() && !value.empty() && value != found)
        return Failure("the request has more than one cookie " + source.name + ", with different values");
      if (found.empty()) found = value;
      rest.remove_prefix(static_cast<size_t>(value.data() - rest.data()) + value.size());
    }
  }
  return found;
}

tl::expected<std::string_view, std::string> from_query(const JwtSource& source, const http::Target& target,
                                                       std::string& decoded) {
  const std::string_view value = http::query_parameter(target.query, source.name);
  if (value.data() == nullptr) return std::string_view();
  if (http::count_query_parameter(target.query, source.name) > 1)
    return Failure("the query has more than one parameter " + source.name);
  if (value.find_first_of("%+") == value.npos) return value;
  decoded = http::decode_query_value(value);
  return std::string_view(decoded);
}

}  // namespace

tl::expected<void, std::string> find_token(const std::vector<JwtSource>& sources,
                                           const RequestContext& context, FoundToken& found) {
  const http::Headers& headers = context.request.headers;
  for (const JwtSource& source : sources) {
    tl::expected<std::string_view, std::string> token = std::string_view();
    switch (source.kind) {
      case JwtSource::Kind::header: token = from_header(source, headers); break;
      case JwtSource::Kind::cookie: token = from_cookies(source, headers); break;
      case JwtSource::Kind::query: token = from_query(source, context.target, found.decoded); break;
      case JwtSource::Kind::subprotocol:
        if (context.request.upgrade == http::Upgrade::websocket) token = read_offered(headers).token;
        break;
    }
    if (!token) return Failure(std::move(token.error()));
    if (token->empty()) continue;
    found.text = *token;
    found.source = &source;
    return {};
  }
  return {};
}

std::string take_subprotocol_token(http::RequestHead& request) {
  const Offered offered = read_offered(request.headers);
  if (offered.token.empty()) return {};
  std::string answer(offered.answer);
  if (offered.others.empty())
    request.headers.remove(FieldId::sec_websocket_protocol);
  else
    request.headers.set("Sec-WebSocket-Protocol", request.arena.keep(offered.others));
  return answer;
}

}  // namespace postern::policy
