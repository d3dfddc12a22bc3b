// Rewrites the path of a request: the endpoint gets another path than the client requested.
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

// One of two rewrites: the prefix `from` is replaced by `to`, or the match of `pattern` is replaced. Prefixes
// are normalised paths and end at a segment boundary; "/" as `from` adds a prefix, "/" as `to` removes one.
struct PathRewriteOptions {
  std::string from;
  std::string to;
  std::string pattern;      // RE2; empty: prefixes are used
  std::string replacement;  // for the first match, with \1 and so on
};

// Applies to the normalised path. The result is normalised and checked again: it must obey the same rules as
// a client's own path, and must not contain a "..". The query stays byte for byte, unless the pattern
// contains "\?": then it is matched against path and query. A "?" in the replacement begins a query that is
// put before the existing one.
class PathRewrite {
 public:
  static constexpr size_t longest = 64 * 1024;  // bytes of the result

  static tl::expected<std::unique_ptr<const PathRewrite>, std::string> compile(PathRewriteOptions options);
  ~PathRewrite();
  PathRewrite(const PathRewrite&) = delete;
  PathRewrite& operator=(const PathRewrite&) = delete;

  // Returns the whole new target, or nothing when it stays unchanged. The error sentence says what is wrong
  // with the result.
  tl::expected<std::optional<std::string>, std::string_view> apply(const http::Target& target) const;

  // Reverses the rewrite for a path that an endpoint names, so that the client can request it. The result
  // begins with exactly one slash. However a browser interprets it, it never leads to another host, or out of
  // an added prefix. Returns nothing when the rewrite cannot be reversed or the path is already the client's.
  // `path` begins with a slash or a backslash.
  std::optional<std::string> restore(std::string_view path) const;

  // The prefix that is removed without a replacement, which the endpoint may need; otherwise empty.
  std::string_view stripped() const;

 private:
  explicit PathRewrite(PathRewriteOptions options);
  std::optional<std::string> replaced(const http::Target& target) const;

  PathRewriteOptions options_;
  std::unique_ptr<const re2::RE2> pattern_;
  bool pattern_has_query_ = false;
};

}  // namespace postern::policy
