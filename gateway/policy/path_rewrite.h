// The path that an endpoint gets in place of the one that the client asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "http/target.h"

namespace re2 {
class RE2;
}

namespace postern::policy {

// One of two: the prefix `from` gives way to `to`, or what `pattern` finds does. Prefixes are normalised
// paths and end at a segment; "/" as `from` adds one, "/" as `to` takes one away.
struct PathRewriteOptions {
  std::string from;
  std::string to;
  std::string pattern;      // RE2; empty: prefixes
  std::string replacement;  // for the first match, with \1 and so on
};

// Works on the normalised path, and what comes of it is normalised and judged again: it can leave no rule
// that a client's own path could not leave, and no ".." may come of it. The query stays as it is, byte for
// byte, unless the pattern names it by "\?": then the pattern is for path and query. A "?" in the replacement
// begins a query that goes in front.
class PathRewrite {
 public:
  static constexpr size_t longest = 64 * 1024;  // bytes of a result

  static tl::expected<std::unique_ptr<const PathRewrite>, std::string> compile(PathRewriteOptions options);
  ~PathRewrite();
  PathRewrite(const PathRewrite&) = delete;
  PathRewrite& operator=(const PathRewrite&) = delete;

  // The whole new target; nothing when it stays as it is. The sentence says what is wrong with the result.
  tl::expected<std::optional<std::string>, std::string_view> apply(const http::Target& target) const;

  // The way back, for a path that an endpoint names: as the client has to ask for it. It begins with one
  // slash and leads to no other host, and out of no prefix that was put in front, however a browser reads it.
  // Nothing when there is no way back or the path is the client's already. `path` begins with a slash or a
  // backslash.
  std::optional<std::string> restore(std::string_view path) const;

  // The prefix that is taken away and not replaced, which the endpoint may want to know; else empty.
  std::string_view stripped() const;

 private:
  explicit PathRewrite(PathRewriteOptions options);
  std::optional<std::string> replaced(const http::Target& target) const;

  PathRewriteOptions options_;
  std::unique_ptr<const re2::RE2> pattern_;
  bool pattern_has_query_ = false;
};

}  // namespace postern::policy
