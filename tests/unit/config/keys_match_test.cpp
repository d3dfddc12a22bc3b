#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;
using postern::routing::Conditions;
using postern::routing::ValueTest;
using Texts = std::vector<std::string>;

namespace {

const std::string parts =
    "listeners: [{ address: \"127.0.0.1:0\" }]\n"
    "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
    "routes:\n";

// Everything said about a route with this match, which stands in line 4.
std::string said(const std::string& match, const std::string& more = "") {
  return said_of(parts + "  - { match: " + match + ", upstream: api" + more + " }\n");
}

RouteDocument read(const std::string& match) {
  auto loaded = load(parts + "  - { match: " + match + ", upstream: api }\n");
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  return loaded->routes[0];
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("match: hosts and paths are lists or single ones") {
  const RouteDocument one = read("{ host: a.example, path: /x }");
  CHECK(one.hosts == Texts{"a.example"});
  CHECK(one.paths == Texts{"/x"});
  const RouteDocument several = read("{ host: [a.example, \"*.b.example\"], exact: [/x, /y/] }");
  CHECK(several.hosts == Texts{"a.example", "*.b.example"});
  CHECK(several.paths == Texts{"/x", "/y/"});
  CHECK(several.exact);
  CHECK(read("{}").paths == Texts{"/"});
  CHECK(said("{ host: [] }").ends_with("match.host: is empty; nothing would fit it\n"));
  CHECK(said("{ host: [a.example, a.example] }").ends_with("\"a.example\" stands in this list already\n"));
  CHECK(said("{ path: [/x%2B, /y] }").empty());
  CHECK(said("{ path: [/x+, /x%2B] }").ends_with("match.path[1]: \"/x%2B\" is the same path as \"/x+\"\n"));
  CHECK(said("{ path: [/x%2b, /x%2B] }").ends_with("match.path[1]: \"/x%2B\" is the same path as \"/x+\"\n"));
  CHECK(said("{ path: [/x, /y, /x/] }").ends_with("match.path[2]: \"/x/\" is the same path as \"/x\"\n"));
  CHECK(said("{ exact: [/x, /x/] }") == "");
  CHECK(contains(said("{ host: [A.example] }"), "write \"a.example\""));
}

TEST_CASE("match: a value where a map is wanted says which map") {
  CHECK(said("/api") == "f:4:14 routes[0].match: must be a map; write { path: \"/api\" }\n");
  CHECK(said("app.example.com") ==
        "f:4:14 routes[0].match: must be a map; write { host: \"app.example.com\" }\n");
  CHECK(said("\"a b\"") == "f:4:14 routes[0].match: must be a map (host, path, exact, …)\n");
  CHECK(contains(said("[/api]"), "must be a map"));
}

TEST_CASE("match: what is a pattern in other programs says what to write here") {
  CHECK(said("{ path: \"/users/:id\" }") ==
        "f:4:22 routes[0].match.path: \"/users/:id\" has the parameter \":id\", and a path takes its "
        "characters "
        "as they are; write path: \"/users\" for all that lies below it, or, in place of path, pattern: "
        "\"/users/[^/]+\"\n");
  CHECK(said("{ path: \"/users/{id}/posts\" }") ==
        "f:4:22 routes[0].match.path: \"/users/{id}/posts\" has the parameter \"{id}\", and a path takes its "
        "characters as they are; write path: \"/users\" for all that lies below it, or, in place of path, "
        "pattern: \"/users/[^/]+/posts\"\n");
  CHECK(
      said("{ path: \"/a*\" }") ==
      "f:4:22 routes[0].match.path: \"/a*\" has a \"*\", and a path takes its characters as they are; write "
      "pattern: \"/a.*\" in place of path\n");
  CHECK(contains(said("{ path: \"/v1/*/x\" }"), "pattern: \"/v1/[^/]*/x\""));
  CHECK(contains(said("{ path: \"/v1/**/x.js\" }"), "pattern: \"/v1/.*/x[.]js\""));
  CHECK(contains(said("{ path: '/x\\.js' }"), "pattern: '/x\\.js' in place of path"));
  CHECK(contains(said("{ exact: \"^/users/[0-9]+$\" }"),
                 "has a regular expression, and a path takes its characters as they are; write pattern: "
                 "\"^/users/[0-9]+$\" in place of path"));
  CHECK(contains(said("{ path: [/x, \"/y/:id\"] }"), "match.path[1]"));
  CHECK(contains(said("{ path: \"/api/*\" }"), "a path is a prefix already; write \"/api\""));
  CHECK(contains(said("{ path: \"/:a/*\" }"), "pattern: \"/[^/]+/.*\""));
  // These stand in paths.
  CHECK(said("{ path: \"/v1/projects:batchGet\" }") == "");
  CHECK(said("{ path: \"/Products(1)/$value\" }") == "");
  CHECK(said("{ path: \"/a:8080/x\" }") == "");
}

TEST_CASE("match: conditions are read") {
  const RouteDocument route = read(
      "{ path: /x, headers: { X-Version: \"2\", X-Env: [a, b], X-Any: present, X-P: { prefix: v }, X-R: { "
      "pattern: \"v[0-9]\" } }, query: { q: present }, cookies: { c: \"1\" }, client: 10.0.0.0/8, pattern: "
      "[\"/x/.*\", \"/x/y/[a-z]+\"], not: { client: [10.9.0.0/16], headers: { X-No: present } } }");
  REQUIRE(route.conditions);
  const Conditions& conditions = *route.conditions;
  CHECK(conditions.count() == 11);
  REQUIRE(conditions.headers.size() == 5);
  CHECK(conditions.headers[0].test.kind == ValueTest::Kind::equals);
  CHECK(conditions.headers[0].test.texts == Texts{"2"});
  CHECK(conditions.headers[1].test.texts == Texts{"a", "b"});
  CHECK(conditions.headers[2].test.kind == ValueTest::Kind::present);
  CHECK(conditions.headers[3].test.kind == ValueTest::Kind::prefix);
  CHECK(conditions.headers[4].test.kind == ValueTest::Kind::pattern);
  CHECK(conditions.none_of->count() == 2);
  CHECK(route.paths == Texts{"/x"});
  CHECK_FALSE(route.pattern_alone);
  CHECK_FALSE(read("{ path: /x }").conditions);
}

TEST_CASE("match: a pattern that stands alone has its place where it begins") {
  CHECK(read("{ pattern: \"/users/[0-9]+\" }").paths == Texts{"/users/"});
  CHECK(read("{ pattern: [\"/users/[0-9]+\", \"/users/x.*\", \"/groups/.*\"] }").paths ==
        Texts{"/users/", "/groups/"});
  CHECK(read("{ pattern: \"/.*\\\\.php\" }").paths == Texts{"/"});
  CHECK(read("{ pattern: \"/a/é/.*\" }").paths == Texts{"/a/"});
  CHECK(read("{ pattern: \"/a//b/.*\" }").paths == Texts{"/a/"});
}

TEST_CASE("match: conditions are checked") {
  CHECK(contains(said("{ pattern: \"(\" }"), "\"(\" is not an RE2 expression"));
  CHECK(said("{ pattern: \"[.]php$\" }") ==
        "f:4:25 routes[0].match.pattern: \"[.]php$\" fits no path: a path begins with \"/\", and a pattern "
        "is for "
        "the whole of it; write \"/.*[.]php$\"\n");
  CHECK(contains(said("{ exact: /x, pattern: /x }"), "stands beside exact"));
  CHECK(contains(said("{ headers: { Host: a } }"), "\"Host\" has a key of its own: match.host"));
  CHECK(contains(said("{ headers: { cookie: a } }"), "match.cookies"));
  CHECK(contains(said("{ headers: { X-A: \"1\", x-a: \"2\" } }"), "named already; case does not count"));
  CHECK(contains(said("{ headers: {} }"), "is empty; leave it out to take any"));
  CHECK(contains(said("{ headers: { X-A: { exact: a } } }"), "unknown key \"exact\""));
  CHECK(contains(said("{ headers: { X-A: { prefix: a, pattern: b } } }"), "stands beside prefix"));
  CHECK(contains(said("{ headers: { X-A: [] } }"), "is empty; nothing would fit it"));
  CHECK(contains(said("{ headers: [X-A] }"), "must be a map of names to values"));
  CHECK(contains(said("{ client: [10.0.0.0/33] }"), "has no prefix length from 0 to 32"));
  CHECK(contains(said("{ client: [] }"), "is empty"));
  CHECK(contains(said("{ not: {} }"), "is empty; leave it out"));
  CHECK(contains(said("{ not: { path: \"/x/:id\" } }"), "routes[0].match.not.path"));
  CHECK(contains(said("{ cookies: { \"a b\": x } }"), "\"a b\""));
}

TEST_CASE("match: replace_prefix replaces one path") {
  CHECK(said("{ path: /a }", ", rewrite: { replace_prefix: /b }") == "");
  CHECK(contains(said("{ path: [/a, /c] }", ", rewrite: { replace_prefix: /b }"),
                 "routes[0].rewrite.replace_prefix: needs one path to replace; the match has several"));
  CHECK(contains(said("{ path: /c%2B }", ", rewrite: { replace_prefix: /b }"),
                 "the match has several, or one that an escape gives two spellings"));
  CHECK(contains(said("{ pattern: /a/.* }", ", rewrite: { replace_prefix: /b }"),
                 "needs match.path to replace"));
}

TEST_CASE("route: allow and deny are lists of blocks") {
  const auto loaded =
      load(parts + "  - { upstream: api, allow: [10.0.0.0/8, \"::1\"], deny: 10.9.0.0/16 }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->routes[0].allow == Texts{"10.0.0.0/8", "::1/128"});
  CHECK(loaded->routes[0].deny == Texts{"10.9.0.0/16"});
  CHECK_FALSE(loaded->routes[0].address_rules_report_only);
  const auto reporting =
      load(parts + "  - { upstream: api, deny: 10.9.0.0/16, address_rules: report_only }\n");
  REQUIRE(reporting.has_value());
  CHECK(reporting->routes[0].address_rules_report_only);
  CHECK(contains(said("{}", ", address_rules: report_only"), "has no effect without allow and deny"));
  CHECK(contains(said("{}", ", allow: []"), "routes[0].allow: is empty; leave it out"));
  CHECK(contains(said("{}", ", deny: [10.0.0.1/8]"), "has bits set behind its prefix"));
}
