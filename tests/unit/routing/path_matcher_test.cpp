#include "routing/path_matcher.h"

#include <doctest/doctest.h>

#include <string>

using postern::routing::PathMatcher;
using postern::routing::read_route_path;

TEST_CASE("path matcher: a prefix ends at a segment boundary") {
  PathMatcher matcher;
  const size_t ws = matcher.add("/ws", false);
  CHECK(matcher.match("/ws") == ws);
  CHECK(matcher.match("/ws/") == ws);
  CHECK(matcher.match("/ws/x/y") == ws);
  CHECK_FALSE(matcher.match("/wsfoo"));
  CHECK_FALSE(matcher.match("/w"));
  CHECK_FALSE(matcher.match("/"));
  CHECK_FALSE(matcher.match("/x/ws"));
}

TEST_CASE("path matcher: a prefix with a slash at its end is the same prefix") {
  PathMatcher matcher;
  const size_t api = matcher.add("/api/", false);
  CHECK(matcher.add("/api", false) == api);
  CHECK(matcher.match("/api") == api);
  CHECK(matcher.match("/api/v1") == api);
}

TEST_CASE("path matcher: the longest prefix wins, and the root takes the rest") {
  PathMatcher matcher;
  const size_t root = matcher.add("/", false);
  const size_t deep = matcher.add("/api/v1/users", false);
  const size_t api = matcher.add("/api", false);
  CHECK(matcher.match("/") == root);
  CHECK(matcher.match("/apiary") == root);
  CHECK(matcher.match("/api/v1") == api);
  CHECK(matcher.match("/api/v1/usersx") == api);
  CHECK(matcher.match("/api/v1/users") == deep);
  CHECK(matcher.match("/api/v1/users/7") == deep);
  CHECK(matcher.match("/api/" + std::string(5000, '/')) == api);
}

TEST_CASE("path matcher: an exact path wins over prefixes and takes nothing below it") {
  PathMatcher matcher;
  const size_t prefix = matcher.add("/a/b", false);
  const size_t exact = matcher.add("/a/b", true);
  const size_t alone = matcher.add("/only", true);
  CHECK(prefix != exact);
  CHECK(matcher.match("/a/b") == exact);
  CHECK(matcher.match("/a/b/") == prefix);
  CHECK(matcher.match("/only") == alone);
  CHECK_FALSE(matcher.match("/only/"));
  CHECK_FALSE(matcher.match("/only/x"));
}

TEST_CASE("path matcher: what is no path belongs to nothing") {
  PathMatcher matcher;
  matcher.add("/", false);
  CHECK_FALSE(matcher.match("*"));
  CHECK_FALSE(matcher.match(""));
}

TEST_CASE("route path: written in any way, kept in the way requests are matched") {
  CHECK(read_route_path("/%61pi//x/../y").has_value() == false);
  CHECK(*read_route_path("/%61pi/x/../y") == "/api/y");
  CHECK(*read_route_path("/a//b") == "/a/b");
  for (std::string_view text : {"api", "", "*", "/a?b", "/a b", "/a;b"}) {
    CAPTURE(text);
    CHECK_FALSE(read_route_path(text));
  }
}

TEST_CASE("path matcher: a walk gives every entry that takes the path, the most specific first") {
  PathMatcher matcher;
  const size_t root = matcher.add("/", false);
  const size_t deep = matcher.add("/a/b/c/d", false);
  const size_t prefix = matcher.add("/a/b/", false);
  const size_t exact = matcher.add("/a/b", true);
  const auto walked = [&](std::string_view path) {
    std::vector<size_t> found;
    PathMatcher::Walk walk(matcher, path);
    while (const std::optional<size_t> entry = walk.next()) found.push_back(*entry);
    CHECK_FALSE(walk.next());
    return found;
  };
  CHECK(walked("/a/b") == std::vector{exact, prefix, root});
  CHECK(walked("/a/b/") == std::vector{prefix, root});
  CHECK(walked("/a/b/c/d/e/f") == std::vector{deep, prefix, root});
  CHECK(walked("/a") == std::vector{root});
  CHECK(walked("/") == std::vector{root});
  CHECK(walked("*").empty());
}
