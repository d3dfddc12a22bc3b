#include "routing/host_matcher.h"

#include <doctest/doctest.h>

using namespace postern::routing;

namespace {

HostPattern pattern_of(std::string_view text) {
  auto pattern = read_host_pattern(text);
  REQUIRE(pattern);
  return *pattern;
}

std::vector<size_t> walk(const HostMatcher& matcher, std::string_view host) {
  std::vector<size_t> found;
  HostMatcher::Walk walk(matcher, host);
  while (const auto next = walk.next()) found.push_back(*next);
  CHECK_FALSE(walk.next());
  return found;
}

using Numbers = std::vector<size_t>;

}  // namespace

TEST_CASE("host pattern: exact, wildcard and any are told apart, in lower case") {
  CHECK(pattern_of("App.Example.com.") == HostPattern{HostPattern::Kind::exact, "app.example.com"});
  CHECK(pattern_of("*.Example.com") == HostPattern{HostPattern::Kind::wildcard, ".example.com"});
  CHECK(pattern_of("") == HostPattern{});
  CHECK(pattern_of("*") == HostPattern{});
  CHECK(pattern_of("::1") == HostPattern{HostPattern::Kind::exact, "::1"});
}

TEST_CASE("host pattern: ports, stars inside and what is no host are refused") {
  for (std::string_view text : {"a:80", "a.*.com", "*a.com", "*.", "**.a", "a/b", "a b", "[::1]", ".a"}) {
    CAPTURE(text);
    CHECK_FALSE(read_host_pattern(text));
  }
}

TEST_CASE("host matcher: the most specific comes first") {
  HostMatcher matcher;
  CHECK(matcher.add(pattern_of("*")) == 0);
  CHECK(matcher.add(pattern_of("*.com")) == 1);
  CHECK(matcher.add(pattern_of("a.example.com")) == 2);
  CHECK(matcher.add(pattern_of("*.example.com")) == 3);
  CHECK(matcher.add(pattern_of("*.COM")) == 1);
  CHECK(matcher.add(pattern_of("")) == 0);
  CHECK(matcher.size() == 4);
  CHECK(walk(matcher, "A.example.com") == Numbers{2, 3, 1, 0});
  CHECK(walk(matcher, "a.example.com.") == Numbers{2, 3, 1, 0});
  CHECK(walk(matcher, "x.y.example.com") == Numbers{3, 1, 0});
  CHECK(walk(matcher, "example.com") == Numbers{1, 0});
  CHECK(walk(matcher, "evilexample.com") == Numbers{1, 0});
  CHECK(walk(matcher, "com") == Numbers{0});
  CHECK(walk(matcher, "") == Numbers{0});
  CHECK(walk(matcher, std::string(250, 'a') + ".com") == Numbers{1, 0});
  CHECK(walk(matcher, std::string(252, 'a') + ".com") == Numbers{0});
}

TEST_CASE("host matcher: without a default a foreign host finds nothing") {
  HostMatcher matcher;
  matcher.add(pattern_of("a.org"));
  CHECK(walk(matcher, "b.org").empty());
  CHECK(walk(HostMatcher(), "b.org").empty());
}
