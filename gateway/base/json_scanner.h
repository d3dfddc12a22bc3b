// Finds one value in a JSON text (RFC 8259) without building a document. The whole text is validated: what
// two parsers could understand differently is an error, so that a rule fails closed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::base {

// The member names that lead from the outermost object to a value (a JSON Pointer, RFC 6901, without array
// indexes): "/data/type".
class JsonPath {
 public:
  // Returns nothing when the text does not begin with a slash, has no name, an empty name, or more than eight
  // names.
  static std::optional<JsonPath> read(std::string_view text);
  const std::vector<std::string>& names() const { return names_; }
  std::string text() const;
  friend bool operator==(const JsonPath&, const JsonPath&) = default;

 private:
  std::vector<std::string> names_;
};

// The value found at a path.
struct JsonFound {
  bool exists = false;
  bool is_string = false;
  std::string_view raw{};  // a string without its quotes, escapes unchanged; any other value as it is written
  std::string decoded{};   // the decoded string, if it has escapes
  // The decoded string, or any other value as it is written.
  std::string_view text() const { return decoded.empty() ? raw : std::string_view(decoded); }
};

// `text` must be UTF-8. The error is a word for logs: "syntax" (not well-formed), "nesting" (deeper than 64),
// "duplicate_name" (a name of the path occurs twice in its object), "name_case" (a name differs from one of
// the path in case only, so that parsers that ignore case would take it) or "surrogate" (half of a surrogate
// pair in a string that had to be decoded).
tl::expected<JsonFound, std::string_view> find_in_json(std::string_view text, const JsonPath& path);

}  // namespace postern::base
