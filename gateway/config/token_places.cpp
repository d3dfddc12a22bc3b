#include "config/token_places.h"

#include "base/ascii.h"
#include "config/suggest.h"
#include "config/text.h"

namespace postern::config {
namespace {

using policy::JwtForwarding;
using policy::JwtSource;
using Kind = JwtSource::Kind;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::header: return "header";
    case Kind::cookie: return "cookie";
    case Kind::query:
    case Kind::ticket: return "query parameter";
    case Kind::subprotocol: break;
  }
  return "subprotocol";
}

template <Kind kind>
void read_source_name(const Value& value, TokenSource& source) {
  const auto name = value.text();
  if (!name) return;
  const bool is_good = kind == Kind::query || kind == Kind::ticket
                           ? name->find_first_of("&=# ") == std::string_view::npos
                           : base::is_token(*name);
  if (!is_good) return value.refuse({"is not the name of a " + std::string(name_of(kind)), ""});
  source.kind = kind;
  source.name = std::string(*name);
}

constexpr std::string_view one_place =
    "names more or less than one place; write { header: NAME }, { cookie: NAME } or { query: NAME }";
constexpr std::string_view one_source =
    "names more or less than one place; write { header: NAME }, { cookie: NAME }, { query: NAME } or { "
    "ticket: "
    "NAME }";

Parsed<std::string> parse_scheme(std::string_view text) {
  if (!base::is_token(text)) return complain("is not one word");
  return std::string(text);
}

auto scheme() { return text("word", parse_scheme, "[A-Za-z0-9!#$%&'*+.^_`|~-]+"); }

// Complains of a word that is a place only together with a name.
bool lacks_name(const Value& value, std::string_view word) {
  if (word != "cookie" && word != "query") return false;
  value.complain("needs a name: { " + std::string(word) + ": NAME }");
  return true;
}

const Keys<TokenSource>& token_source_keys() {
  static const auto keys =
      Keys<TokenSource>("token_source")
          .key("header", itself<TokenSource>,
               custom(read_source_name<Kind::header>, "header name", scalar_schema(), "none"),
               "The header field that may carry the token, with or without Bearer in front.")
          .key(
              "scheme", &TokenSource::scheme, scheme(),
              "The word that must stand before the token in the header, in place of Bearer, such as Token or "
              "JWT. Without that word the field has no token.")
          .key("cookie", itself<TokenSource>,
               custom(read_source_name<Kind::cookie>, "cookie name", scalar_schema(), "none"),
               "The cookie that may carry the token.")
          .key("query", itself<TokenSource>,
               custom(read_source_name<Kind::query>, "query parameter", scalar_schema(), "none"),
               "The query parameter that may carry the token. Its value is never logged.")
          .key("ticket", itself<TokenSource>,
               custom(read_source_name<Kind::ticket>, "query parameter", scalar_schema(), "none"),
               "The query parameter that may carry a ticket for the token, from a route with ticket. The "
               "endpoint never gets it; forward_as sends the token itself.")
          .at_most_one_of({"header", "cookie", "query", "ticket"}, one_source)
          .at_least_one_of({"header", "cookie", "query", "ticket"}, one_source)
          .needs("scheme", "header", "needs header: only a header field has a scheme");
  return keys;
}

std::optional<TokenSource> read_source(const Value& item) {
  if (item.is_map()) {
    TokenSource source;
    source.name.clear();
    source.location = item.location();
    token_source_keys().read(item, &source);
    return source.name.empty() ? std::nullopt : std::optional(source);
  }
  const auto text = item.text();
  if (!text) return std::nullopt;
  if (*text == "header") return TokenSource{{Kind::header, "Authorization"}, item.location()};
  if (*text == "subprotocol") return TokenSource{{Kind::subprotocol, ""}, item.location()};
  if (*text == "ticket") return TokenSource{{Kind::ticket, "ticket"}, item.location()};
  if (lacks_name(item, *text)) return std::nullopt;
  std::string sentence = item.quote() +
                         " is not a place for a token (header, { header: NAME }, { cookie: NAME }, { query: "
                         "NAME }, subprotocol, ticket)";
  if (!item.node().substituted)
    sentence += did_you_mean(*text, {"header", "cookie", "query", "subprotocol", "ticket"});
  item.complain(std::move(sentence));
  return std::nullopt;
}

