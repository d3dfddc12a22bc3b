#include "http/path_readings.h"

#include <doctest/doctest.h>

#include <algorithm>

using postern::http::PathReadings;

namespace {

std::vector<std::string> readings(std::string_view path) {
  auto read = PathReadings::of(path);
  REQUIRE_MESSAGE(read.has_value(), path, ": ", read ? "" : read.error());
  CHECK(read->texts().size() <= PathReadings::most);
  return read->texts();
}

bool has(std::string_view path, std::string_view reading) {
  const std::vector<std::string> all = readings(path);
  return std::find(all.begin(), all.end(), reading) != all.end();
}

std::string refused(std::string_view path) {
  const auto read = PathReadings::of(path);
  return read ? "" : std::string(read.error());
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("path readings: what no step changes has one, in canonical spelling") {
  CHECK(readings("/") == Texts{"/"});
  CHECK(readings("/a/b.c/") == Texts{"/a/b.c/"});
  CHECK(readings("/a%20b") == Texts{"/a%20b"});
  CHECK(readings("/caf%c3%a9") == Texts{"/caf%C3%A9"});
  CHECK(readings("/caf\xc3\xa9") == Texts{"/caf%C3%A9"});
  CHECK(readings("/a|b^c{d}`\"<>") == Texts{"/a%7Cb%5Ec%7Bd%7D%60%22%3C%3E"});
  CHECK(readings("/100%") == Texts{"/100%25"});
  CHECK(readings("/%zz%4") == Texts{"/%25zz%254"});
  CHECK(readings("/.well-known/...x/a..") == Texts{"/.well-known/...x/a.."});
}

TEST_CASE("path readings: each step alone") {
  CHECK(readings("/%41") == Texts{"/%41", "/A"});
  CHECK(readings("/%7Eu%40") == Texts{"/%7Eu%40", "/~u@"});
  CHECK(readings("/@a%2fb") == Texts{"/@a%2Fb", "/@a/b"});
  CHECK(readings("/a\\b") == Texts{"/a\\b", "/a/b"});
  CHECK(readings("/a%5cb") == Texts{"/a%5Cb", "/a\\b", "/a/b"});
  CHECK(readings("/a;b=1/c;d") == Texts{"/a;b=1/c;d", "/a/c"});
  CHECK(readings("/a%3Bb/c") == Texts{"/a%3Bb/c", "/a;b/c", "/a/c"});
  CHECK(readings("/a//b") == Texts{"/a//b", "/a/b"});
  CHECK(readings("/a/../b") == Texts{"/a/../b", "/b"});
  CHECK(readings("/a/./b") == Texts{"/a/./b", "/a/b"});
  CHECK(readings("/a/b/..") == Texts{"/a/b/..", "/a", "/a/"});
  CHECK(readings("/a/.") == Texts{"/a/.", "/a", "/a/"});
  CHECK(readings("/a/..") == Texts{"/a/..", "/"});
  CHECK(readings("/a%3fb%23c") == Texts{"/a%3Fb%23c", "/a"});
  CHECK(readings("/%2541") == Texts{"/%2541", "/%41", "/A"});
  CHECK(has("/a%c0%afb", "/a/b"));
  CHECK(has("/a%e0%80%afb", "/a/b"));
  CHECK(has("/a%f0%80%80%afb", "/a/b"));
  CHECK(
      has("/a\xc0\xaf"
          "b",
          "/a/b"));
  CHECK(has("/a%u002fb", "/a/b"));
  CHECK(has("/a%U002Eb", "/a.b"));
  CHECK(has("/a%2500b", "/a"));
  CHECK(has("/a%%32%66b", "/a/b"));  // a decoded "%" forms a new escape
}

TEST_CASE("path readings: steps in any order") {
  for (const char* path : {"/public/..%2fadmin",
                           "/public/..;/admin",
                           "/public\\..\\admin",
                           "/public/%2e%2e/admin",
                           "/public/%252e%252e/admin",
                           "/public/..%5cadmin",
                           "/public/..;x=1/admin",
                           "/public%2f%2e.%2Fadmin",
                           "/public/..%c0%afadmin",
                           "/public/%c0%ae%c0%ae/admin",
                           "/public/..%252fadmin",
                           "/public//../admin",
                           "/public/..%3bx/admin",
                           "/public/.%2E/admin",
                           "/public/x/..//../admin",
                           "/public/x;/..//..%5cadmin",
                           "/public/%25%32%65%252e/admin",
                           "/%70ublic/..%u002fadmin",
                           "/%61dmin",
                           "/admin;x",
                           "//admin",
                           "/%61dmin%3f/x",
                           "/admin%2500.png"}) {
    CAPTURE(path);
    CHECK((has(path, "/admin") || has(path, "/admin/")));
  }
  CHECK(has("/x//..//b/c", "/x//b/c"));          // resolved, and not merged
  CHECK(has("/x//..//b/c", "/x/b/c"));           // resolved, then merged
  CHECK(has("/x//..//b/c", "/b/c"));             // merged, then resolved
  CHECK(has("/p/r/a%2fb/../%2e%2e/z", "/p/z"));  // resolved, decoded, resolved
  CHECK(has("/a;x%2fb", "/a"));                  // cut, but not decoded
  CHECK(has("/a;x%2fb", "/a/b"));                // decoded, then cut
}

TEST_CASE("path readings: a step above the root in any of them is refused") {
  for (const char* path :
       {"/..", "/../x", "/a/../../b", "/%2e%2e/x", "/..%2fx", "/a/..%2f../x", "/..;/x", "/..\\x",
        "/a//../../b", "//../x", "/%252e%252e/x", "/a/%c0%ae./../x", "/a%2fb/../../../x", "/;/../x"}) {
    CAPTURE(path);
    CHECK(refused(path) == "the path goes above the root");
  }
  CHECK(refused("/a/b/../../c").empty());
}

TEST_CASE("path readings: their number and their size have a bound, and so has the work") {
  std::string mixed;
  for (int i = 0; i < 3; ++i) mixed += "/a//b/.;x/%2fc/%252e/d\\e%5cf/%253bg%3bh";
  CHECK(refused(mixed) == "the path can be read in too many ways");
  std::string large;
  while (large.size() < 200'000) large += "/a//b;c%2fd\\e";
  CHECK(refused(large) == "the path can be read in too many ways");
  // Legitimate paths have few readings, however long they are and however often they repeat a construct.
  std::string package;
  while (package.size() < 8'000) package += "/@scope%2fname/caf%c3%a9;v=1";
  CHECK(readings(package).size() == 4);
  CHECK(readings("/" + std::string(65'000, '%')).size() == 1);
  // These paths have thousands of segments, so that quadratic work would make the test slow.
  std::string dots = "/x";
  for (int i = 0; i < 2'000; ++i) dots = "/a/.." + dots;
  CHECK(readings(dots) == Texts{dots, "/x"});
}
