// Paths as they are received: passed on to the endpoint byte for byte, or refused with 400 when servers
// interpret them in ways that lead to different routes.
#include <doctest/doctest.h>

#include <fstream>
#include <random>

#include "support/proxy_fixture.h"
#include "support/temporary_folder.h"

using namespace postern;
using namespace support;

namespace {

const std::string head = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
)";

struct Fixture {
  ProxyFixture proxy;
  explicit Fixture(const std::string& yaml) : proxy(head + yaml) {
    proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  }
  HttpMessage ask(const std::string& target, const std::string& method = "GET",
                  const std::string& fields = "") {
    TestClient& client = proxy.connect();
    client.send(method + " " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n");
    return client.response();
  }
  // The target that the endpoint received; "400: detail" or the like if it received none.
  std::string sent(const std::string& target, const std::string& method = "GET") {
    const size_t before = requests();
    const HttpMessage response = ask(target, method);
    if (requests() == before)
      return std::to_string(response.status()) + ": " +
             proxy.log.last("exchange").value("detail", std::string());
    const std::string& start = proxy.upstream.at(3001).last().requests.back().start;
    const size_t space = start.find(' ');
    return start.substr(space + 1, start.rfind(' ') - space - 1);
  }
  size_t requests() { return proxy.upstream.at(3001).request_count(); }
};

const std::string two_routes = R"(
routes:
  - { name: public, match: { path: /public }, upstream: app }
  - { name: admin, match: { path: /admin }, respond: { status: 200, body: admin } }
  - { name: root, match: { path: / }, upstream: app }
)";

}  // namespace

TEST_CASE("paths: they arrive byte for byte where every reading leads to the same route") {
  Fixture fixture("routes: [{ match: { path: / }, upstream: app }]\n");
  for (const char* target : {"/@a%2fb",
                             "/a//b",
                             "/a;b=1",
                             "/a|b",
                             "/a{b}",
                             "/a^b",
                             "/%7Eu",
                             "/%41",
                             "/a%",
                             "/\xc3\xa9",
                             "/a%zz/%4",
                             "/a\\b",
                             "/a%5Cb",
                             "//x//",
                             "/a/../b",
                             "/a/./b",
                             "/%2561%252f",
                             "/a`b\"<>",
                             "/%c3%A9",
                             "/a;b/..;c=d/e/f",
                             "/api/v4/projects/group%2Fproject/repository/files/src%2Fmain.rb/raw?ref=main",
                             "/bucket/%7Euser/a%20b+c?X-Signature=%2f%2F&x=\xc3\xa9",
                             "/api/queues/%2F/name",
                             "/a?b=//../%00;"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target) == target);
  }
}

TEST_CASE("paths: where two readings lead to two routes it is 400, and both are named") {
  Fixture fixture(two_routes);
  for (const char* target :
       {"/public/..%2fadmin", "/public/..;/admin", "/public\\..\\admin", "/public/%2e%2e/admin",
        "/public/%252e%252e/admin", "/public/../admin", "/public%2f..%2fadmin"}) {
    CAPTURE(target);
    const std::string refused = fixture.sent(target);
    CAPTURE(refused);
    CHECK(refused.starts_with("400: servers read this path in different ways: as \""));
    CHECK(refused.find("route \"admin\"") != refused.npos);
    CHECK(
        (refused.find("route \"public\"") != refused.npos || refused.find("route \"root\"") != refused.npos));
  }
  CHECK(fixture.sent("/%61dmin").find("route \"root\", as \"/admin\" to route \"admin\"") !=
        std::string::npos);
  CHECK(fixture.sent("//admin").starts_with("400: "));
  CHECK(fixture.sent("/public//x") == "/public//x");
  CHECK(fixture.sent("/public/@a%2fb") == "/public/@a%2fb");
  const HttpMessage told = fixture.ask("/public/..%2fadmin");
  CHECK(told.body.find("it leads to route \\\"public\\\"") != std::string::npos);
}

TEST_CASE("paths: what no path may hold is refused whatever the routes") {
  Fixture fixture("routes: [{ match: { path: / }, upstream: app }]\n");
  for (const char* target : {"/a%00", "/a%0a", "/a%0d%0aX-One:%201", "/a#b", "/a%7f"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target).starts_with("400: "));
  }
  for (const char* target : {"/../a", "/%2e%2e/a", "/a/..%2f..%2fb", "/..;/a", "/%252e%252e/a"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target) == "400: the path goes above the root");
  }
}

