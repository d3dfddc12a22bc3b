// Matches paths as routes name them: an exact path, or a prefix at a segment boundary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace postern::routing {

// Returns a route's path in the form in which requests are matched: normalised, in the canonical spelling
// that readings have too (http/path_readings.h). The error is a sentence.
tl::expected<std::string, std::string> read_route_path(std::string_view text);

// Finds entries by path. The prefixes "/ws" and "/ws/" both match "/ws" and "/ws/x", but not "/wsfoo"; "/"
// matches everything. An exact entry matches only its own path. An exact entry takes precedence over every
// prefix, a longer prefix over a shorter one. It is built once; then any thread may use it, and a lookup
// allocates nothing.
class PathMatcher {
 public:
  // Returns the index of this entry: a new one, or that of an equal entry. The first index is 0.
  size_t add(std::string_view path, bool exact);
  size_t size() const { return size_; }
  // The entries: prefixes as routes write them, exact paths with "=" in front.
  std::vector<std::string> texts() const;

  // The most specific entry for one reading of a path.
  std::optional<size_t> match(std::string_view path) const { return Walk(*this, path).next(); }

  // Enumerates the entries that match a reading of a path, the most specific first: the exact path, then
  // prefixes from the longest to the shortest. Call next() until it returns nothing.
  class Walk {
   public:
    Walk(const PathMatcher& matcher, std::string_view path);
    std::optional<size_t> next();

   private:
    enum class Step : uint8_t { exact, prefixes, done };

    const PathMatcher& matcher_;
    std::string_view path_;    // the whole path
    std::string_view prefix_;  // the next prefix to look up
    Step step_ = Step::exact;
  };

 private:
  using Paths = std::vector<std::pair<std::string, size_t>>;  // sorted by path

  static std::optional<size_t> find(const Paths& paths, std::string_view path);

  Paths exact_;
  Paths prefixes_;             // without their trailing slash
  size_t longest_prefix_ = 0;  // longer prefixes of a path are not looked up
  size_t size_ = 0;
};

}  // namespace postern::routing
