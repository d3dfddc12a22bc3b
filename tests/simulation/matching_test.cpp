// Which route a request gets, through the whole proxy: conditions, addresses, preflights, and the gateway's
// answer when no route matches.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

std::string with_routes(const std::string& routes) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: [198.51.100.0/24]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
origins:
  pages: { allow: ["https://app.example"] }
  others: { allow: ["https://other.example"] }
routes:
)" + routes;
}

HttpMessage asked(ProxyFixture& proxy, const std::string& target, const std::string& fields = "",
                  const ClientOptions& options = {}, const std::string& method = "GET") {
  TestClient& client = proxy.connect(options);
  client.send(method + " " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n");
  return client.response();
}

std::string taken(ProxyFixture& proxy, const std::string& target, const std::string& fields = "",
                  const ClientOptions& options = {}, const std::string& method = "GET") {
  const HttpMessage response = asked(proxy, target, fields, options, method);
  return response.status() == 200 ? response.body : std::to_string(response.status());
}

}  // namespace

TEST_CASE("matching: conditions choose between routes of one path") {
  ProxyFixture proxy(with_routes(R"(
  - { name: plain, match: { path: /api }, respond: { body: plain } }
  - { name: v2, match: { path: /api, headers: { X-Version: "2" } }, respond: { body: v2 } }
  - { name: beta, match: { path: /api, cookies: { beta: present } }, respond: { body: beta } }
  - { name: both, match: { path: /api, cookies: { beta: present }, headers: { X-Version: "2" } }, respond: { body: both } }
  - { name: debug, match: { path: /api, query: { debug: { pattern: "[0-9]+" } } }, respond: { body: debug } }
  - { name: staff, match: { path: /staff, client: 10.0.0.0/8 }, respond: { body: staff } }
  - { name: guests, match: { path: /staff, not: { client: 10.0.0.0/8 } }, respond: { body: guests } }
  - { name: number, match: { pattern: "/users/[0-9]+" }, respond: { body: number } }
  - { name: users, match: { path: /users }, respond: { body: users } }
)"));
  CHECK(taken(proxy, "/api/x") == "plain");
  CHECK(taken(proxy, "/api/x", "X-Version: 2\r\n") == "v2");
  CHECK(taken(proxy, "/api/x", "X-Version: 3\r\n") == "plain");
  CHECK(taken(proxy, "/api", "Cookie: a=1; beta=\r\n") == "beta");
  CHECK(taken(proxy, "/api", "Cookie: beta=1\r\nx-version: 2\r\n") == "both");
  CHECK(taken(proxy, "/api?debug=7") == "debug");
  CHECK(taken(proxy, "/api?debug=x") == "plain");
  CHECK(taken(proxy, "/staff") == "guests");
  CHECK(taken(proxy, "/staff", "", {.address = "10.1.2.3"}) == "staff");
  CHECK(taken(proxy, "/staff", "X-Forwarded-For: 10.1.2.3\r\n") == "guests");
  CHECK(taken(proxy, "/staff", "X-Forwarded-For: 10.1.2.3\r\n", {.address = "198.51.100.7"}) == "staff");
  CHECK(taken(proxy, "/users/7") == "number");
  CHECK(taken(proxy, "/users/me") == "users");
  CHECK(taken(proxy, "/users/7/x") == "users");
  CHECK(proxy.log.last("exchange")["route"] == "users");
}

TEST_CASE("matching: 404 where no condition fits, 405 with the methods of those that do") {
  ProxyFixture proxy(with_routes(R"(
  - { match: { path: /a, headers: { X-A: present }, methods: [GET] }, respond: { body: a } }
  - { match: { path: /a, headers: { X-B: present }, methods: [PUT] }, respond: { body: b } }
)"));
  CHECK(taken(proxy, "/a") == "404");
  const HttpMessage refused = asked(proxy, "/a", "X-A: 1\r\n", {}, "DELETE");
  CHECK(refused.status() == 405);
  CHECK(refused.field("Allow") == "GET");
}

TEST_CASE("matching: a client that chooses the route by what it sends gets past no policy of that route") {
  ProxyFixture proxy(with_routes(R"(
  - { name: open, match: { path: /x }, respond: { body: open } }
  - { name: closed, match: { path: /x, headers: { X-Staff: present } }, respond: { body: closed }, allow: 10.0.0.0/8 }
)"));
  CHECK(taken(proxy, "/x", "X-Staff: 1\r\n") == "403");
  CHECK(taken(proxy, "/x") == "open");
}

TEST_CASE("matching: a preflight counts the fields that it announces") {
  ProxyFixture proxy(with_routes(R"(
  - { name: plain, match: { path: /api }, upstream: app, origins: others }
  - { name: v2, match: { path: /api, headers: { X-Version: "2" }, methods: [PUT] }, upstream: app, origins: pages }
)"));
  const std::string preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n";
  const HttpMessage fits =
      asked(proxy, "/api", preflight + "Access-Control-Request-Headers: x-version\r\n", {}, "OPTIONS");
  CHECK(fits.status() == 204);
  CHECK(fits.field("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(proxy.log.last("exchange")["route"] == "v2");
  CHECK(asked(proxy, "/api", preflight, {}, "OPTIONS").field("Access-Control-Allow-Origin") == "");
  CHECK(proxy.log.last("exchange")["route"] == "plain");
}

TEST_CASE("address rules: 403 names the rule, for pages as they can read it") {
  ProxyFixture proxy(with_routes(R"(
  - name: office
    match: { path: / }
    upstream: app
    origins: pages
    allow: [203.0.113.0/24, 10.0.0.0/8]
    deny: [203.0.113.66]
)"));
  proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
  CHECK(taken(proxy, "/") == "hello");
  const HttpMessage refused =
      asked(proxy, "/", "Origin: https://app.example\r\n", {.address = "203.0.113.66"});
  CHECK(refused.status() == 403);
  CHECK(refused.field("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(base::Json::parse(refused.body)["error"] == "address_refused");
  const base::Json line = proxy.log.last("exchange");
  CHECK(line["cause"] == "address_refused");
  CHECK(line["stage"] == "policy");
  CHECK(line["detail"] == "client 203.0.113.66 is in 203.0.113.66/32, which deny has (route \"office\")");
  CHECK(taken(proxy, "/", "", {.address = "192.0.2.1"}) == "403");
  CHECK(proxy.log.last("exchange")["detail"] ==
        "client 192.0.2.1 is in none of the blocks that allow has (route \"office\")");
  // What a trusted proxy reports counts; what others report does not.
  CHECK(taken(proxy, "/", "X-Forwarded-For: 10.0.0.1\r\n", {.address = "198.51.100.7"}) == "hello");
  CHECK(taken(proxy, "/", "X-Forwarded-For: 10.0.0.1\r\n", {.address = "192.0.2.1"}) == "403");
  CHECK(proxy.upstream.at(3001).request_count() == 2);
}

TEST_CASE("redirect: paths that are left out are served on the plain listener") {
  ProxyFixture proxy(with_routes(R"(
  - { match: { path: /.well-known/acme-challenge }, respond: { body: challenge } }
  - { match: { path: / }, respond: { body: page } }
)"));
  const ClientOptions plain{.redirect_port = 443, .redirect_except = {"/.well-known/acme-challenge"}};
  CHECK(taken(proxy, "/.well-known/acme-challenge/token", "", plain) == "challenge");
  CHECK(taken(proxy, "/.well-known/acme-challenge", "", plain) == "challenge");
  for (const char* target : {"/", "/.well-known/acme-challenges", "/.well-known",
                             "/.well-known/acme-challenge/../../page", "/x?/.well-known/acme-challenge"}) {
    CAPTURE(target);
    CHECK(asked(proxy, target, "", plain).status() != 200);
  }
}