TEST_CASE("paths: a method's route counts as a route of its own, and so does a preflight's") {
  Fixture fixture(R"(
origins: { site: { allow: ["https://app.example.com"] } }
routes:
  - { name: read, match: { path: /items, methods: [GET] }, upstream: app }
  - { name: write, match: { path: /items, methods: [PUT] }, upstream: app, origins: site }
  - { name: root, match: { path: / }, upstream: app }
)");
  CHECK(fixture.sent("/items/a%2fb") == "/items/a%2fb");
  CHECK(fixture.sent("/items/a%2fb", "PUT") == "/items/a%2fb");
  CHECK(fixture.sent("/items/a%2fb", "POST").starts_with("405"));
  // Read one way it gets 405, read the other way it matches a route.
  CHECK(fixture.sent("/items;x", "POST").find("route \"root\", as \"/items\" to no route") !=
        std::string::npos);
  const std::string preflight = "Origin: https://app.example.com\r\nAccess-Control-Request-Method: PUT\r\n";
  CHECK(fixture.ask("/items/a%2fb", "OPTIONS", preflight).status() == 204);
  CHECK(fixture.ask("/x/..;/items", "OPTIONS", preflight).status() == 400);
}

TEST_CASE("paths: a route whose path is written with escapes takes both spellings, and no path besides") {
  Fixture fixture(R"(
routes:
  - { name: root, match: { path: / }, respond: { status: 200, body: root } }
  - { name: cpp, match: { path: /c%2B%2B }, upstream: app }
  - { name: letters, match: { path: /%61bc }, upstream: app }
  - { name: scope, match: { path: "/%40corp" }, upstream: app }
  - { name: whole, match: { exact: "/v1%2e0" }, upstream: app }
  - { name: both, match: { path: [/x%21, /y], not: { path: "/y/%2Bz" } }, upstream: app }
)");
  for (const char* target : {"/c%2B%2B", "/c++", "/c%2b%2b/x", "/c++/x%2By", "/abc", "/%61bc/d", "/@corp/a",
                             "/%40corp/a", "/v1.0", "/v1%2E0", "/x!", "/x%21", "/y/a"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target) == target);
  }
  // A partly encoded path is a third spelling, which servers interpret differently.
  for (const char* target :
       {"/c%2B+", "/c+%2B/x", "/a%62c", "/c%252B%252B", "/c++/%2e%2e/d", "/c%2B%2B;x/../y"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target).starts_with("400: "));
  }
  for (const char* target : {"/c", "/c%2B", "/v1%2E0/x", "/y/+z", "/y/%2Bz"}) {
    CAPTURE(target);
    CHECK(fixture.sent(target).starts_with("200: "));
  }
}

TEST_CASE("paths: strict on a route, and for all") {
  Fixture fixture(R"(
routes:
  - { name: old, match: { path: /old }, upstream: app, paths: strict }
  - { name: root, match: { path: / }, upstream: app }
)");
  CHECK(fixture.sent("/old//x/%7Eu?a=%2f") == "/old/x/~u?a=%2f");
  CHECK(fixture.sent("/old/./x/../y") == "/old/y");
  CHECK(fixture.sent("//old") == "/old");
  CHECK(fixture.sent("/%6fld/%c3%a9") == "/old/%C3%A9");
  CHECK(fixture.sent("/old/a%2fb") == "400: the path has an escaped slash (%2f)");
  CHECK(fixture.sent("/old/a;b") == "400: the path has a \";\"");
  CHECK(fixture.sent("/old/a|b").find("must be escaped") != std::string::npos);
  CHECK(fixture.sent("/x/../old") == "400: dot segments lead out of a route's path");
  CHECK(fixture.sent("/old/../x").starts_with("400: "));
  CHECK(fixture.sent("/x;a/b%2fy") == "/x;a/b%2fy");

  Fixture all(
      "paths: strict\nroutes:\n  - { match: { path: / }, upstream: app }\n"
      "  - { match: { path: /raw }, upstream: app, paths: unchanged }\n");
  CHECK(all.sent("/a//b/%41") == "/a/b/A");
  CHECK(all.sent("/a%2fb") == "400: the path has an escaped slash (%2f)");
  CHECK(all.sent("/\xc3\xa9") == "400: the target has a byte outside ASCII");
  CHECK(all.sent("/raw/a%2fb//c") == "/raw/a%2fb//c");
}

