#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;

namespace {

const std::string parts =
    "listeners: [{ address: \"127.0.0.1:0\" }]\n"
    "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
    "routes:\n";

// Of one route in flow style that goes to api; what is asked about begins in line 4, column 22.
std::string said(const std::string& keys) { return said_of(parts + "  - { upstream: api, " + keys + " }\n"); }

RouteDocument route_of(const std::string& keys) {
  const auto loaded = load(parts + "  - { upstream: api, " + keys + " }\n");
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  return loaded->routes[0];
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("rewrite keys: one way of rewriting a path") {
  const RouteDocument stripped = route_of("rewrite: { strip_prefix: /api }");
  CHECK(stripped.rewrite->strips());
  CHECK(stripped.rewrite->from == "/api");
  const RouteDocument added = route_of("rewrite: { add_prefix: /v2 }");
  CHECK(added.rewrite->from == "/");
  CHECK(added.rewrite->to == "/v2");
  const RouteDocument replaced = route_of("rewrite: { replace_prefix: / }");
  CHECK(replaced.rewrite->from_match);
  CHECK_FALSE(replaced.rewrite->strips());
  CHECK(replaced.rewrite->to == "/");
  const RouteDocument pattern = route_of("rewrite: { pattern: \"^/old/(.*)$\", to: '/new/\\1' }");
  CHECK(pattern.rewrite->pattern == "^/old/(.*)$");
  CHECK(pattern.rewrite->replacement == "/new/\\1");
  CHECK(said("rewrite: { strip_prefix: api }") ==
        "f:4:47 routes[0].rewrite.strip_prefix: \"api\" does not begin with \"/\"; write \"/api\"\n");
  CHECK(said("rewrite: { strip_prefix: / }") ==
        "f:4:47 routes[0].rewrite.strip_prefix: \"/\" is in front of every path already\n");
  CHECK(contains(said("rewrite: { add_prefix: /a/../b }"), "dot segment"));
  CHECK(contains(said("rewrite: { add_prefix: \"/a?b\" }"), "query"));
  CHECK(contains(said("rewrite: { strip_prefix: /a, add_prefix: /b }"),
                 "stands beside strip_prefix; a path is rewritten in one way"));
  CHECK(contains(said("rewrite: { pattern: x }"), "routes[0].rewrite.to: is missing"));
  CHECK(contains(said("rewrite: { strip_prefix: /a, to: x }"), "is for pattern"));
  CHECK(contains(said("rewrite: {}"), "is empty: strip_prefix, add_prefix, replace_prefix or pattern"));
  CHECK(contains(said("rewrite: { strip_prefx: /a }"), "did you mean \"strip_prefix\"?"));
  CHECK(said("rewrite: { pattern: " + std::string(1024, 'x') + ", to: y }").empty());
  CHECK(contains(said("rewrite: { pattern: " + std::string(1025, 'x') + ", to: y }"), "longer than 1024"));
}

TEST_CASE("rewrite keys: host is a word or a host") {
  using Kind = routing::HostRule::Kind;
  CHECK_FALSE(route_of("name: x").host_sent.has_value());
  CHECK(route_of("host: preserve").host_sent->kind == Kind::preserve);
  CHECK(route_of("host: upstream").host_sent->kind == Kind::endpoint);
  CHECK(route_of("host: \"legacy.example.com:8080\"").host_sent->text == "legacy.example.com:8080");
  for (const char* bad : {"\"https://a.example\"", "\"a b\"", "\"a@b\"", "\"a:99999\"", "\"a,b\""}) {
    CAPTURE(bad);
    CHECK(contains(said(std::string("host: ") + bad), "is neither preserve, upstream nor a host"));
  }
}

TEST_CASE("rewrite keys: cookies") {
  const RouteDocument all = route_of(
      "cookies: { domain: { .Old.example: new.example, \"*\": remove }, path: /x, secure: add, http_only: "
      "drop, "
      "same_site: strict }");
  REQUIRE(all.cookies.has_value());
  REQUIRE(all.cookies->domains.size() == 2);
  CHECK(all.cookies->domains[0].from == "old.example");
  CHECK(all.cookies->domains[0].to == "new.example");
  CHECK(all.cookies->domains[1].from == "*");
  CHECK_FALSE(all.cookies->domains[1].to.has_value());
  REQUIRE(all.cookies->paths.size() == 1);
  CHECK(all.cookies->paths[0].from == "*");
  CHECK(all.cookies->secure == policy::CookieFlag::add);
  CHECK(all.cookies->http_only == policy::CookieFlag::drop);
  CHECK(all.cookies->same_site == policy::CookieSameSite::strict);
  CHECK(contains(said("cookies: { domain: \"a b\" }"), "is not a domain"));
  CHECK(contains(said("cookies: { domain: \"*\" }"), "can only be replaced"));
  CHECK(contains(said("cookies: { path: x }"), "does not begin with \"/\""));
  CHECK(contains(said("cookies: { path: \"/x; Secure\" }"),
                 "holds a character that no cookie's path may hold"));
  CHECK(contains(said("cookies: { secure: yes }"), "is not one of keep, add or drop"));
  CHECK(contains(said("cookies: { same_site: none, secure: drop }"), "warning"));
}

TEST_CASE("rewrite keys: they are for what goes to an upstream") {
  for (const char* keys : {"rewrite: { strip_prefix: /a }", "host: upstream", "rewrite_location: false",
                           "cookies: { path: / }", "request_headers: { remove: X-A }"}) {
    CAPTURE(keys);
    CHECK(contains(said_of(parts + "  - { respond: { body: x }, " + keys + " }\n"),
                   "is for what goes to an upstream, and this route answers by itself"));
    const bool is_path = std::string_view(keys).starts_with("rewrite:");  // of a file, too
    CHECK(contains(said_of(parts + "  - { files: ., " + keys + " }\n"),
                   "is for what goes to an upstream, and this route answers by itself") == !is_path);
  }
}

TEST_CASE("header rules: they are read in the order in which they are carried out") {
  using Kind = policy::FieldRule::Kind;
  const RouteDocument route = route_of(
      "request_headers: { add: { X-C: c }, set: { X-B: \"{client}\" }, remove: [X-A] }, response_headers: { "
      "set: { "
      "X-E: \"{endpoint}\" } }");
  REQUIRE(route.request_headers.size() == 3);
  CHECK(route.request_headers[0].kind == Kind::remove);
  CHECK(route.request_headers[0].name == "X-A");
  CHECK(route.request_headers[1].kind == Kind::set);
  CHECK(route.request_headers[1].value.uses(policy::Placeholder::client));
  CHECK(route.request_headers[2].kind == Kind::add);
  CHECK(route.response_headers.size() == 1);
}

TEST_CASE("header rules: framing and the fields of one connection are not for rules") {
  for (const char* name : {"Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
                           "Proxy-Connection", "Proxy-Authorization", "HTTP2-Settings"}) {
    CAPTURE(name);
    CHECK(contains(said("request_headers: { remove: [" + std::string(name) + "] }"), "hop-by-hop"));
    CHECK(contains(said("response_headers: { set: { " + std::string(name) + ": x } }"), "hop-by-hop"));
  }
  for (const char* name : {"Content-Length", "content-encoding", "Content-Range", "Expect"}) {
    CAPTURE(name);
    CHECK(
        contains(said("request_headers: { set: { " + std::string(name) + ": x } }"), "how its body is read"));
    CHECK(contains(said("response_headers: { add: { " + std::string(name) + ": x } }"),
                   "how its body is read"));
  }
  CHECK(contains(said("request_headers: { set: { Host: a } }"), "see host beside the rules"));
  CHECK(contains(said("request_headers: { remove: [Sec-WebSocket-Key] }"), "WebSocket handshake"));
  CHECK(contains(said("request_headers: { remove: [\"a b\"] }"), "is not a header name"));
}

TEST_CASE("header rules: values are checked when they are read") {
  CHECK(said("request_headers: { set: { X-A: \"{clinet}\" } }") ==
        "f:4:53 routes[0].request_headers.set.X-A: \"{clinet}\" has an unknown placeholder \"{clinet}\"; did "
        "you mean \"client\"?\n");
  CHECK(contains(said("request_headers: { set: { X-A: \"{endpoint}\" } }"), "{upstream} is known"));
  CHECK(contains(said("request_headers: { set: { X-A: \"a\\r\\nX-B: c\" } }"), "control character"));
  CHECK(contains(said("response_headers: { add: { X-A: \" a\" } }"), "begins or ends with white space"));
  CHECK(contains(said("request_headers: { set: { X-A: a, x-a: b } }"), "stands here twice"));
  CHECK(said("response_headers: { set: { X-A: \"" + std::string(4096, 'x') + "\" } }").empty());
  CHECK(contains(said("response_headers: { set: { X-A: \"" + std::string(4097, 'x') + "\" } }"), "4KiB"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += (i ? ", X-" : "X-") + std::to_string(i);
  CHECK(said("request_headers: { remove: [" + many + "] }").empty());
  CHECK(contains(said("request_headers: { remove: [" + many + ", X-100] }"), "more than 100 rules"));
}

TEST_CASE("header rules: the top of a file has some too") {
  const auto loaded =
      load("request_headers: { remove: X-A }\nresponse_headers: { set: { X-B: b } }\n" + rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->request_headers.size() == 1);
  CHECK(loaded->response_headers.size() == 1);
  CHECK(contains(said_of_part("request_headers: { st: { X-B: b } }"), "unknown key \"st\""));
}
