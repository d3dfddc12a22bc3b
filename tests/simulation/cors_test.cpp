// Preflights, and the answers that a page could not read without CORS fields.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

std::string with_routes(const std::string& routes) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
hosts: [api.example.com, other.example.com]
origins:
  web: { allow: ["https://app.example.com"], credentials: true, expose: [X-Total] }
  second: { allow: ["https://second.example.com"] }
jwt:
  session: { secret: "a secret of the tests, long enough for HS256", algorithms: [HS256] }
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"] }
routes:
)" + routes;
}

struct Asked {
  HttpMessage response;
  size_t sent = 0;  // requests that the endpoint received
};

class CorsFixture {
 public:
  explicit CorsFixture(const std::string& routes) : proxy(with_routes(routes)) {
    proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  }
  Asked ask(const std::string& start, const std::string& fields,
            const std::string& host = "api.example.com") {
    TestClient& client = proxy.connect();
    client.send(start + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
    HttpMessage response = client.response();
    return {std::move(response), proxy.upstream.at(3001).request_count()};
  }
  ProxyFixture proxy;
};

const std::string from_app = "Origin: https://app.example.com\r\n";
const std::string from_itself = "Origin: http://api.example.com\r\n";
std::string asks_for(const std::string& method) {
  return "Access-Control-Request-Method: " + method + "\r\n";
}

}  // namespace

TEST_CASE("cors: no preflight leads an OPTIONS by another method's route") {
  CorsFixture fixture(
      "  - { name: read, match: { path: /x, methods: [GET] }, upstream: app, origins: web }\n"
      "  - { name: change, match: { path: /x, methods: [DELETE, OPTIONS] }, upstream: app, jwt: session }\n");
  for (const std::string& fields :
       {from_itself + asks_for("GET"), from_itself + "Sec-Fetch-Mode: navigate\r\n" + asks_for("GET"),
        "Origin: HTTP://API.EXAMPLE.COM:80\r\n" + asks_for("GET")}) {
    CAPTURE(fields);
    const Asked asked = fixture.ask("OPTIONS /x", fields + "Content-Length: 2\r\n", "api.example.com");
    CHECK(asked.sent == 0);
    CHECK(fixture.proxy.log.last("exchange")["route"] != "read");
  }
  const Asked navigating = fixture.ask(
      "OPTIONS /x", "Origin: https://evil.example\r\nSec-Fetch-Mode: navigate\r\n" + asks_for("GET"));
  CHECK(navigating.response.status() == 403);
  CHECK(navigating.sent == 0);
  CHECK(fixture.ask("OPTIONS /x", from_app + asks_for("GET")).response.status() == 204);
  CHECK(fixture.ask("OPTIONS /x", from_app + asks_for("GET")).sent == 0);
}

TEST_CASE("cors: a preflight reaches the backend without a token where no origin list answers it") {
  CorsFixture fixture("  - { name: own, upstream: app, jwt: session }\n");
  CHECK(fixture.ask("OPTIONS /x", from_app + asks_for("PUT")).sent == 1);
  CHECK(fixture.ask("OPTIONS /x", "Origin: null\r\n" + asks_for("DELETE")).sent == 2);
  // Requests that no browser sends as a preflight need a token.
  for (const std::string& fields :
       {from_app, asks_for("PUT"), from_app + asks_for("PUT") + "X-HTTP-Method-Override: DELETE\r\n",
        from_app + asks_for("PUT") + "X_Http_Method: DELETE\r\n",
        from_app + asks_for("PUT") + "Transfer-Encoding: chunked\r\n"}) {
    CAPTURE(fields);
    TestClient& client = fixture.proxy.connect();
    client.send("OPTIONS /x HTTP/1.1\r\nHost: api.example.com\r\n" + fields + "\r\n");
    CHECK(client.response().status() == 401);
  }
  CHECK(fixture.ask("GET /x", from_app + asks_for("PUT")).response.status() == 401);
  CHECK(fixture.proxy.upstream.at(3001).request_count() == 2);
}

TEST_CASE("cors: a form that leads from another site to the route passes, and a script does not") {
  CorsFixture fixture("  - { name: web, match: { path: /web }, upstream: app, origins: web }\n");
  const std::string form =
      "Origin: https://login.example\r\nSec-Fetch-Mode: navigate\r\nContent-Length: 0\r\n";
  const Asked posted = fixture.ask("POST /web", form);
  CHECK(posted.response.status() == 200);
  CHECK_FALSE(posted.response.has("Access-Control-Allow-Origin"));
  const std::string script = "Origin: https://login.example\r\nSec-Fetch-Mode: cors\r\nContent-Length: 0\r\n";
  CHECK(fixture.ask("POST /web", script).response.status() == 403);
  const std::string socket =
      "Origin: https://login.example\r\nSec-Fetch-Mode: navigate\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  CHECK(fixture.ask("GET /web", socket).response.status() == 403);
}

