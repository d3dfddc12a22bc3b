#include "policy/path_rewrite.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace postern;
using policy::PathRewrite;
using policy::PathRewriteOptions;

namespace {

std::unique_ptr<const PathRewrite> made(PathRewriteOptions options) {
  auto compiled = PathRewrite::compile(std::move(options));
  REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error()));
  return std::move(*compiled);
}

// Returns the new target, "(same)", or "! sentence".
std::string applied(const PathRewrite& rewrite, std::string_view text) {
  http::Target target;
  REQUIRE(http::read_target(text, target).has_value());
  const auto result = rewrite.apply(target);
  if (!result) return "! " + std::string(result.error());
  return *result ? **result : "(same)";
}

PathRewriteOptions pattern(std::string text, std::string to) {
  return {{}, {}, std::move(text), std::move(to)};
}

}  // namespace

TEST_CASE("path rewrite: a prefix is taken away at a segment's end") {
  const auto strip = made({"/api", "/", {}, {}});
  CHECK(applied(*strip, "/api/x/y") == "/x/y");
  CHECK(applied(*strip, "/api/") == "/");
  CHECK(applied(*strip, "/api") == "/");
  CHECK(applied(*strip, "/api?x=1") == "/?x=1");
  CHECK(applied(*strip, "/apix") == "(same)");
  CHECK(applied(*strip, "/x/api") == "(same)");
  CHECK(applied(*strip, "*") == "(same)");
  CHECK(strip->stripped() == "/api");
  CHECK(applied(*made({"/api/", "/", {}, {}}), "/api/x") == "/x");
}

TEST_CASE("path rewrite: a prefix is put in front, or takes another's place") {
  const auto add = made({"/", "/v2", {}, {}});
  CHECK(applied(*add, "/x?q") == "/v2/x?q");
  CHECK(applied(*add, "/") == "/v2/");
  CHECK(add->stripped().empty());
  const auto replace = made({"/old", "/new/base", {}, {}});
  CHECK(applied(*replace, "/old/x") == "/new/base/x");
  CHECK(applied(*replace, "/old") == "/new/base");
  CHECK(applied(*replace, "/old/?") == "/new/base/?");
  CHECK(applied(*replace, "/older") == "(same)");
  CHECK(applied(*made({"/", "/v2/", {}, {}}), "/x") == "/v2/x");
}

TEST_CASE("path rewrite: the query is kept byte for byte") {
  const auto strip = made({"/api", "/", {}, {}});
  CHECK(applied(*strip, "/api/x?a=%41&b=/../&&c=a+b%2f;?") == "/x?a=%41&b=/../&&c=a+b%2f;?");
  CHECK(applied(*strip, "/api/x?") == "/x?");
  CHECK(applied(*made(pattern("^/old/(.*)$", "/new/\\1")), "/old/a/b?x=%2e%2E") == "/new/a/b?x=%2e%2E");
}

TEST_CASE("path rewrite: no path leaves the rules by being rewritten") {
  const auto strip = made({"/api", "/", {}, {}});
  CHECK(applied(*strip, "/api//evil.example/x") == "/evil.example/x");  // not "//evil.example/x"
  CHECK(applied(*strip, "/api/../api/x") == "/x");
  const auto word = made(pattern("^/x/([^/]*)/(.*)$", "/\\1/\\2"));
  CHECK(applied(*word, "/x/a/b") == "/a/b");
  CHECK(applied(*made(pattern("^/x/(.*)$", "\\1")), "/x/abc") == "! the target does not start with \"/\"");
  CHECK(applied(*made(pattern("^/x(.*)$", "\\1")), "/x") == "! the target does not start with \"/\"");
  CHECK(applied(*made(pattern("^.*$", "*")), "/x") == "! the rewritten target does not start with \"/\"");
  CHECK(applied(*made(pattern("^/x/(.)(.)/(.*)$", "/files/\\1\\2/../../\\3")), "/x/ab/c") ==
        "! the rewritten path has a \"..\" segment");
  CHECK(applied(*made(pattern("^/x/(.*)$", "/../\\1")), "/x/etc") == "! the path goes above the root");
  CHECK(applied(*made(pattern("^/d/(.)-(.)$", "/\\1\\2/secret")), "/d/.-.") ==
        "! the path goes above the root");
  CHECK(applied(*made(pattern("^/p/(..)/(.*)$", "/%\\1\\2")), "/p/2f/x") ==
        "! the path has an escaped slash (%2f)");
  CHECK(applied(*made(pattern("^/p/(.*)$", "/q#\\1")), "/p/x") == "! the target has a \"#\"");
  CHECK(applied(*made(pattern("^/p/(.*)$", "/q \\1")), "/p/x") ==
        "! the target has a control character or a space");
}

