#include "policy/segment_template.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/escapes.h"

namespace postern::policy {
namespace {

using Failure = tl::unexpected<std::string>;

// Cuts the first segment off `rest`; after the last one, `rest` has no data.
std::string_view take_segment(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view segment = rest.substr(0, end);
  rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  return segment;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Returns a literal segment as it stands in texts; nothing if it can stand in none.
std::optional<std::string> literal(SegmentTemplate::Of of, std::string_view segment) {
  if (segment.empty() || segment.find_first_of("{}%*?#") != segment.npos) return std::nullopt;
  if (of == SegmentTemplate::Of::host) return base::to_lower(segment);
  if (segment == "." || segment == "..") return std::nullopt;
  std::string canonical;
  http::append_canonical(segment, canonical);
  return canonical;
}

}  // namespace

tl::expected<SegmentTemplate, std::string> SegmentTemplate::read(Of of, std::string_view text) {
  const bool is_path = of == Of::path;
  const std::string example = is_path ? "/jobs/{job_id}" : "{tenant}.example.com";
  if (is_path && !text.starts_with('/'))
    return Failure("does not begin with \"/\"; write it like " + example);
  std::string_view rest = is_path ? text.substr(1) : text;
  if (is_path && rest.ends_with('/')) rest.remove_suffix(1);
  SegmentTemplate made(of);
  bool names_any = false;
  while (rest.data() != nullptr) {
    std::string_view segment = take_segment(rest, is_path ? '/' : '.');
    if (made.segments_.size() == most_segments) return Failure("has more than 32 parts");
    if (segment.starts_with('{') && segment.ends_with('}') &&
        is_name(segment.substr(1, segment.size() - 2))) {
      segment = segment.substr(1, segment.size() - 2);
      for (const std::string_view other : made.names())
        if (other == segment) return Failure("has {" + std::string(segment) + "} twice");
      made.segments_.push_back({std::string(segment), true});
      names_any = true;
      continue;
    }
    std::optional<std::string> fixed = literal(of, segment);
    if (!fixed)
      return Failure(
          "has a part that is neither a text nor a name in braces (letters, digits and \"_\"); write "
          "it like " +
          example);
    made.segments_.push_back({std::move(*fixed), false});
  }
  if (!names_any) return Failure("names nothing; write it like " + example);
  return made;
}

std::vector<std::string_view> SegmentTemplate::names() const {
  std::vector<std::string_view> found;
  for (const Segment& segment : segments_)
    if (segment.is_named) found.push_back(segment.text);
  return found;
}

std::optional<std::string_view> SegmentTemplate::find(std::string_view name, std::string_view text) const {
  std::string_view rest = text;
  if (of_ == Of::path) {
    if (!rest.starts_with('/')) return std::nullopt;
    rest.remove_prefix(1);
  }
  std::optional<std::string_view> found;
  for (const Segment& segment : segments_) {
    if (rest.data() == nullptr) return std::nullopt;
    const std::string_view one = take_segment(rest, of_ == Of::path ? '/' : '.');
    if (!segment.takes(one)) return std::nullopt;
    if (segment.is_named && segment.text == name) found = one;
  }
  return of_ == Of::host && rest.data() != nullptr ? std::nullopt : found;
}

bool SegmentTemplate::meets(std::string_view route_path, bool exact) const {
  std::string_view rest = route_path.substr(std::min<size_t>(1, route_path.size()));
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (const Segment& segment : segments_) {
    if (rest.empty()) return !exact;
    if (!segment.takes(take_segment(rest, '/'))) return false;
  }
  return true;
}

}  // namespace postern::policy
