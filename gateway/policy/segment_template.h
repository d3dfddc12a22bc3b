// Names segments of a path or labels of a host, for rules that compare them: "/jobs/{job_id}",
// "{tenant}.example.com".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace postern::policy {

// Immutable; any thread may use it.
class SegmentTemplate {
 public:
  // A template of a path fits the paths that begin with its segments, as a route's path does. A template of a
  // host fits hosts with as many labels.
  enum class Of : uint8_t { path, host };

  static constexpr size_t most_segments = 32;

  // The error is a sentence that continues after the quoted text.
  static tl::expected<SegmentTemplate, std::string> read(Of of, std::string_view text);

  // In their order.
  std::vector<std::string_view> names() const;

  // Returns the segment of that name, as it stands in `text`, and nothing when `text` does not fit. A named
  // segment is never empty. `text` is a path in canonical spelling, or a host in lower case without a dot at
  // its end.
  std::optional<std::string_view> find(std::string_view name, std::string_view text) const;

  // Whether some path that a route with this path takes fits the template.
  bool meets(std::string_view route_path, bool exact) const;

 private:
  struct Segment {
    std::string text;  // its name, or as it stands in texts
    bool is_named = false;
    bool takes(std::string_view other) const { return is_named ? !other.empty() : other == text; }
  };

  explicit SegmentTemplate(Of of) : of_(of) {}

  Of of_;
  std::vector<Segment> segments_;
};

}  // namespace postern::policy