// ---- Where a token is moved to

// Authorization is refused to other keys, but is the place of tokens.
Parsed<std::string> parse_header_for_token(std::string_view text) {
  if (base::equal_ignoring_case(text, "authorization")) return std::string(text);
  return parse_settable_header(text);
}

// It is written into the request as it is, so it must need no escapes.
Parsed<std::string> parse_parameter_for_token(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  const bool is_plain = !text.empty() && text.find_first_not_of(plain) == text.npos;
  if (!is_plain) return complain("is not a name of letters, digits, -, ., _ and ~");
  return std::string(text);
}

template <Kind kind, Parsed<std::string> (*parse)(std::string_view)>
void read_place_name(const Value& value, JwtForwarding& forwarding) {
  auto name = value.parsed(parse);
  if (!name) return;
  forwarding.kind = JwtForwarding::Kind::move;
  forwarding.place.kind = kind;
  forwarding.place.name = std::move(*name);
}

std::string& scheme_of(JwtForwarding& forwarding) { return forwarding.place.scheme; }

const Keys<JwtForwarding>& token_place_keys() {
  static const auto keys =
      Keys<JwtForwarding>("token_place")
          .key("header", itself<JwtForwarding>,
               custom(read_place_name<Kind::header, parse_header_for_token>, "header name", scalar_schema(),
                      "none"),
               "The header field in which the endpoint gets the token: bare, but behind Bearer in "
               "Authorization.")
          .key("scheme", scheme_of, scheme(),
               "The word before the token in the header, such as Token or JWT.")
          .key("cookie", itself<JwtForwarding>,
               custom(read_place_name<Kind::cookie, parse_cookie_name>, "cookie name", scalar_schema(),
                      "none"),
               "The cookie in which the endpoint gets the token.")
          .key("query", itself<JwtForwarding>,
               custom(read_place_name<Kind::query, parse_parameter_for_token>, "query parameter",
                      scalar_schema(), "none"),
               "The query parameter in which the endpoint gets the token. Its value is never logged.")
          .at_most_one_of({"header", "cookie", "query"}, one_place)
          .at_least_one_of({"header", "cookie", "query"}, one_place)
          .needs("scheme", "header", "needs header: only a header field has a scheme");
  return keys;
}

const std::vector<std::string_view>& forwarding_words() {
  static const std::vector<std::string_view> words = {"keep", "strip", "header", "subprotocol"};
  return words;
}

void read_forwarding_word(const Value& value, JwtForwarding& forwarding) {
  using Done = JwtForwarding::Kind;
  const auto text = value.text();
  if (!text || lacks_name(value, *text)) return;
  const auto word = value.one_of(forwarding_words());
  if (!word) return;
  constexpr Done kinds[] = {Done::keep, Done::strip, Done::move, Done::move};
  forwarding.kind = kinds[*word];
  if (*text == "subprotocol") forwarding.place = {Kind::subprotocol, ""};
}

}  // namespace

std::optional<TokenSources::Type> TokenSources::read(const Value& value) const {
  Type sources;
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; say where the token is");
  for (const Value& item : items) {
    const auto source = read_source(item);
    if (!source) continue;
    for (const TokenSource& other : sources) {
      if (other.kind != source->kind || other.name != source->name || other.scheme != source->scheme)
        continue;
      item.complain("stands in line " + std::to_string(other.location.line) + " already");
      break;
    }
    sources.push_back(*source);
  }
  return sources;
}

std::string TokenSources::json_schema() const {
  return list_schema(section_schema(token_source_keys(), {words_schema({"header", "subprotocol", "ticket"})}),
                     1, 1000);
}

const Section* TokenSources::section() const { return &token_source_keys(); }

ValueOrMap<JwtForwarding> token_forwarding() {
  return value_or_map(read_forwarding_word, token_place_keys, "keep, strip or a place",
                      words_schema(forwarding_words()), "keep");
}

}  // namespace postern::config
