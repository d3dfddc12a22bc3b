// Routes that the gateway answers by itself: fixed responses, redirects, maintenance.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

std::string with_routes(const std::string& routes) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
origins: { pages: { allow: ["https://app.example"] } }
routes:
)" + routes;
}

HttpMessage asked(ProxyFixture& proxy, const std::string& method, const std::string& target,
                  const std::string& fields = "", const ClientOptions& options = {}) {
  TestClient& client = proxy.connect(options);
  client.send(method + " " + target + " HTTP/1.1\r\nHost: app.example:8080\r\n" + fields + "\r\n");
  return client.response(method == "HEAD");
}

}  // namespace

TEST_CASE("respond: the fixed answer is given to every method, with a length") {
  ProxyFixture proxy(with_routes(R"(
  - match: { path: /health }
    respond: { body: "fine", headers: { X-Kind: fixed, Cache-Control: no-store } }
)"));
  for (const char* method : {"GET", "POST", "DELETE", "PROPFIND"}) {
    CAPTURE(method);
    const HttpMessage response = asked(proxy, method, "/health/x?y");
    CHECK(response.status() == 200);
    CHECK(response.body == "fine");
    CHECK(response.field("Content-Type") == "text/plain; charset=utf-8");
    CHECK(response.field("X-Kind") == "fixed");
    CHECK(response.field("Content-Length") == "4");
    CHECK(response.field("X-Request-Id").size() == 32);
  }
  const HttpMessage head = asked(proxy, "HEAD", "/health");
  CHECK(head.field("Content-Length") == "4");
  CHECK(head.body.empty());
  const HttpMessage options = asked(proxy, "OPTIONS", "/health");
  CHECK(options.status() == 204);
  CHECK(options.field("Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  CHECK(options.body.empty());
  CHECK(proxy.upstream.open_count() == 0);
  const base::Json line = proxy.log.lines("exchange").front();
  CHECK(line["status"] == 200);
  CHECK(line["upstream"].is_null());
  CHECK(line["attempts"] == 0);
  CHECK(line["cause"].is_null());
}

TEST_CASE(
    "respond: an answer that is no success is the same for OPTIONS, and a status without body has none") {
  ProxyFixture proxy(with_routes(R"(
  - { match: { path: /gone }, respond: { status: 410, body: gone } }
  - { match: { path: /none }, respond: { status: 204 } }
  - { match: { path: /same }, respond: { status: 304, headers: { ETag: "\"1\"" } } }
)"));
  CHECK(asked(proxy, "OPTIONS", "/gone").status() == 410);
  CHECK(asked(proxy, "OPTIONS", "/gone").body == "gone");
  TestClient& client = proxy.connect();
  for (int status : {204, 304}) {
    client.send(std::string("GET ") + (status == 204 ? "/none" : "/same") + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const HttpMessage response = client.response();
    CHECK(response.status() == status);
    CHECK(response.body.empty());
  }
  CHECK_FALSE(client.gone());
}

TEST_CASE("respond: a body that is still to come is not waited for") {
  ProxyFixture proxy(with_routes("  - { respond: { status: 403, body: no } }\n"));
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst");
  const HttpMessage response = client.response();
  CHECK(response.status() == 403);
  CHECK(response.field("Connection") == "close");
  TestClient& whole = proxy.connect();
  whole.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst");
  CHECK(whole.response().status() == 403);
  whole.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(whole.response().status() == 403);
}

TEST_CASE("respond: an upgrade is answered like any request") {
  ProxyFixture proxy(with_routes("  - { respond: { body: hello } }\n"));
  const HttpMessage response =
      asked(proxy, "GET", "/",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  CHECK(response.status() == 200);
  CHECK(response.body == "hello");
}

TEST_CASE("redirect: placeholders say what was asked for, normalised") {
  ProxyFixture proxy(with_routes(R"(
  - { match: { path: /old }, redirect: { to: "https://new.example{uri}", status: 308 } }
  - { match: { path: /tls }, redirect: { to: "https://{host}{path}" } }
  - { match: { path: / }, redirect: { to: "{path}", status: 302 } }
)"));
  const HttpMessage moved = asked(proxy, "POST", "/old/a/../b?x=1&y=%20");
  CHECK(moved.status() == 308);
  CHECK(moved.field("Location") == "https://new.example/old/b?x=1&y=%20");
  CHECK(asked(proxy, "GET", "/old").field("Location") == "https://new.example/old");
  const HttpMessage tls = asked(proxy, "HEAD", "/tls?x");
  CHECK(tls.status() == 307);
  CHECK(tls.field("Location") == "https://app.example/tls");
  // A Location of "//evil.example" would lead to another host.
  CHECK(asked(proxy, "GET", "//evil.example/x").field("Location") == "/evil.example/x");
  CHECK(asked(proxy, "GET", "/a%0d%0aSet-Cookie:x").field("Location").find('\r') == std::string::npos);
}

TEST_CASE("redirect: without a Host there is nowhere to send to") {
  ProxyFixture proxy(with_routes("  - { redirect: { to: \"https://{host}/\" } }\n"));
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(client.response().status() == 400);
}

TEST_CASE("actions: policies come first, and amend what is answered") {
  ProxyFixture proxy(with_routes(R"(
  - { origins: pages, respond: { body: hello } }
)"));
  const HttpMessage listed = asked(proxy, "GET", "/", "Origin: https://app.example\r\n");
  CHECK(listed.status() == 200);
  CHECK(listed.field("Access-Control-Allow-Origin") == "https://app.example");
  const HttpMessage preflight =
      asked(proxy, "OPTIONS", "/", "Origin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n");
  CHECK(preflight.status() == 204);
  CHECK(preflight.field("Access-Control-Allow-Methods").find("PUT") != std::string::npos);
}

TEST_CASE("maintenance: the route's upstream is not asked, and clients on the list pass") {
  ProxyFixture proxy(with_routes(R"(
  - upstream: app
    origins: pages
    maintenance: { message: "Back at noon.", retry_after: 10m, allow: ["203.0.113.77"] }
)"));
  proxy.upstream.at(3001).behaviour = answers(response_text("open"));
  const HttpMessage closed = asked(proxy, "GET", "/x", "Origin: https://app.example\r\n");
  CHECK(closed.status() == 503);
  CHECK(closed.field("Retry-After") == "600");
  CHECK(closed.field("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(closed.body.find("\"error\":\"maintenance\"") != std::string::npos);
  CHECK(closed.body.find("\"message\":\"Back at noon.\"") != std::string::npos);
  CHECK(proxy.upstream.at(3001).dials == 0);
  CHECK(proxy.log.line("exchange")["cause"] == "maintenance");
  CHECK(asked(proxy, "GET", "/x", "", {.address = "203.0.113.77"}).body == "open");
}

TEST_CASE("maintenance: a route may have nothing else to say") {
  ProxyFixture proxy(with_routes("  - { maintenance: true }\n"));
  const HttpMessage closed = asked(proxy, "GET", "/x");
  CHECK(closed.status() == 503);
  CHECK(closed.field("Retry-After") == "60");
  CHECK(closed.body.find("closed for maintenance") != std::string::npos);
}
