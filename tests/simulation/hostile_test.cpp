// Weaknesses that a hostile review of the gateway found, with one test case each.
#include <doctest/doctest.h>

#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";

std::string good_token() {
  const auto key = crypto::HmacKey(crypto::Algorithm::hs256, secret);
  return policy::sign_jwt(key, {{"sub", "user-7"}, {"exp", ProxyFixture::unix_time + 600}});
}

const std::string guarded = R"(
listeners: [{ address: "127.0.0.1:0" }]
jwt:
  login: { secret: ")" + std::string(secret) +
                            R"(", algorithms: [HS256], from: [header, subprotocol] }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: read, match: { path: /m, methods: [GET] }, upstream: app }
  - { name: write, match: { path: /m }, upstream: app, jwt: login }
  - { name: account, match: { path: /account }, upstream: app, jwt: login, forward_claims: { sub: X-User } }
  - { name: open, upstream: app }
)";

// The bytes that the endpoint received on its only connection, as one request.
HttpMessage heard(ProxyFixture& proxy) {
  const FakeConnection& connection = *proxy.upstream.at(3001).connections.at(0);
  REQUIRE(connection.requests.size() == 1);
  return connection.requests[0];
}

}  // namespace

TEST_CASE("hostile: answers without bodies wait for a client that takes none") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
origins: { web: { allow: ["https://app.example.com"] } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app, origins: web }]
)");
  ClientOptions options;
  options.conduct = [](Wire& wire) { wire.to_first.stalled = true; };
  TestClient& client = proxy.connect(options);
  const std::string preflight =
      "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example.com\r\nAccess-Control-Request-Method: "
      "GET\r\n\r\n";
  std::string many;
  for (int i = 0; i < 200; ++i) many += preflight;
  for (int round = 0; round < 20; ++round) client.send(many);
  const size_t answered = proxy.log_lines("exchange").size();
  CHECK(answered > 0);
  CHECK(answered < 1500);  // of 4,000: those that fit into the buffers on the way
}

TEST_CASE("hostile: a token among the subprotocols is neither passed on nor logged") {
  ProxyFixture proxy(guarded);
  proxy.upstream.at(3001).behaviour = says_nothing();
  const std::string token = good_token();
  TestClient& client = proxy.connect();
  client.send(
      "GET /account HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer " +
      token + "\r\nSec-WebSocket-Protocol: bearer." + token + "\r\n\r\n");
  CHECK(heard(proxy).field("Sec-WebSocket-Protocol").find("eyJ") == std::string::npos);
  proxy.advance(100s);
  for (const base::Json& line : proxy.log_lines("exchange"))
    CHECK(line.dump().find(token) == std::string::npos);
}

TEST_CASE("hostile: a token that an endpoint selects as the subprotocol is not logged, in whatever case") {
  for (const std::string protocol : {"bearer.s3cret", "Bearer.s3cret", "BEARER.s3cret"}) {
    CAPTURE(protocol);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = accepts_websocket("Sec-WebSocket-Protocol: " + protocol + "\r\n");
    TestClient& client = proxy.connect();
    client.send(
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: " +
        protocol + "\r\n\r\n");
    CHECK(client.response().status() == 101);
    CHECK(proxy.log.line("tunnel_open")["subprotocol"] == "***");
  }
}

TEST_CASE("hostile: the shape of a preflight does not choose another method's route") {
  ProxyFixture proxy(guarded);
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  TestClient& client = proxy.connect();
  client.send(
      "OPTIONS /m HTTP/1.1\r\nHost: a\r\nOrigin: http://evil\r\nAccess-Control-Request-Method: GET\r\n\r\n");
  CHECK(client.response().status() == 200);  // by its own route, which requires no token from a preflight
  CHECK(proxy.log.last("exchange")["route"] == "write");
  client.send("OPTIONS /m HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: GET\r\n\r\n");
  CHECK(client.response().status() == 401);
  CHECK(proxy.upstream.at(3001).request_count() == 1);
}

TEST_CASE("hostile: fields that tokens fill and fields of proxies cannot be sent by a client on any route") {
  ProxyFixture proxy(guarded);
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(
      "GET /open HTTP/1.1\r\nHost: a\r\nX-User: evil\r\nX_User: evil\r\nX_Forwarded_For: 1.1.1.1\r\n"
      "X-Real-IP: 1.1.1.1\r\nX-Forwarded-Ssl: on\r\nX-Mine: kept\r\n\r\n");
  const HttpMessage request = heard(proxy);
  for (const std::string name : {"X-User", "X_User", "X_Forwarded_For", "X-Real-IP", "X-Forwarded-Ssl"})
    CHECK(request.field(name).empty());
  CHECK(request.field("X-Mine") == "kept");
  CHECK(request.field("X-Forwarded-For") == "203.0.113.9");
}

TEST_CASE("hostile: bytes of a body that come one by one cost about what they are") {
  base::ChunkQueue queue;
  for (int i = 0; i < 10'000; ++i) queue.push_copy(base::bytes_of("x"));
  CHECK(queue.bytes() == 10'000);
  size_t chunks = queue.visit(20'000, [](base::Bytes) {});
  CHECK(chunks < 20);
}

TEST_CASE("hostile: what a slow client has yet to take is not cut while it takes some") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text(std::string(100'000, 'x')));
  ClientOptions options;
  options.conduct = [](Wire& wire) {
    wire.to_first.capacity = 4096;
    wire.to_first.stalled = true;
  };
  TestClient& client = proxy.connect(options);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  proxy.advance(20s);  // longer than a closing connection lingers
  CHECK_FALSE(client.gone());
  client.wire().to_first.stalled = false;
  proxy.settle();
  proxy.advance(6s);
  CHECK(client.response().body.size() == 100'000);
}

TEST_CASE("hostile: dot segments do not lead from one route's paths to another's") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: private, match: { path: /private }, upstream: app }
  - { name: open, upstream: app }
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("fine"));
  for (const std::string target :
       {"/private/../x", "/x/../private", "/x/%2e%2e/private/y", "/private/a/../../x"}) {
    CAPTURE(target);
    TestClient& client = proxy.connect();
    client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto response = client.try_response();
    REQUIRE(response);
    CHECK(response->status() == 400);
    CHECK(response->body.find("servers read this path in different ways") != std::string::npos);
    CHECK(response->body.find("private") != std::string::npos);
    CHECK(response->body.find("open") != std::string::npos);
    CHECK(client.over());
  }
  TestClient& client = proxy.connect();
  client.send("GET /private/a/../b HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().body == "fine");
  CHECK(heard(proxy).target() == "/private/a/../b");
}
