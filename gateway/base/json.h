// Parses JSON from outside, with limits. A text is accepted only if every parser would read it the same way:
// one value, valid UTF-8, no NUL or byte order mark, no name twice in one object, not too long, not too deep.
// Values are nlohmann::json. Nothing here throws, whatever the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace postern::base {

using Json = nlohmann::json;

struct JsonLimits {
  size_t size = 1024 * 1024;  // bytes of text
  int depth = 32;             // nesting of arrays and objects
};

struct JsonProblem {
  enum class Kind : uint8_t { syntax, too_large, too_deep, duplicate_name };
  Kind kind = Kind::syntax;
  size_t offset = 0;  // bytes read when the problem was noticed
};

// A description of the problem that contains nothing of the text: safe in logs when the text is a secret.
std::string_view describe(JsonProblem::Kind kind);

// Parses a whole text (RFC 8259). Numbers that no double can hold are a syntax problem.
tl::expected<Json, JsonProblem> parse_json(std::string_view text, JsonLimits limits = {});

// The member called `name`; nullptr when `value` is not an object or has no such member.
const Json* find_member(const Json& value, std::string_view name);

// The string of that member; nullptr also when the member is not a string.
const std::string* find_string(const Json& value, std::string_view name);

// Writes the value as one line of JSON. Bytes that are not UTF-8 become U+FFFD.
std::string write_json(const Json& value);

}  // namespace postern::base
