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

std::vector<std::string> PathMatcher::texts() const {
  std::vector<std::string> texts;
  for (const auto& [path, number] : exact_) texts.push_back('=' + path);
  for (const auto& [path, number] : prefixes_) texts.push_back(path.empty() ? "/" : path);
  return texts;
}

PathMatcher::Walk::Walk(const PathMatcher& matcher, std::string_view path) : matcher_(matcher), path_(path) {
  if (path.empty() || path.front() != '/') step_ = Step::done;  // "*" matches no route
}

std::optional<size_t> PathMatcher::Walk::next() {
  if (step_ == Step::exact) {
    step_ = matcher_.prefixes_.empty() ? Step::done : Step::prefixes;
    prefix_ = path_;
    if (prefix_.size() > matcher_.longest_prefix_) {
      const size_t slash = path_.rfind('/', matcher_.longest_prefix_);
      prefix_ = path_.substr(0, slash);
    }
    if (const std::optional<size_t> found = find(matcher_.exact_, path_)) return found;
  }
  // Tries every beginning of the path that ends before a slash or at the end of the path, the longest first.
  while (step_ == Step::prefixes) {
    const std::string_view prefix = prefix_;
    const size_t slash = prefix.rfind('/');
    if (slash == prefix.npos)
      step_ = Step::done;  // the empty prefix was the last
    else
      prefix_ = prefix.substr(0, slash);
    if (const std::optional<size_t> found = find(matcher_.prefixes_, prefix)) return found;
  }
  return std::nullopt;
}

}  // namespace postern::routing