TEST_CASE("path rewrite: a pattern sees the path, and the query only when it names it") {
  const auto page = made(pattern("^/page/(\\d+)$", "/index.php?p=\\1"));
  CHECK(applied(*page, "/page/7") == "/index.php?p=7");
  CHECK(applied(*page, "/page/7?x=1") == "/index.php?p=7&x=1");
  CHECK(applied(*page, "/page/x") == "(same)");
  const auto both = made(pattern("^/find\\?q=([^&]*)$", "/search/\\1"));
  CHECK(applied(*both, "/find?q=abc") == "/search/abc");
  CHECK(applied(*both, "/find?q=abc&r=1") == "(same)");
  CHECK(applied(*both, "/find") == "(same)");
  CHECK(applied(*both, "/find?q=../../x") == "! the path goes above the root");
  CHECK(applied(*both, "/find?q=../admin") == "! the rewritten path has a \"..\" segment");
  CHECK(applied(*both, "/find?q=%2e%2e/admin") == "! the rewritten path has a \"..\" segment");
  CHECK(applied(*made(pattern("old", "new")), "/old/old") == "/new/old");  // only the first match
}

TEST_CASE("path rewrite: a result has a size") {
  const auto doubled = made(pattern("^/(a+)$", "/" + std::string("\\1\\1\\1\\1\\1\\1\\1\\1")));
  CHECK(applied(*doubled, "/" + std::string((PathRewrite::longest - 1) / 8, 'a')).size() ==
        (PathRewrite::longest - 1) / 8 * 8 + 1);
  CHECK(applied(*doubled, "/" + std::string(PathRewrite::longest / 8, 'a')) ==
        "! the rewritten target is longer than 64 KiB");
}

TEST_CASE("path rewrite: mistakes in an expression are told") {
  CHECK(PathRewrite::compile(pattern("^/(x$", "/y")).error().find("is not an RE2 expression: missing )") ==
        0);
  CHECK(PathRewrite::compile(pattern("^/x$", "/\\1")).error().find("does not fit its replacement") == 0);
  CHECK_FALSE(PathRewrite::compile(pattern("(?=x)", "/")).has_value());
}

TEST_CASE("path rewrite: the way back") {
  const auto strip = made({"/api", "/", {}, {}});
  CHECK(strip->restore("/login") == "/api/login");
  CHECK(strip->restore("/") == "/api/");
  CHECK_FALSE(strip->restore("/api/login").has_value());  // the path already has the client's form
  CHECK(strip->restore("/apix") == "/api/apix");
  const auto add = made({"/", "/v2", {}, {}});
  CHECK(add->restore("/v2/x") == "/x");
  CHECK(add->restore("/v2") == "/");
  CHECK_FALSE(add->restore("/x").has_value());
  const auto replace = made({"/old", "/new", {}, {}});
  CHECK(replace->restore("/new/x") == "/old/x");
  CHECK_FALSE(replace->restore("/newer").has_value());
  CHECK_FALSE(made(pattern("x", "y"))->restore("/y").has_value());
}

namespace {

// What a browser does with a reference from "https://app.example/" (the relevant parts of WHATWG URL), as
// "host path". It is implemented independently of the code under test.
std::string followed(std::string reference) {
  std::erase_if(reference, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });
  for (char& c : reference)
    if (c == '\\') c = '/';
  std::string host = "app.example";
  if (reference.starts_with("//")) {
    while (reference.starts_with('/')) reference.erase(0, 1);
    const size_t end = std::min(reference.find('/'), reference.size());
    host = reference.substr(0, end);
    reference.erase(0, end);
  }
  std::vector<std::string> segments;
  bool folder = true;
  for (size_t at = 0; at < reference.size();) {
    const size_t end = std::min(reference.find('/', at + 1), reference.size());
    std::string segment = reference.substr(at + 1, end - at - 1);
    at = end;
    std::string dots = segment;
    for (size_t escape; (escape = dots.find("%2e")) != dots.npos;) dots.replace(escape, 3, ".");
    for (size_t escape; (escape = dots.find("%2E")) != dots.npos;) dots.replace(escape, 3, ".");
    folder = dots == "." || dots == "..";
    if (dots == ".." && !segments.empty()) segments.pop_back();
    if (!folder) segments.push_back(segment);
  }
  std::string path;
  for (const std::string& segment : segments) path += '/' + segment;
  return host + ' ' + (folder ? path + '/' : path);
}

}  // namespace

