// Rate limits through the whole proxy.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: ["10.0.0.0/8"]
origins:
  web: { allow: ["https://app.example.com"] }
rate_limits:
  few: { rate: 6/m, burst: 2 }
  keyed: { rate: 1/h, by: { header: X-Api-Key } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: open, upstream: app, origins: web, rate_limit: few }
  - { name: free, match: { path: /free }, upstream: app }
  - { name: keyed, match: { path: /keyed }, upstream: app, rate_limit: [few, keyed] }
)";

constexpr std::string_view from_app = "Origin: https://app.example.com\r\n";

std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: api.example.com\r\n" + std::string(fields) + "\r\n";
}

HttpMessage ask(TestClient& client, std::string_view path, std::string_view fields = {}) {
  client.send(get(path, fields));
  return client.response();
}

}  // namespace

TEST_CASE("rate limit: a page is told by a 429 that it can read, and its connection lives on") {
  ProxyFixture proxy{std::string(yaml)};
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  const HttpMessage first = ask(client, "/", from_app);
  CHECK(first.status() == 200);
  CHECK(first.field("RateLimit-Policy") == "\"few\";q=2;w=20");
  CHECK(first.field("RateLimit") == "\"few\";r=1;t=10");
  CHECK(ask(client, "/", from_app).field("RateLimit") == "\"few\";r=0;t=20");
  const HttpMessage refused = ask(client, "/", from_app);
  CHECK(refused.status() == 429);
  CHECK(refused.field("Retry-After") == "10");
  CHECK(refused.field("RateLimit") == "\"few\";r=0;t=20");
  CHECK(refused.field("Access-Control-Allow-Origin") == "https://app.example.com");
  CHECK(refused.field("Access-Control-Expose-Headers") == "Retry-After, RateLimit, RateLimit-Policy");
  CHECK(base::Json::parse(refused.body)["error"] == "rate_limited");
  const base::Json line = proxy.log.last("exchange");
  CHECK(line["cause"] == "rate_limited");
  CHECK(line["stage"] == "policy");
  CHECK(line["detail"] == "limit few by client address: 6/m, at most 2 at once");
  CHECK(ask(client, "/free").status() == 200);
  proxy.advance(10s);
  CHECK(ask(client, "/", from_app).status() == 200);
  CHECK(proxy.upstream.at(3001).last().requests.size() == 4);
}

TEST_CASE("rate limit: preflights are not counted, upgrades are") {
  ProxyFixture proxy{std::string(yaml)};
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  for (int i = 0; i < 5; ++i) {
    client.send("OPTIONS / HTTP/1.1\r\nHost: a\r\n" + std::string(from_app) +
                "Access-Control-Request-Method: PUT\r\n\r\n");
    CHECK(client.response().status() == 204);
  }
  CHECK(ask(client, "/", from_app).status() == 200);
  CHECK(ask(client, "/", from_app).status() == 200);
  TestClient& socket = proxy.connect();
  socket.send(get("/ws",
                  "Origin: https://app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  CHECK(socket.response().status() == 429);  // also for a page, since its next attempt may pass
  CHECK(proxy.log.last("exchange")["cause"] == "rate_limited");
}

TEST_CASE("rate limit: clients behind a trusted proxy are told apart, others cannot pretend") {
  ProxyFixture proxy{std::string(yaml)};
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& balancer = proxy.connect({.address = "10.0.0.1"});
  for (const char* client : {"203.0.113.1", "203.0.113.2"}) {
    const std::string field = "X-Forwarded-For: " + std::string(client) + "\r\n";
    CHECK(ask(balancer, "/", field).status() == 200);
    CHECK(ask(balancer, "/", field).status() == 200);
    CHECK(ask(balancer, "/", field).status() == 429);
  }
  TestClient& stranger = proxy.connect({.address = "198.51.100.1"});
  CHECK(ask(stranger, "/", "X-Forwarded-For: 203.0.113.7\r\n").status() == 200);
  CHECK(ask(stranger, "/", "X-Forwarded-For: 203.0.113.8\r\n").status() == 200);
  CHECK(ask(stranger, "/", "X-Forwarded-For: 203.0.113.9\r\n").status() == 429);
}

TEST_CASE("rate limit: a key is limited wherever it comes from, and never in the log") {
  ProxyFixture proxy{std::string(yaml)};
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  CHECK(ask(proxy.connect({.address = "192.0.2.1"}), "/keyed", "X-Api-Key: hidden\r\n").status() == 200);
  CHECK(ask(proxy.connect({.address = "192.0.2.2"}), "/keyed", "X-Api-Key: hidden\r\n").status() == 429);
  CHECK(ask(proxy.connect({.address = "192.0.2.2"}), "/keyed", "X-Api-Key: another\r\n").status() == 200);
  const base::Json line = proxy.log_lines("exchange").at(1);
  CHECK(line["detail"] == "limit keyed by field X-Api-Key: 1/h, at most 1 at once");
  CHECK(line.dump().find("hidden") == std::string::npos);
}

TEST_CASE("rate limit: a reload keeps what is counted, and counts anew for a limit that is another") {
  ProxyFixture proxy{std::string(yaml)};
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  CHECK(ask(client, "/").status() == 200);
  CHECK(ask(client, "/").status() == 200);
  std::string changed(yaml);
  changed.replace(changed.find("  - { name: free"), 0,
                  "  - { name: more, match: { path: /more }, upstream: app }\n");
  proxy.adopt(changed);
  CHECK(ask(client, "/").status() == 429);
  changed.replace(changed.find("burst: 2"), 8, "burst: 3");
  proxy.adopt(changed);
  CHECK(ask(client, "/").field("RateLimit") == "\"few\";r=2;t=10");
}
