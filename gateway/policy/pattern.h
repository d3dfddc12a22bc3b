// A regular expression for a whole text: of a path, of a field's value. RE2, whose time is linear in the text
// whatever the expression is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace re2 {
class RE2;
}

namespace postern::policy {

// Immutable; any thread may ask.
class Pattern {
 public:
  // The error goes on after the quoted text: "is not an RE2 expression: ...".
  static tl::expected<std::shared_ptr<const Pattern>, std::string> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // The whole of `text` fits, not only a part of it. Bytes, whatever their encoding.
  bool fits(std::string_view text) const;
  const std::string& text() const { return text_; }
  // No text that begins with "/" fits: false when that is not sure.
  bool fits_no_path() const { return fits_no_path_; }
  // A folder ("/users/") that every path that fits lies in, as far as it stands in the expression letter by
  // letter; "/" when none does.
  std::string folder() const;

 private:
  explicit Pattern(std::string_view text);

  std::string text_;
  std::unique_ptr<const re2::RE2> expression_;
  bool fits_no_path_ = false;
};

}  // namespace postern::policy
