// A regular expression that must match a whole text: a path or the value of a field. It uses RE2, whose time
// is linear in the text for every expression.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace re2 {
class RE2;
}

namespace postern::policy {

// Immutable; any thread may use it.
class Pattern {
 public:
  // The error continues after the quoted text: "is not an RE2 expression: ...".
  static tl::expected<std::shared_ptr<const Pattern>, std::string> compile(std::string_view text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // Whether the whole of `text` matches, not only a part of it. It is compared as bytes, whatever its
  // encoding.
  bool fits(std::string_view text) const;
  const std::string& text() const { return text_; }
  // True when certainly no text that begins with "/" matches.
  bool fits_no_path() const { return fits_no_path_; }
  // Returns a folder ("/users/") that contains every matching path, as far as the expression spells it
  // literally; "/" when it does not.
  std::string folder() const;

 private:
  explicit Pattern(std::string_view text);

  std::string text_;
  std::unique_ptr<const re2::RE2> expression_;
  bool fits_no_path_ = false;
};

}  // namespace postern::policy