TEST_CASE("path rewrite: the way back leads to no other host") {
  const auto add = made({"/", "/v2", {}, {}});
  CHECK(add->restore("/v2//evil.example") == "/evil.example");
  CHECK(add->restore("/v2/\\evil.example") == "/evil.example");
  CHECK(add->restore("/v2///evil.example/x//y") == "/evil.example/x//y");
  CHECK(add->restore("/v2/\t/evil.example") == "/evil.example");
  CHECK(add->restore("/v2/.//evil.example") == "/evil.example");
  CHECK(add->restore("/v2/x/..//evil.example") == "/evil.example");
  CHECK(add->restore("/v2/%2e//evil.example") == "/evil.example");
  CHECK(add->restore("/v2//") == "/");
  const auto replace = made({"/", "/new/base", {}, {}});
  CHECK(replace->restore("/new/base//evil.example") == "/evil.example");
  CHECK(made({"/old", "/new", {}, {}})->restore("/new//x") == "/old//x");
}

TEST_CASE("path rewrite: the way back leads out of no prefix") {
  const auto strip = made({"/api", "/", {}, {}});
  CHECK(strip->restore("/../admin") == "/api/admin");
  CHECK(strip->restore("/x/../../admin") == "/api/admin");
  CHECK(strip->restore("/%2E%2e/admin") == "/api/admin");
  CHECK(strip->restore("/.%2e/admin") == "/api/admin");
  CHECK(strip->restore("/\\..\\admin") == "/api/admin");
  CHECK(strip->restore("/.\t./admin") == "/api/admin");
  CHECK(strip->restore("/./x") == "/api/x");
  CHECK(strip->restore("/api/../admin") == "/api/admin");
  CHECK_FALSE(strip->restore("/./api/x").has_value());
  CHECK(strip->restore("/..") == "/api/");
  const auto replace = made({"/old", "/new", {}, {}});
  CHECK_FALSE(replace->restore("/new/../admin").has_value());
  CHECK(replace->restore("/x/../new/y") == "/old/y");
  CHECK(replace->restore("/new/a..b/.c") == "/old/a..b/.c");
}

TEST_CASE("path rewrite: of generated paths none leads to another host or out of a prefix, on either way") {
  constexpr uint32_t seed = 20260131;
  constexpr int count = 20'000;
  MESSAGE("seed " << seed << ", " << count << " paths");
  std::minstd_rand random(seed);
  constexpr std::string_view pieces[] = {"/",   "//",   "\\",   "/.", "/..", "/%2e%2E", "\t",  "api", "v2",
                                         "/v2", "/api", "evil", ".",  "x",   "/x/",     "%2e", "/a;b"};
  const auto strip = made({"/api", "/", {}, {}});
  const auto add = made({"/", "/v2", {}, {}});
  const auto replace = made({"/api", "/v2", {}, {}});
  const auto word = made(pattern("^/api/(.*)$", "/\\1"));
  for (int i = 0; i < count; ++i) {
    std::string path = "/";
    for (uint32_t length = random() % 8; length > 0; --length) path += pieces[random() % std::size(pieces)];
    CAPTURE(path);
    for (const PathRewrite* rewrite : {&*strip, &*add, &*replace}) {
      const std::optional<std::string> back = rewrite->restore(path);
      if (!back) continue;
      REQUIRE(followed(*back).starts_with("app.example /"));
      if (rewrite != &*add) {
        REQUIRE((followed(*back) + '/').starts_with("app.example /api/"));
      }
    }
    http::Target target;
    if (!http::read_target(path, target)) continue;
    for (const PathRewrite* rewrite : {&*strip, &*add, &*replace, &*word}) {
      const auto sent = rewrite->apply(target);
      if (!sent || !*sent) continue;
      REQUIRE(followed(**sent) == "app.example " + **sent);  // no dots, no second slash: only one reading
    }
  }
}