TEST_CASE("cors: a preflight names only methods that its route takes") {
  CorsFixture fixture(
      "  - { name: read, match: { path: /x, methods: [GET, POST] }, upstream: app, origins: web }\n"
      "  - { name: all, match: { path: /all }, upstream: app, origins: web }\n");
  CHECK(
      fixture.ask("OPTIONS /x", from_app + asks_for("POST")).response.field("Access-Control-Allow-Methods") ==
      "GET, POST");
  CHECK(fixture.ask("OPTIONS /all", from_app + asks_for("PUT"))
            .response.field("Access-Control-Allow-Methods") == "GET, HEAD, POST, PUT, PATCH, DELETE");
}

TEST_CASE("cors: a page can read what is answered before there is a route") {
  CorsFixture fixture(
      "  - { name: read, match: { path: /x, methods: [GET] }, upstream: app, origins: web }\n"
      "  - { name: other, match: { host: other.example.com, path: /y }, upstream: app, origins: second }\n");
  const auto readable = [&](const std::string& start, const std::string& fields, const std::string& host) {
    const HttpMessage response = fixture.ask(start, fields, host).response;
    CHECK(response.field("Vary") ==
          (fields.find("Request-Method") == fields.npos
               ? "Origin"
               : "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    return std::to_string(response.status()) + " " + response.field("Access-Control-Allow-Origin");
  };
  const std::string app = "https://app.example.com";
  CHECK(readable("DELETE /x", from_app, "api.example.com") == "405 " + app);
  CHECK(readable("OPTIONS /x", from_app + asks_for("DELETE"), "api.example.com") == "405 " + app);
  CHECK(readable("GET /nowhere", from_app, "api.example.com") == "404 " + app);
  CHECK(readable("GET /%00", from_app, "api.example.com") == "400 " + app);
  CHECK(readable("GET /x", from_app + "X: " + std::string(40'000, 'x') + "\r\n", "api.example.com") ==
        "431 " + app);
  CHECK(readable("GET /" + std::string(9'000, 't'), from_app, "api.example.com") == "414 " + app);
  CHECK(readable("GET /nowhere", "Origin: https://second.example.com\r\n", "other.example.com") ==
        "404 https://second.example.com");
  CHECK(readable("GET /nowhere", from_app, "other.example.com") ==
        "404 " + app);  // of the routes for any host
  CHECK(readable("GET /nowhere", "Origin: https://second.example.com\r\n", "api.example.com") == "404 ");
  CHECK(readable("GET /nowhere", "Origin: https://evil.example\r\n", "api.example.com") == "404 ");
  CHECK(readable("GET /nowhere", from_app + from_app, "api.example.com") == "404 ");
  const HttpMessage lost = fixture.ask("GET /nowhere", from_app).response;
  CHECK(lost.field("Access-Control-Allow-Credentials") == "true");
  CHECK(lost.field("Access-Control-Expose-Headers") == "X-Total");
}

TEST_CASE("cors: without an origin list answers before there is a route are as they were") {
  CorsFixture fixture("  - { name: all, match: { path: /x }, upstream: app }\n");
  const HttpMessage response = fixture.ask("GET /nowhere", from_app).response;
  CHECK(response.status() == 404);
  CHECK_FALSE(response.has("Vary"));
  CHECK_FALSE(response.has("Access-Control-Allow-Origin"));
}

TEST_CASE("cors: every host on a route's list counts, not the first alone") {
  CorsFixture fixture(
      "  - name: read\n"
      "    match: { host: [one.example.com, two.example.com, \"*.three.example.com\"], path: /x }\n"
      "    upstream: app\n"
      "    origins: second\n");
  const std::string second = "https://second.example.com";
  for (const std::string host : {"one.example.com", "two.example.com", "a.three.example.com"}) {
    CAPTURE(host);
    // Before a route is found.
    const HttpMessage lost = fixture.ask("GET /nowhere", "Origin: " + second + "\r\n", host).response;
    CHECK(lost.status() == 404);
    CHECK(lost.field("Access-Control-Allow-Origin") == second);
    // A host that a route names belongs to the operator: an equal origin is the same origin.
    CHECK(fixture.ask("GET /x", "Origin: http://" + host + "\r\n", host).response.status() == 200);
  }
  const HttpMessage stranger =
      fixture.ask("GET /nowhere", "Origin: " + second + "\r\n", "four.example.com").response;
  CHECK_FALSE(stranger.has("Access-Control-Allow-Origin"));
}
