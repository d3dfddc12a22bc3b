#include "policy/answer_token.h"

#include <optional>

#include "base/ascii.h"
#include "base/json.h"
#include "policy/token_claims.h"

namespace postern::policy {
namespace {

using Failure = tl::unexpected<std::string>;
using Token = tl::expected<std::string, std::string>;

Token from_body(const std::string& name, std::string_view body) {
  const auto json = base::parse_json(body, {.size = body.size()});
  if (!json) return Failure("has a body that " + std::string(describe(json.error().kind)));
  const base::Json* member = find_nested_member(*json, name);
  if (!member) return Failure("has no member " + name);
  if (!member->is_string()) return Failure("has a member " + name + " that is not a string");
  const auto& text = member->get_ref<const std::string&>();
  if (text.empty()) return Failure("has an empty member " + name);
  return text;
}

// The name and the value of a Set-Cookie field (RFC 6265 5.2).
struct SetCookie {
  std::string_view name;
  std::string_view value;  // without double quotes
};

SetCookie read_set_cookie(std::string_view field) {
  const std::string_view pair = field.substr(0, field.find(';'));
  const size_t equals = pair.find('=');
  if (equals == pair.npos) return {};
  std::string_view value = base::trim(pair.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  return {base::trim(pair.substr(0, equals)), value};
}

// An answer may set the cookie several times, for several paths, and remove an old one with an empty value.
Token from_cookies(const std::string& name, const http::Headers& headers) {
  std::string_view found;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, "Set-Cookie")) continue;
    const SetCookie cookie = read_set_cookie(field.value);
    if (cookie.name != name || cookie.value.empty()) continue;
    if (!found.empty() && found != cookie.value)
      return Failure("sets the cookie " + name + " more than once, with different values");
    found = cookie.value;
  }
  if (found.empty()) return Failure("sets no cookie " + name);
  return std::string(found);
}

Token from_field(const std::string& name, const http::Headers& headers) {
  constexpr std::string_view bearer = "Bearer ";
  std::optional<std::string_view> found;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    if (found) return Failure("has more than one field " + name);
    found = field.value;
  }
  if (!found) return Failure("has no field " + name);
  if (base::equal_ignoring_case(found->substr(0, bearer.size()), bearer)) found->remove_prefix(bearer.size());
  const std::string_view value = base::trim(*found);
  if (value.empty()) return Failure("has an empty field " + name);
  return std::string(value);
}

}  // namespace

Token read_answer_token(const AnswerTokenPlace& place, const http::Headers& headers, std::string_view body) {
  switch (place.kind) {
    case AnswerTokenPlace::Kind::json: return from_body(place.name, body);
    case AnswerTokenPlace::Kind::cookie: return from_cookies(place.name, headers);
    case AnswerTokenPlace::Kind::header: break;
  }
  return from_field(place.name, headers);
}

}  // namespace postern::policy
