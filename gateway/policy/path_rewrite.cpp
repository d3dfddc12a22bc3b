#include "policy/path_rewrite.h"

#include <re2/re2.h>

#include <algorithm>

#include "http/path_prefix.h"
#include "http/path_readings.h"
#include "policy/pattern_error.h"

namespace postern::policy {
namespace {

constexpr int64_t most_pattern_memory = 1 << 20;  // bytes of one compiled expression

std::optional<std::string> swap_prefix(std::string_view path, std::string_view from, std::string_view to) {
  if (!http::is_below(path, from)) return std::nullopt;
  std::string swapped(to == "/" ? "" : to);
  swapped += from == "/" ? path : path.substr(from.size());
  return swapped.empty() ? "/" : swapped;
}

std::string without_slash(std::string prefix) {
  if (prefix.size() > 1 && prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

// Returns the number of dots of "." or "..", as browsers parse a segment: each dot may be escaped.
size_t dots_of(std::string_view segment) {
  size_t dots = 0;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment.substr(i, 3) == "%2e" || segment.substr(i, 3) == "%2E")
      i += 2;
    else if (segment[i] != '.')
      return 0;
    ++dots;
  }
  return dots <= 2 ? dots : 0;
}

// The path of a reference as a browser parses it: a backslash is a slash, tabs are removed, dot segments are
// resolved, and steps above the root stay at the root (WHATWG URL, "path state").
std::string read_as_browsers(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  std::erase_if(text, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });
  std::string resolved;
  for (size_t start = 1; start <= text.size();) {
    const size_t end = std::min(text.find('/', start), text.size());
    const std::string_view segment = std::string_view(text).substr(start, end - start);
    const size_t dots = dots_of(segment);
    if (dots == 2 && !resolved.empty()) resolved.resize(resolved.rfind('/'));
    if (dots == 0)
      resolved.append("/").append(segment);
    else if (end == text.size())
      resolved += '/';
    start = end + 1;
  }
  return resolved;
}

bool may_surprise(std::string_view path) {
  return path.find_first_of("\\\t\r\n") != path.npos || path.find("/.") != path.npos ||
         path.find("%2e") != path.npos || path.find("%2E") != path.npos;
}

std::string with_query(std::string target, const http::Target& from) {
  if (!from.has_query) return target;
  target += target.find('?') == std::string::npos ? '?' : '&';
  return target.append(from.query);
}

}  // namespace

PathRewrite::PathRewrite(PathRewriteOptions options) : options_(std::move(options)) {}
PathRewrite::~PathRewrite() = default;

tl::expected<std::unique_ptr<const PathRewrite>, std::string> PathRewrite::compile(
    PathRewriteOptions options) {
  options.from = without_slash(std::move(options.from));
  options.to = without_slash(std::move(options.to));
  std::unique_ptr<PathRewrite> made(new PathRewrite(std::move(options)));
  const std::string& pattern = made->options_.pattern;
  if (pattern.empty()) return made;
  re2::RE2::Options how(re2::RE2::Latin1);  // bytes, as they are in the target
  how.set_log_errors(false);
  how.set_max_mem(most_pattern_memory);
  auto compiled = std::make_unique<re2::RE2>(pattern, how);
  if (!compiled->ok()) return tl::unexpected("is not an RE2 expression: " + pattern_error(*compiled));
  std::string wrong;
  const std::string& replacement = made->options_.replacement;
  const int groups = compiled->NumberOfCapturingGroups();
  if (const int wanted = re2::RE2::MaxSubmatch(replacement); wanted > groups)
    return tl::unexpected("does not fit its replacement, which has \\" + std::to_string(wanted) +
                          ": the pattern has " + std::to_string(groups) +
                          (groups == 1 ? " group" : " groups") + " in parentheses");
  if (!compiled->CheckRewriteString(replacement, &wrong))
    return tl::unexpected("does not fit its replacement: " + wrong);
  made->pattern_has_query_ = pattern.find("\\?") != std::string::npos;
  made->pattern_ = std::move(compiled);
  return made;
}

std::optional<std::string> PathRewrite::replaced(const http::Target& target) const {
  if (!pattern_) {
    std::optional<std::string> swapped = swap_prefix(target.path, options_.from, options_.to);
    if (swapped) swapped = with_query(std::move(*swapped), target);
    return swapped;
  }
  std::string text(target.path);
  if (pattern_has_query_) text = with_query(std::move(text), target);
  if (!re2::RE2::Replace(&text, *pattern_, options_.replacement)) return std::nullopt;
  return pattern_has_query_ ? text : with_query(std::move(text), target);
}

tl::expected<std::optional<std::string>, std::string_view> PathRewrite::apply(
    const http::Target& target) const {
  using Failure = tl::unexpected<std::string_view>;
  if (target.path == "*") return std::nullopt;
  if (!target.irregular.empty()) return Failure(target.irregular);
  std::optional<std::string> text = replaced(target);
  if (!text) return std::nullopt;
  if (text->size() > longest) return Failure("the rewritten target is longer than 64 KiB");
  if (*text == "*") return Failure("the rewritten target does not start with \"/\"");
  http::Target read;
  if (const auto judged = http::read_target(*text, read); !judged) return Failure(judged.error());
  if (!read.irregular.empty()) return Failure(read.irregular);
  // The client's own dots are already resolved: these were composed by the rewrite, perhaps from a query.
  if (!read.climbed_from.empty()) return Failure("the rewritten path has a \"..\" segment");
  // An endpoint must not find any in the moved text either, such as "%252e%252e" after a prefix.
  if (read.odd) {
    const auto readings = http::PathReadings::of(read.path);
    if (!readings) return Failure(readings.error());
  }
  std::string normal(read.path);  // without doubled slashes: "//host" would name a host
  if (read.has_query) normal.append("?").append(read.query);
  return normal;
}

std::optional<std::string> PathRewrite::restore(std::string_view path) const {
  if (pattern_) return std::nullopt;
  // Dots would lead out of a prefix that is put in front of them.
  const std::string read = may_surprise(path) ? read_as_browsers(path) : std::string(path);
  if (options_.to == "/" && http::is_below(read, options_.from)) return std::nullopt;
  std::optional<std::string> restored = swap_prefix(read, options_.to, options_.from);
  // After a prefix is removed, the rest may begin with several slashes, and "//name" is another host.
  if (restored) restored->erase(1, std::min(restored->find_first_not_of('/'), restored->size()) - 1);
  return restored;
}

std::string_view PathRewrite::stripped() const {
  return !pattern_ && options_.to == "/" && options_.from != "/" ? options_.from : std::string_view();
}

}  // namespace postern::policy