TEST_CASE("paths: a route that rewrites them sends normalised ones, whether its rule fits or not") {
  Fixture fixture(R"(
routes:
  - { name: strip, match: { path: /api }, upstream: app, rewrite: { strip_prefix: /api } }
  - { name: pattern, match: { path: / }, upstream: app, rewrite: { pattern: "^/old/(.*)$", to: '/new/\1' } }
)");
  CHECK(fixture.sent("/api/x//y/%41;v=1/\xc3\xa9?q=%2f") == "/x/y/A;v=1/%C3%A9?q=%2f");
  CHECK(fixture.sent("/old/a|b") == "/new/a%7Cb");
  CHECK(fixture.sent("/x//%41") == "/x/A");
  CHECK(fixture.sent("/api/a%2fb") ==
        "400: the route rewrites paths, for which a path must have one form, and the path has an escaped "
        "slash (%2f)");
  CHECK(fixture.sent("/x/a%5cb").starts_with("400: the route rewrites paths, for which"));
  CHECK(fixture.sent("/api/..;/x").starts_with("400: "));
  CHECK(fixture.sent("/api/%252e%252e/x").starts_with("400: "));
}

TEST_CASE("paths: files have odd names, and one form of each") {
  TemporaryFolder folder;
  for (const char* name : {"a;b.txt", "a|b", "caf\xc3\xa9", "100%", "a b", "{x}", "plain"})
    std::ofstream(folder.file(name)) << name;
  Fixture fixture("routes: [{ match: { path: / }, files: \"" + folder.file("") + "\" }]\n");
  CHECK(fixture.ask("/a;b.txt").body == "a;b.txt");
  CHECK(fixture.ask("/a%3Bb.txt").body == "a;b.txt");
  CHECK(fixture.ask("/a|b").body == "a|b");
  CHECK(fixture.ask("/caf\xc3\xa9").body == "caf\xc3\xa9");
  CHECK(fixture.ask("/caf%c3%A9").body == "caf\xc3\xa9");
  CHECK(fixture.ask("/100%").body == "100%");
  CHECK(fixture.ask("/a%20b").body == "a b");
  CHECK(fixture.ask("/{x}").body == "{x}");
  for (const char* target :
       {"/a%2fb", "/x\\..\\plain", "/x%5cplain", "/x//../plain", "/..;/plain", "/%c0%ae/plain"}) {
    CAPTURE(target);
    CHECK(fixture.ask(target).status() == 400);
  }
  CHECK(fixture.sent("/a%2fb") ==
        "400: the route serves files, for which a path must have one form, and the path has an escaped slash "
        "(%2f)");
}

TEST_CASE("paths: no redirect of ours leads to another host") {
  Fixture fixture(R"(
routes:
  - { match: { path: / }, redirect: { to: "{path}/" } }
  - { match: { path: /away }, redirect: { to: "https://new.example{uri}" } }
)");
  const auto location = [&](const std::string& target) { return fixture.ask(target).field("Location"); };
  CHECK(location("//evil.example/x") == "/evil.example/x/");
  CHECK(location("//evil.example/%2f") == "/evil.example/%2F/");
  CHECK(location("/\\evil.example") == "/evil.example/");
  CHECK(location("/away/a%2fb?q=%2f") == "https://new.example/away/a%2Fb?q=%2f");
  CHECK(location("/away/\xc3\xa9?q=\xe9") == "https://new.example/away/%C3%A9?q=%E9");
}

TEST_CASE("paths: of generated targets each that is accepted arrives byte for byte") {
  constexpr uint32_t seed = 2026'12;
  constexpr int count = 2'000;
  Fixture fixture(two_routes);
  std::minstd_rand random(seed);
  static const std::vector<std::string> pieces = {
      "/",        "/",      "public", "admin", "a",   "..",   ".",      "//",   "\\", ";",
      "%2f",      "%5c",    "%2e",    "%252f", "%61", "%",    "|",      "^",    "~",  "%7E",
      "\xc3\xa9", "%c3%a9", "@x",     "%zz",   "{",   ";v=1", "?q=%2f", "?\xe9"};
  int arrived = 0;
  TestClient* client = &fixture.proxy.connect();
  for (int i = 0; i < count; ++i) {
    std::string target = "/";
    for (uint32_t length = random() % 7; length > 0; --length) target += pieces[random() % pieces.size()];
    CAPTURE(target);
    const size_t before = fixture.requests();
    client->send("GET " + target + " HTTP/1.1\r\nHost: app.example\r\n\r\n");
    const int status = client->response().status();
    if (status == 400) {
      client = &fixture.proxy.connect();  // a refusal ends the connection
      REQUIRE(fixture.requests() == before);
    } else if (fixture.requests() > before) {
      REQUIRE(fixture.proxy.upstream.at(3001).last().requests.back().start == "GET " + target + " HTTP/1.1");
      ++arrived;
    }
  }
  MESSAGE("seed " << seed << ": " << count << " targets, " << arrived << " arrived");
  CHECK(arrived > count / 4);
}
