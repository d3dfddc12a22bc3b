// The ways in which servers are known to read one path. A rule for a path holds for all of them: a route is
// taken only when each of them leads to it (routing/agreement.h), and then the client's bytes go on.
//
// A reading is what a chain of servers may make of a path by any number of these steps, in any order:
//
//   decode     "%41" is "A". At most twice in a chain. Whoever decodes takes "%2f" for a slash or for a part
//   of a
//              name, and may know the overlong forms of UTF-8 ("%c0%af") and "%u002f" as well.
//   backslash  "\" is a slash.
//   parameter  what follows ";" in a segment does not count.
//   merge      several slashes are one.
//   resolve    "." and ".." are gone, as RFC 3986 5.2.4 says; of one at the end the slash stays or goes.
//   end        the path ends before an escaped "?", "#" or NUL, which somebody decodes and reads once more.
//
// Each step is taken or not, and those that change nothing make no new reading: of "/a%20b" there is one, of
// "/@a%2fb" there are two. Readings are in canonical spelling (http/escapes.h), in which routes name paths,
// too. A path that climbs above the root in any reading is refused: servers differ between an error, the root
// and what lies above their folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::http {

class PathReadings {
 public:
  static constexpr size_t most_decodings = 2;
  // More than these cannot be meant. They bound the work for one path: each reading is looked at once by each
  // of the steps, and each step is linear in its length.
  static constexpr size_t most = 64;
  static constexpr size_t most_bytes =
      64 * 1024;  // of all of them; and never fewer than eight of the longest

  // All readings of `path`, which begins with "/" and has no escaped NUL; the first is the path as it came.
  // The sentence says why it is refused whatever the routes are.
  static tl::expected<PathReadings, std::string_view> of(std::string_view path);

  const std::vector<std::string>& texts() const { return texts_; }

 private:
  bool add(std::string text);
  bool normalise(std::string_view text);
  bool decode(std::string_view text);

  std::vector<std::string> texts_;
  std::vector<size_t> hashes_;
  size_t bytes_ = 0;
  std::string_view failure_;
};

}  // namespace postern::http
