// All the ways in which servers are known to interpret one path. A rule for a path must hold for every one of
// these readings: a route is chosen only when all of them lead to it (routing/agreement.h); then the client's
// bytes are forwarded unchanged.
//
// A reading is what a chain of servers may make of a path by any number of these steps, in any order:
//
//   decode     "%41" becomes "A", at most twice in a chain. A decoder takes "%2f" for a slash or for part
//              of a name, and may accept the overlong forms of UTF-8 ("%c0%af") and "%u002f" too.
//   backslash  "\" becomes a slash.
//   parameter  The part of a segment from ";" on is removed.
//   merge      Several slashes become one.
//   resolve    "." and ".." are removed as in RFC 3986 5.2.4; after one at the end the slash stays or goes.
//   end        The path ends before an escaped "?", "#" or NUL, for a server that decodes it and parses
//              it again.
//
// Each step is optional, and a step that changes nothing makes no new reading: "/a%20b" has one reading,
// "/@a%2fb" has two. Readings are in canonical spelling (http/escapes.h), and so are the paths of routes. A
// path that climbs above the root in any reading is refused: servers differ between an error, the root and
// what is above their folder.
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
  // The limits on the readings of one path; a legitimate path needs fewer. They bound the work: every step
  // looks once at each reading, and takes time linear in its length.
  static constexpr size_t most = 64;
  static constexpr size_t most_bytes =
      64 * 1024;  // of all readings together; but at least eight of the longest are always allowed

  // All readings of `path`, which begins with "/" and has no escaped NUL; the first is the path itself in
  // canonical spelling. The error sentence says why the path is refused, independently of the routes.
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
