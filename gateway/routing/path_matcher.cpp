#include "routing/path_matcher.h"

#include <algorithm>

#include "http/target.h"

namespace postern::routing {
namespace {

bool path_less(const std::pair<std::string, size_t>& entry, std::string_view path) {
  return entry.first < path;
}

}  // namespace

tl::expected<std::string, std::string> read_route_path(std::string_view text) {
  using Failure = tl::unexpected<std::string>;
  http::Target target;
  auto read = http::read_strict_target(text, target);
  if (!read) return Failure(std::string(read.error()));
  if (target.has_query) return Failure("a route's path has no \"?\"");
  if (text == "*") return Failure("a route's path starts with \"/\"");
  return std::string(target.path);
}

std::optional<size_t> PathMatcher::find(const Paths& paths, std::string_view path) {
  const auto found = std::lower_bound(paths.begin(), paths.end(), path, path_less);
  if (found == paths.end() || found->first != path) return std::nullopt;
  return found->second;
}

size_t PathMatcher::add(std::string_view path, bool exact) {
  if (!exact && path.ends_with('/')) path.remove_suffix(1);
  Paths& paths = exact ? exact_ : prefixes_;
  if (const std::optional<size_t> known = find(paths, path)) return *known;
  paths.emplace(std::lower_bound(paths.begin(), paths.end(), path, path_less), path, size_);
  if (!exact) longest_prefix_ = std::max(longest_prefix_, path.size());
  return size_++;
}

std::optional<size_t> PathMatcher::match(std::string_view path) const {
  if (path.empty() || path.front() != '/') return std::nullopt;  // "*" belongs to no route
  if (const std::optional<size_t> found = find(exact_, path)) return found;
  if (prefixes_.empty()) return std::nullopt;
  // Every beginning of the path that ends before a slash or with the path, the longest first.
  std::string_view prefix = path;
  if (prefix.size() > longest_prefix_) {
    const size_t slash = path.rfind('/', longest_prefix_);
    prefix = path.substr(0, slash);
  }
  while (true) {
    if (const std::optional<size_t> found = find(prefixes_, prefix)) return found;
    const size_t slash = prefix.rfind('/');
    if (slash == prefix.npos) return std::nullopt;
    prefix = prefix.substr(0, slash);
  }
}

}  // namespace postern::routing
