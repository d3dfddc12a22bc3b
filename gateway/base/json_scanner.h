// One value out of a JSON text (RFC 8259) without building a document. The whole text is checked on the way:
// what two readers could understand differently is an error, so that a rule fails closed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::base {

// The names that lead from the outermost object to a value (RFC 6901 without array indexes): "/data/type".
class JsonPath {
 public:
  // Nothing when it does not begin with a slash, has no name, an empty one, or more than eight.
  static std::optional<JsonPath> read(std::string_view text);
  const std::vector<std::string>& names() const { return names_; }
  std::string text() const;
  friend bool operator==(const JsonPath&, const JsonPath&) = default;

 private:
  std::vector<std::string> names_;
};

// What stands at a path.
struct JsonFound {
  bool exists = false;
  bool is_string = false;
  std::string_view raw{};  // a string without its quotes, escapes and all; else the value as it is written
  std::string decoded{};   // of a string that has escapes
  // The string, or the value as it is written.
  std::string_view text() const { return decoded.empty() ? raw : std::string_view(decoded); }
};

// `text` is UTF-8. The error is a word for logs: besides ill-formed text ("syntax") these are "nesting"
// (deeper than 64), "duplicate_name" (a name of the path twice in its object), "name_case" (a name that is
// one of the path for readers that ignore case, and is not) and "surrogate" (half of a pair in a string that
// had to be read).
tl::expected<JsonFound, std::string_view> find_in_json(std::string_view text, const JsonPath& path);

}  // namespace postern::base
