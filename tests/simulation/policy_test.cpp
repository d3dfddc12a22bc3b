// What the gateway answers by itself for origins, tokens and preflights, and what it lets pass.
#include <doctest/doctest.h>

#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";

std::string yaml() {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: ["10.0.0.0/8"]
origins:
  web: { allow: ["https://app.example.com"], credentials: true, expose: [X-Total] }
jwt:
  session:
    secret: ")" +
         std::string(secret) + R"("
    algorithms: [HS256]
    issuer: tests
    from: [header, { query: ticket }, subprotocol]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: open, upstream: app, origins: web }
  - { name: account, match: { path: /account }, upstream: app, origins: web, jwt: session, forward_claims: { sub: X-User } }
)";
}

std::string token(int64_t expires) {
  const auto key = crypto::HmacKey(crypto::Algorithm::hs256, secret);
  return policy::sign_jwt(key, {{"iss", "tests"}, {"sub", "user-7"}, {"exp", expires}});
}
std::string good_token() { return token(ProxyFixture::unix_time + 600); }

constexpr std::string_view from_app = "Origin: https://app.example.com\r\n";

std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: api.example.com\r\n" + std::string(fields) + "\r\n";
}

}  // namespace

TEST_CASE("policy: a preflight is answered without an endpoint and without a token") {
  ProxyFixture proxy(yaml());
  TestClient& client = proxy.connect();
  client.send("OPTIONS /account HTTP/1.1\r\nHost: a\r\n" + std::string(from_app) +
              "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK(response.status() == 204);
  CHECK(response.field("Access-Control-Allow-Origin") == "https://app.example.com");
  CHECK(response.field("Access-Control-Allow-Credentials") == "true");
  CHECK(response.field("Access-Control-Allow-Methods").find("PUT") != std::string::npos);
  CHECK(response.field("Vary").find("Origin") != std::string::npos);
  CHECK(proxy.upstream.at(3001).dials == 0);
  CHECK(proxy.log.line("exchange")["attempts"] == 0);
}

TEST_CASE("policy: an endpoint's own CORS fields are replaced by those of the list") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = answers(
      response_text("x", "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: false\r\n"));
  TestClient& client = proxy.connect();
  client.send(get("/", from_app));
  HttpMessage response = client.response();
  CHECK(response.count("Access-Control-Allow-Origin") == 1);
  CHECK(response.field("Access-Control-Allow-Origin") == "https://app.example.com");
  CHECK(response.field("Access-Control-Allow-Credentials") == "true");
  CHECK(response.field("Access-Control-Expose-Headers") == "X-Total");
  client.send(get("/"));
  response = client.response();
  CHECK_FALSE(response.has("Access-Control-Allow-Origin"));
  CHECK(response.field("Vary").find("Origin") != std::string::npos);
}

TEST_CASE("policy: an origin that is not listed is refused, and answer and log say which list") {
  ProxyFixture proxy(yaml());
  TestClient& client = proxy.connect();
  client.send(get("/", "Origin: https://evil.example\r\n"));
  const HttpMessage response = client.response();
  CHECK(response.status() == 403);
  CHECK_FALSE(response.has("Access-Control-Allow-Origin"));
  CHECK(response.body.find("https://evil.example") != std::string::npos);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "origin_refused");
  CHECK(line["stage"] == "policy");
  CHECK(line["route"] == "open");
  const std::string detail = line["detail"];
  CHECK(detail.find("web") != std::string::npos);
  CHECK(detail.find("https://evil.example") != std::string::npos);
  CHECK(proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("policy: what a list that reports only would refuse passes, is logged at a rate, and is counted") {
  std::string text = yaml();
  const std::string list = "allow: [\"https://app.example.com\"]";
  REQUIRE(text.find(list) != text.npos);
  text.replace(text.find(list), list.size(), list + ", report_only: true");
  ProxyFixture proxy(text);
  proxy.upstream.at(3001).behaviour = answers(response_text("x", "Access-Control-Allow-Origin: *\r\n"));
  TestClient& client = proxy.connect();
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) {
      client.send(get("/", "Origin: https://evil.example\r\n"));
      const HttpMessage response = client.response();
      CHECK(response.status() == 200);
      CHECK(response.field("Access-Control-Allow-Origin") == "*");  // as without a list
    }
  };
  ask(1);
  const base::Json line = proxy.log.line("would_refuse");
  CHECK(line["rule"] == "origins");
  CHECK(line["route"] == "open");
  CHECK(line["cause"] == "origin_refused");
  CHECK(line["events"] == 1);
  CHECK(line["request_id"] == proxy.log.line("exchange")["request_id"]);
  CHECK(proxy.log.line("exchange")["cause"].is_null());
  ask(100);
  const size_t in_a_second = proxy.log.lines("would_refuse").size();
  CHECK(in_a_second < 50);
  proxy.advance(std::chrono::seconds(1));
  ask(1);
  CHECK(proxy.log.last("would_refuse")["events"] == 102 - in_a_second);
  CHECK((*proxy.metrics.route("open"))[telemetry::RouteCount::would_refuse_origins] == 102);
}

