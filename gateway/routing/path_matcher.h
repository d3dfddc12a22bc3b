// Paths as routes name them: exact, or a prefix at a segment boundary.
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

// A route's path in the form in which requests are matched: normalised, in which spelling readings are, too
// (http/path_readings.h). The error is a sentence.
tl::expected<std::string, std::string> read_route_path(std::string_view text);

// Finds entries by path. "/ws" as a prefix takes "/ws" and "/ws/x", not "/wsfoo"; "/ws/" means the same; "/"
// takes all. Exact takes its very path. An exact entry wins over any prefix, a longer prefix over a shorter
// one. Build it once, then any thread may ask; asking allocates nothing.
class PathMatcher {
 public:
  // The number of this entry: a new one, or the one that an equal entry got before. Counted from 0.
  size_t add(std::string_view path, bool exact);
  size_t size() const { return size_; }
  // Of its entries: prefixes as routes write them, exact paths with "=" in front.
  std::vector<std::string> texts() const;

  // The entry for one reading of a path.
  std::optional<size_t> match(std::string_view path) const { return Walk(*this, path).next(); }

  // The entries that take a reading of a path, the most specific first: itself, then prefixes from the
  // longest to the shortest. Walks with next() until nothing is left.
  class Walk {
   public:
    Walk(const PathMatcher& matcher, std::string_view path);
    std::optional<size_t> next();

   private:
    enum class Step : uint8_t { exact, prefixes, done };

    const PathMatcher& matcher_;
    std::string_view path_;    // the whole of it
    std::string_view prefix_;  // the beginning of it to look for next
    Step step_ = Step::exact;
  };

 private:
  using Paths = std::vector<std::pair<std::string, size_t>>;  // sorted by path

  static std::optional<size_t> find(const Paths& paths, std::string_view path);

  Paths exact_;
  Paths prefixes_;             // without the slash at their end
  size_t longest_prefix_ = 0;  // longer beginnings of a path need no look
  size_t size_ = 0;
};

}  // namespace postern::routing
