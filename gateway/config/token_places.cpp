#include "config/token_places.h"

#include <chrono>

#include "base/ascii.h"
#include "base/json_scanner.h"
#include "config/suggest.h"
#include "config/text.h"
#include "policy/message_token.h"

namespace postern::config {
namespace {

using policy::JwtForwarding;
using policy::JwtSource;
using policy::MessageForm;
using Kind = JwtSource::Kind;
using namespace std::chrono_literals;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::header: return "header";
    case Kind::cookie: return "cookie";
    case Kind::query:
    case Kind::ticket: return "query parameter";
    case Kind::message: return "header of STOMP";
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
    "names more or less than one place; write { header: NAME }, { cookie: NAME }, { query: NAME }, { "
    "ticket: NAME } or { message: FORM }";

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

// ---- The first message of a WebSocket

const std::vector<std::string_view>& message_words() {
  static const std::vector<std::string_view> words = {"graphql", "stomp", "json"};
  return words;
}

MessageForm& form_of(TokenSource& source) {
  if (!source.message) source.message.emplace();
  return *source.message;
}

void read_message_form(const Value& value, TokenSource& source) {
  const auto word = value.one_of(message_words());
  if (!word) return;
  constexpr MessageForm::Kind kinds[] = {MessageForm::Kind::graphql, MessageForm::Kind::stomp,
                                         MessageForm::Kind::json};
  source.kind = Kind::message;
  source.name = std::string(message_words()[*word]);
  form_of(source).kind = kinds[*word];
}

// What it may be depends on the form: see check_message().
void read_place_in_message(const Value& value, TokenSource& source) {
  const auto text = value.text();
  if (!text) return;
  if (!text->starts_with('/')) {
    if (!base::is_token(*text))
      return value.complain("is neither the path of a JSON field, such as /payload/token, nor a header");
    form_of(source).header = std::string(*text);
    return;
  }
  form_of(source).token = base::JsonPath::read(*text);
  if (!form_of(source).token)
    value.complain("is not the path of a JSON field, such as /payload/token (at most eight names)");
}

void check_message(const Fields& fields, TokenSource& source) {
  if (source.kind != Kind::message) return;
  const MessageForm& form = form_of(source);
  const bool is_stomp = form.kind == MessageForm::Kind::stomp;
  const auto token = fields.take("token");
  if (token && is_stomp && form.token) token->complain("is a path; STOMP has headers, such as passcode");
  if (token && !is_stomp && !form.token && fields.is_good("token"))
    token->complain("is not the path of a JSON field, such as /payload/token");
  if (form.kind == MessageForm::Kind::json) {
    if (!token || !fields.take("type"))
      fields.take("message")->complain("needs type and token: { message: json, type: auth, token: /token }");
    return;
  }
  for (const char* key : {"type", "type_at"})
    if (const auto value = fields.take(key))
      value->complain("is for message: json; the type of " + name_of(form) + " is known");
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
          .key("message", itself<TokenSource>,
               custom(read_message_form, "graphql, stomp or json", words_schema(message_words()), "none"),
               "The form of the first message of a WebSocket, which may carry the token: graphql "
               "(connection_init of graphql-transport-ws and graphql-ws), stomp (the CONNECT frame) or json "
               "(a message of the type in type). Where the upgrade has no token in an earlier place, the "
               "gateway opens the WebSocket, waits for that message, and asks no endpoint before the token "
               "is valid.")
          .key("token", itself<TokenSource>,
               custom(read_place_in_message, "path of a JSON field, or header", scalar_schema(), "none"),
               "Where the token is in the message, with or without Bearer in front: a path such as "
               "/payload/token, or the name of a header of STOMP. Required for json.")
          .by_default("the usual members of payload for graphql, Authorization for stomp")
          .key(
              "type", [](TokenSource& source) -> std::string& { return form_of(source).type; }, text(),
              "The type of the message of json, such as auth.")
          .by_default("required for json")
          .key(
              "type_at",
              [](TokenSource& source) -> std::optional<base::JsonPath>& { return form_of(source).type_at; },
              json_field(), "Where the type is in the message of json.")
          .by_default("/type")
          .key(
              "wait", [](TokenSource& source) -> base::Duration& { return form_of(source).wait; },
              duration(100ms, 5min),
              "How long the gateway waits for the message. Then it refuses the WebSocket, with 4408 for "
              "graphql-transport-ws.")
          .key(
              "size", [](TokenSource& source) -> size_t& { return form_of(source).size; },
              size(128, 1024 * 1024),
              "The largest first message in bytes. A larger one is refused with 1009.")
          .at_most_one_of({"header", "cookie", "query", "ticket", "message"}, one_source)
          .at_least_one_of({"header", "cookie", "query", "ticket", "message"}, one_source)
          .needs("token", "message", "needs message: where in it the token is")
          .needs("type", "message", "needs message: json")
          .needs("type_at", "message", "needs message: json")
          .needs("wait", "message", "needs message: only a message is waited for")
          .needs("size", "message", "needs message")
          .check(check_message)
          .needs("scheme", "header", "needs header: only a header field has a scheme");
  return keys;
}

std::optional<TokenSource> read_source(const Value& item) {
  if (item.is_map()) {
    TokenSource source;
    source.name.clear();
    source.location = item.location();
    token_source_keys().read(item, &source);
    if (source.kind != Kind::message) source.message.reset();
    return source.name.empty() ? std::nullopt : std::optional(source);
  }
  const auto text = item.text();
  if (!text) return std::nullopt;
  if (*text == "header") return TokenSource{{Kind::header, "Authorization"}, item.location()};
  if (*text == "subprotocol") return TokenSource{{Kind::subprotocol, ""}, item.location()};
  if (*text == "ticket") return TokenSource{{Kind::ticket, "ticket"}, item.location()};
  if (lacks_name(item, *text)) return std::nullopt;
  if (*text == "message") {
    item.complain("needs a form: { message: graphql }, { message: stomp } or { message: json, ... }");
    return std::nullopt;
  }
  std::string sentence = item.quote() +
                         " is not a place for a token (header, { header: NAME }, { cookie: NAME }, { query: "
                         "NAME }, subprotocol, ticket, { message: FORM })";
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
      if (source->message && other.message) {
        item.complain("is a second message; a WebSocket has one first message, see line " +
                      std::to_string(other.location.line));
        break;
      }
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
