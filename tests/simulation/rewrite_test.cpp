// Requests and responses that differ between the two sides of the gateway: paths, hosts, addresses, cookies,
// fields.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

std::string with_route(const std::string& keys, const std::string& top = "") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001", "http://127.0.0.1:3002"] } }
)" + top +
         R"(
routes:
  - name: api
    match: { path: /api }
    upstream: app
)" + keys;
}

struct Told {
  HttpMessage request;   // as the endpoint received it
  HttpMessage response;  // as the client received it
};

Told told(ProxyFixture& proxy, const std::string& target, const std::string& answer = response_text("x"),
          const std::string& fields = "") {
  for (uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = answers(answer);
  TestClient& client = proxy.connect();
  client.send("GET " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n");
  HttpMessage response = client.response();
  return {proxy.upstream.at(3001).last().requests.back(), std::move(response)};
}

}  // namespace

TEST_CASE("rewrite: the endpoint gets the new path, the log has both") {
  ProxyFixture proxy(with_route("    rewrite: { strip_prefix: /api }\n"));
  const Told result = told(proxy, "/api/a/./b?token=secret&x=%2e");
  CHECK(result.request.start == "GET /a/b?token=secret&x=%2e HTTP/1.1");
  CHECK(result.request.field("X-Forwarded-Prefix") == "/api");
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["target"] == "/api/a/./b?token=***&x=%2e");
  CHECK(line["rewritten"] == "/a/b?token=***&x=%2e");
}

TEST_CASE("rewrite: a path that stays is named once") {
  ProxyFixture proxy(with_route("    rewrite: { pattern: \"^/api/old$\", to: /new }\n"));
  CHECK(told(proxy, "/api/x").request.start == "GET /api/x HTTP/1.1");
  CHECK_FALSE(proxy.log.line("exchange").contains("rewritten"));
}

TEST_CASE("rewrite: a result that breaks the rules is refused, and no endpoint hears of it") {
  ProxyFixture proxy(with_route("    rewrite: { pattern: \"^/api/(.)-(.)$\", to: '/\\1\\2/secret' }\n"));
  TestClient& client = proxy.connect();
  client.send("GET /api/.-. HTTP/1.1\r\nHost: app.example\r\n\r\n");
  CHECK(client.response().status() == 400);
  CHECK(proxy.upstream.at(3001).dials == 0);
  CHECK(proxy.log.line("exchange")["detail"] == "the path goes above the root");
}

