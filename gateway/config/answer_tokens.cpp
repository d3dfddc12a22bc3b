#include "config/answer_tokens.h"

#include "config/values.h"

namespace postern::config {
namespace {

using policy::AnswerTokenPlace;
using Kind = AnswerTokenPlace::Kind;

constexpr std::string_view one_place =
    "names more or less than one place; write NAME for a member of the answer's JSON, { cookie: NAME } or "
    "{ header: NAME }";

template <Kind kind, Parsed<std::string> (*parse)(std::string_view)>
void read_name(const Value& value, AnswerTokenPlace& place) {
  auto name = value.parsed(parse);
  if (!name) return;
  place.kind = kind;
  place.name = std::move(*name);
}

Parsed<std::string> parse_member(std::string_view text) {
  if (text.starts_with('.') || text.ends_with('.') || text.find("..") != text.npos)
    return complain("has an empty name before, between or behind its dots");
  return std::string(text);
}

constexpr std::string_view token_pattern = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

const Keys<AnswerTokenPlace>& answer_token_keys() {
  static const auto keys =
      Keys<AnswerTokenPlace>("answer_token")
          .key("cookie", itself<AnswerTokenPlace>,
               custom(read_name<Kind::cookie, parse_cookie_name>, "cookie name", string_schema(token_pattern),
                      "none"),
               "The cookie that the answer sets to the token.")
          .key("header", itself<AnswerTokenPlace>,
               custom(read_name<Kind::header, parse_header_name>, "header name", string_schema(token_pattern),
                      "none"),
               "The header field of the answer that has the token, with or without Bearer before it.")
          .at_most_one_of({"cookie", "header"}, one_place)
          .at_least_one_of({"cookie", "header"}, one_place);
  return keys;
}

}  // namespace

ValueOrMap<AnswerTokenPlace> answer_token() {
  return value_or_map(read_name<Kind::json, parse_member>, answer_token_keys,
                      "member of the JSON, or a place", string_schema("[^.]+(\\.[^.]+)*"), "none");
}

}  // namespace postern::config