TEST_CASE("policy: a refusal carries the CORS fields without which a page could not read it") {
  ProxyFixture proxy(yaml());
  TestClient& client = proxy.connect();
  client.send(get("/account", from_app));
  const HttpMessage response = client.response();
  CHECK(response.status() == 401);
  CHECK(response.field("Access-Control-Allow-Origin") == "https://app.example.com");
  CHECK(response.has("WWW-Authenticate"));
  CHECK(response.body.find("\"error\":\"token_missing\"") != std::string::npos);
}

TEST_CASE("policy: an endpoint that cannot be reached is a 502 that the page can read") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(get("/", from_app));
  const HttpMessage response = client.response();
  CHECK(response.status() == 502);
  CHECK(response.field("Access-Control-Allow-Origin") == "https://app.example.com");
}

TEST_CASE("policy: a good token passes and its claims reach the endpoint, forged ones do not") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = answers(response_text("yours"));
  TestClient& client = proxy.connect();
  client.send(
      get("/account", "Authorization: Bearer " + good_token() + "\r\nX-User: admin\r\nX_User: admin\r\n"));
  CHECK(client.response().body == "yours");
  const HttpMessage seen = proxy.upstream.at(3001).last().requests.at(0);
  CHECK(seen.field("X-User") == "user-7");
  CHECK_FALSE(seen.has("X_User"));
}

TEST_CASE("policy: an expired token is 401 with its reason") {
  ProxyFixture proxy(yaml());
  TestClient& client = proxy.connect();
  client.send(get("/account", "Authorization: Bearer " + token(ProxyFixture::unix_time - 600) + "\r\n"));
  const HttpMessage response = client.response();
  CHECK(response.status() == 401);
  CHECK(response.body.find("token_expired") != std::string::npos);
  CHECK(response.field("WWW-Authenticate").find("invalid_token") != std::string::npos);
  CHECK(proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("policy: a token in the query is never logged, under whatever name it comes") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = answers(response_text("yours"));
  TestClient& client = proxy.connect();
  const std::string given = good_token();
  client.send(get("/account?a=1&ticket=" + given + "&password=hunter2"));
  CHECK(client.response().status() == 200);
  const std::string log = proxy.log.text();
  CHECK(log.find(given) == std::string::npos);
  CHECK(log.find("hunter2") == std::string::npos);
  CHECK(proxy.log.line("exchange")["target"] == "/account?a=1&ticket=***&password=***");
}

TEST_CASE("policy: a trusted proxy's word about the client and the request id is taken") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const std::string said =
      "X-Forwarded-For: 198.51.100.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: from-the-edge-1\r\n";
  TestClient& trusted = proxy.connect({.address = "10.1.2.3"});
  trusted.send(get("/", said));
  CHECK(trusted.response().field("X-Request-Id") == "from-the-edge-1");
  CHECK(proxy.log.last("exchange")["client"] == "198.51.100.4");
  TestClient& stranger = proxy.connect({.address = "192.0.2.1"});
  stranger.send(get("/", said));
  CHECK(stranger.response().field("X-Request-Id") != "from-the-edge-1");
  CHECK(proxy.log.last("exchange")["client"] == "192.0.2.1");
  CHECK(proxy.log.last("exchange")["request_id"] != "from-the-edge-1");
}