TEST_CASE("rewrite: a WebSocket upgrade goes to the new path as well") {
  ProxyFixture proxy(with_route("    rewrite: { replace_prefix: /socket }\n    host: upstream\n"));
  proxy.upstream.at(3001).behaviour = answers(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  TestClient& client = proxy.connect();
  client.send(
      "GET /api/room?id=1 HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK(client.unread().starts_with("HTTP/1.1 101 "));
  const HttpMessage& request = proxy.upstream.at(3001).last().requests.back();
  CHECK(request.start == "GET /socket/room?id=1 HTTP/1.1");
  CHECK(request.field("Host") == "127.0.0.1:3001");
  const base::Json line = proxy.log.line("tunnel_open");
  CHECK(line["target"] == "/api/room?id=1");
  CHECK(line["rewritten"] == "/socket/room?id=1");
}

TEST_CASE("host: each attempt names the endpoint that it is for") {
  ProxyFixture proxy(with_route("    host: upstream\n"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = answers(response_text("x"));
  TestClient& client = proxy.connect();
  client.send("GET /api HTTP/1.1\r\nHost: app.example\r\n\r\n");
  CHECK(client.response().status() == 200);
  const HttpMessage& request = proxy.upstream.at(3002).last().requests.back();
  CHECK(request.field("Host") == "127.0.0.1:3002");
  CHECK(request.field("X-Forwarded-Host") == "app.example");
}

TEST_CASE("host: a route goes before its upstream") {
  const std::string yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"], host: legacy.example } }
routes:
  - { match: { path: / }, upstream: app }
  - { match: { path: /api }, upstream: app, host: preserve }
)";
  ProxyFixture proxy(yaml);
  CHECK(told(proxy, "/x").request.field("Host") == "legacy.example");
  CHECK(told(proxy, "/api").request.field("Host") == "app.example");
}

TEST_CASE("location: a redirect of the endpoint leads back through the gateway") {
  ProxyFixture proxy(with_route("    rewrite: { strip_prefix: /api }\n    host: upstream\n"));
  const Told result = told(proxy, "/api/x",
                           "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:3001/login?a=b\r\n"
                           "Refresh: 1; url=/next\r\nContent-Length: 0\r\n\r\n");
  CHECK(result.response.field("Location") == "http://app.example/api/login?a=b");
  CHECK(result.response.field("Refresh") == "1; url=/api/next");
}

TEST_CASE("cookies: each of several is changed, in order") {
  ProxyFixture proxy(
      with_route("    cookies: { domain: remove, path: { /: /api }, secure: drop, same_site: lax }\n"));
  const Told result = told(proxy, "/api",
                           "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=app.internal; Path=/; Secure\r\n"
                           "Set-Cookie: b=2\r\nSet-Cookie: c=\"x;\r\nContent-Length: 0\r\n\r\n");
  std::vector<std::string> cookies;
  for (const auto& [name, value] : result.response.fields)
    if (name == "Set-Cookie") cookies.push_back(value);
  CHECK(cookies == std::vector<std::string>{"a=1; Path=/api; SameSite=Lax", "b=2; SameSite=Lax",
                                            "c=\"x;; SameSite=Lax"});
}

TEST_CASE("header rules: general ones first, the route's after them, and errors too") {
  ProxyFixture proxy(with_route(
      "    request_headers: { set: { X-Level: route }, add: { X-Who: \"{client} {route}\" } }\n"
      "    response_headers: { set: { X-Endpoint: \"{endpoint}\", X-Level: route }, remove: Server }\n",
      "request_headers: { set: { X-Level: top, X-Host: \"{host}\" }, remove: [X-Debug] }\n"
      "response_headers: { set: { X-Level: top, X-Frame-Options: DENY } }\n"));
  const Told result = told(proxy, "/api", response_text("x", "Server: old\r\nX-Level: app\r\n"),
                           "X-Debug: 1\r\nX_Debug: 2\r\nX-Level: client\r\nX-Who: me\r\n");
  CHECK(result.request.field("X-Level") == "route");
  CHECK(result.request.field("X-Host") == "app.example");
  CHECK(result.request.field("X-Debug").empty());
  CHECK(result.request.field("X_Debug").empty());
  CHECK(result.response.field("X-Level") == "route");
  CHECK(result.response.field("X-Endpoint") == "http://127.0.0.1:3001");
  CHECK(result.response.field("X-Frame-Options") == "DENY");
  CHECK(result.response.field("Server").empty());

  TestClient& client = proxy.connect();
  client.send("GET /nowhere HTTP/1.1\r\nHost: app.example\r\n\r\n");
  const HttpMessage lost = client.response();
  CHECK(lost.status() == 404);
  CHECK(lost.field("X-Frame-Options") == "DENY");
  CHECK(lost.field("X-Level") == "top");
}

TEST_CASE("header rules: an interim response and trailers do not get past them") {
  const std::string keys =
      "    response_headers: { set: { X-Frame-Options: DENY }, remove: [X-Internal] }\n    origins: pages\n";
  ProxyFixture proxy(with_route(keys, "origins: { pages: { allow: [\"https://page.example\"] } }\n"));
  const std::string fields =
      "X-Internal: 1\r\nAccess-Control-Allow-Origin: *\r\nLink: </a.css>\r\n"
      "Location: http://127.0.0.1:3001/x\r\n";
  const std::string answer = "HTTP/1.1 103 Early Hints\r\n" + fields + "\r\n" +
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + fields +
                             "X-Checksum: 77\r\nX-Request-Id: other\r\nCache-Control: no-store\r\n"
                             "WWW-Authenticate: Basic\r\n\r\n";
  for (uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = answers(answer);
  TestClient& client = proxy.connect();
  client.send("GET /api HTTP/1.1\r\nHost: app.example\r\nOrigin: https://page.example\r\n\r\n");
  const HttpMessage hints = client.response();
  REQUIRE(hints.status() == 103);
  CHECK(hints.field("Link") == "</a.css>");
  CHECK_FALSE(hints.has("X-Internal"));
  CHECK(hints.field("X-Frame-Options") == "DENY");
  CHECK(hints.field("Access-Control-Allow-Origin") == "https://page.example");
  CHECK(hints.field("Location") == "http://app.example/x");
  CHECK_FALSE(hints.has("Date"));
  const HttpMessage response = client.response();
  CHECK(hints.field("X-Request-Id") == response.field("X-Request-Id"));
  CHECK(response.has("Date"));
  REQUIRE(response.trailers.size() == 1);
  CHECK(response.trailers[0] == std::pair<std::string, std::string>("X-Checksum", "77"));
}

TEST_CASE("location: the address without a scheme, and another endpoint's, lead back through the gateway") {
  ProxyFixture proxy(with_route(""));
  const auto location_of = [&proxy](const std::string& value) {
    return told(proxy, "/api", response_text("", "Location: " + value + "\r\n", "302 Found"))
        .response.field("Location");
  };
  CHECK(location_of("//127.0.0.1:3001/foo") == "//app.example/foo");
  CHECK(location_of("http://127.0.0.1:3002/foo") == "http://app.example/foo");
  CHECK(location_of("http://localhost:3002/foo") == "http://app.example/foo");
  CHECK(location_of("http://127.0.0.1:3003/foo") == "http://127.0.0.1:3003/foo");
}
