#include "policy/message_token.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/json.h"
#include "websocket/utf8_check.h"

namespace postern::policy {
namespace {

using Failure = tl::unexpected<std::string>;
using Found = tl::expected<std::string_view, std::string>;

// The text of a token and the bytes that are taken out with it, both in the message.
struct Place {
  std::string_view value;
  std::string_view removed;
  std::string decoded{};  // the value, where it has escapes
  std::string_view text() const { return decoded.empty() ? value : std::string_view(decoded); }
};
using Places = tl::expected<std::vector<Place>, std::string>;

std::string_view without_scheme(std::string_view value) {
  constexpr std::string_view scheme = "Bearer";
  value = base::trim(value);
  const bool names_scheme =
      base::equal_ignoring_case(value.substr(0, scheme.size()), scheme) &&
      (value.size() == scheme.size() || value[scheme.size()] == ' ' || value[scheme.size()] == '\t');
  return names_scheme ? base::trim(value.substr(scheme.size())) : value;
}

std::string not_readable(std::string_view why) {
  return std::string("the message cannot be read: ").append(why);
}

// --- JSON ---

constexpr std::array<std::string_view, 5> members_of_payload = {"authorization", "authToken", "accessToken",
                                                                "access_token", "token"};
constexpr std::array<std::string_view, 1> members_of_headers = {"authorization"};

// Adds the paths of those members of `object` that may have a token.
template <size_t size>
void add_paths(const base::Json* object, std::string_view where,
               const std::array<std::string_view, size>& usual, std::vector<base::JsonPath>& paths) {
  if (!object || !object->is_object()) return;
  for (const auto& [name, value] : object->items()) {
    const bool is_usual = std::any_of(usual.begin(), usual.end(), [&name = name](std::string_view one) {
      return base::equal_ignoring_case(name, one);
    });
    if (!is_usual || value.is_null()) continue;
    paths.push_back(*base::JsonPath::read(std::string(where).append("/").append(name)));
  }
}

std::vector<base::JsonPath> paths_of_token(const MessageForm& form, const base::Json& message) {
  if (form.token) return {*form.token};
  std::vector<base::JsonPath> paths;
  const base::Json* payload = base::find_member(message, "payload");
  if (!payload) return paths;
  add_paths(payload, "/payload", members_of_payload, paths);
  add_paths(base::find_member(*payload, "headers"), "/payload/headers", members_of_headers, paths);
  return paths;
}

tl::expected<base::JsonFound, std::string> find(std::string_view message, const base::JsonPath& path) {
  auto found = base::find_in_json(message, path);
  if (found) return std::move(*found);
  if (found.error() == "duplicate_name" || found.error() == "name_case")
    return Failure("the message has a member of " + path.text() + " twice");
  return Failure(not_readable("its JSON is not well-formed (" + std::string(found.error()) + ")"));
}

Places places_in_json(const MessageForm& form, websocket::Opcode kind, std::string_view message) {
  if (kind != websocket::Opcode::text) return Failure("the message is binary, and JSON is text");
  if (!websocket::is_utf8(message)) return Failure(not_readable("it is not UTF-8"));
  const auto json = base::parse_json(message);
  if (!json) return Failure(not_readable(base::describe(json.error().kind)));
  static const base::JsonPath usual_type = *base::JsonPath::read("/type");
  const auto type = find(message, form.type_at.value_or(usual_type));
  if (!type) return Failure(type.error());
  std::vector<Place> places;
  if (!type->exists || !type->is_string || type->text() != form.type) return places;
  for (const base::JsonPath& path : paths_of_token(form, *json)) {
    auto found = find(message, path);
    if (!found) return Failure(found.error());
    if (!found->exists || (!found->is_string && found->raw == "null")) continue;
    if (!found->is_string) return Failure(path.text() + " of the message is not a text");
    places.push_back({found->raw, found->raw, std::move(found->decoded)});
  }
  return places;
}

// --- STOMP ---

// Takes a line with its end; false: there is no further end of a line.
bool take_line(std::string_view& rest, std::string_view& line, std::string_view& whole) {
  const size_t end = rest.find('\n');
  if (end == rest.npos) return false;
  whole = rest.substr(0, end + 1);
  line = rest.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  rest.remove_prefix(end + 1);
  return true;
}

// CONNECT has no escapes in its headers (STOMP 1.2, Value Encoding), and no body.
Places places_in_stomp(const MessageForm& form, websocket::Opcode kind, std::string_view message) {
  const bool is_message = kind == websocket::Opcode::text || kind == websocket::Opcode::binary;
  if (!is_message || !websocket::is_utf8(message)) return Failure(not_readable("it is not UTF-8"));
  std::vector<Place> places;
  std::string_view rest = message;
  const size_t begin = rest.find_first_not_of("\r\n");  // in front of it are heart-beats
  if (begin == rest.npos) return places;
  rest.remove_prefix(begin);
  std::string_view line;
  std::string_view whole;
  if (!take_line(rest, line, whole)) return Failure(not_readable("it is no frame of STOMP"));
  if (line != "CONNECT" && line != "STOMP") return places;
  for (;;) {
    if (!take_line(rest, line, whole)) return Failure(not_readable("its frame has no end"));
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == line.npos || line.find('\0') != line.npos)
      return Failure(not_readable("a header of its frame has no value"));
    if (!base::equal_ignoring_case(base::trim(line.substr(0, colon)), form.header)) continue;
    places.push_back({line.substr(colon + 1), whole});
  }
  if (!rest.starts_with('\0')) return Failure(not_readable("its frame has no end, or a body"));
  if (rest.find_first_not_of("\r\n", 1) != rest.npos) return Failure("the message has more than one frame");
  if (places.size() > 1) return Failure("the message has more than one header " + form.header);
  return places;
}

Places places_in(const MessageForm& form, websocket::Opcode kind, std::string_view message) {
  return form.kind == MessageForm::Kind::stomp ? places_in_stomp(form, kind, message)
                                               : places_in_json(form, kind, message);
}

}  // namespace

std::string name_of(const MessageForm& form) {
  switch (form.kind) {
    case MessageForm::Kind::graphql: return "connection_init";
    case MessageForm::Kind::stomp: return "the CONNECT frame";
    case MessageForm::Kind::json: break;
  }
  return "the message of type " + form.type;
}

Found token_in_message(const MessageForm& form, websocket::Opcode kind, std::string_view message,
                       std::string& decoded) {
  Places places = places_in(form, kind, message);
  if (!places) return Failure(places.error());
  Place* first = nullptr;
  for (Place& place : *places) {
    const std::string_view token = without_scheme(place.text());
    if (token.empty()) continue;
    if (first && without_scheme(first->text()) != token)
      return Failure("the message has two different tokens");
    if (!first) first = &place;
  }
  if (!first) return std::string_view();
  if (first->decoded.empty()) return without_scheme(first->value);
  decoded = std::move(first->decoded);
  return without_scheme(decoded);
}

std::string without_token(const MessageForm& form, websocket::Opcode kind, std::string_view message) {
  Places places = places_in(form, kind, message);
  if (!places) return std::string(message);
  std::sort(places->begin(), places->end(),
            [](const Place& a, const Place& b) { return a.removed.data() < b.removed.data(); });
  std::string rest;
  const char* at = message.data();
  for (const Place& place : *places) {
    rest.append(at, place.removed.data());
    at = place.removed.data() + place.removed.size();
  }
  return rest.append(at, message.data() + message.size());
}

}  // namespace postern::policy
