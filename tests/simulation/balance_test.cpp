// Which endpoint gets a request: weights, backups, hashes and limits, from the configuration to the wire.
#include <doctest/doctest.h>

#include <map>

#include "support/proxy_world.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

std::string configuration(const std::string& upstream) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams: { app: " + upstream +
         " }\nroutes: [{ name: all, upstream: app }]\n";
}

std::string get(const std::string& fields = {}, const std::string& target = "/x") {
  return "GET " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n";
}

// Endpoints 3001 to 3003 answer with their port.
void name_endpoints(ProxyWorld& proxy) {
  for (uint16_t port : {3001, 3002, 3003})
    proxy.upstream.at(port).behaviour = answers(response_text(std::to_string(port)));
}

std::string ask(TestClient& client, const std::string& request = get()) {
  client.send(request);
  return client.response().body;
}

}  // namespace

TEST_CASE("balance: requests are spread by weight, and the backup waits") {
  ProxyWorld proxy(
      configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", weight: 3 }, \"http://127.0.0.1:3002\", "
                    "{ url: \"http://127.0.0.1:3003\", backup: true }] }"));
  name_endpoints(proxy);
  TestClient& client = proxy.connect();
  std::map<std::string, int> count;
  for (int i = 0; i < 40; ++i) ++count[ask(client)];
  CHECK(count == std::map<std::string, int>{{"3001", 30}, {"3002", 10}});
}

TEST_CASE("balance: the backup serves when the others refuse, within the same request and after it") {
  ProxyWorld proxy(configuration(
      "{ endpoints: [\"http://127.0.0.1:3001\", { url: \"http://127.0.0.1:3003\", backup: true }] }"));
  name_endpoints(proxy);
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  for (int i = 0; i < 5; ++i) CHECK(ask(client) == "3003");
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(1100ms);
  CHECK(ask(client) == "3001");
}

TEST_CASE("balance: a hash of a header keeps a value at one endpoint over connections") {
  ProxyWorld proxy(configuration(
      "{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\", \"http://127.0.0.1:3003\"], "
      "balance: { hash: { header: X-Room } } }"));
  name_endpoints(proxy);
  std::map<std::string, int> endpoints;
  for (int room = 0; room < 20; ++room) {
    const std::string request = get("X-Room: r" + std::to_string(room) + "\r\n");
    const std::string first = ask(proxy.connect(), request);
    for (int i = 0; i < 3; ++i) CHECK(ask(proxy.connect(), request) == first);
    ++endpoints[first];
  }
  CHECK(endpoints.size() == 3);
}

TEST_CASE("balance: a hash of a query parameter sees the query, one of the address the client's own") {
  ProxyWorld proxy(configuration(
      "{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\", \"http://127.0.0.1:3003\"], "
      "balance: { hash: { query: room } } }"));
  name_endpoints(proxy);
  std::map<std::string, int> endpoints;
  for (int room = 0; room < 20; ++room) {
    const std::string request = get({}, "/x?a=b&room=" + std::to_string(room));
    const std::string first = ask(proxy.connect(), request);
    CHECK(ask(proxy.connect(), request) == first);
    ++endpoints[first];
  }
  CHECK(endpoints.size() == 3);
}

TEST_CASE("balance: at max_requests the answer is 503 with Retry-After, and below it requests pass again") {
  ProxyWorld proxy(configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 2 }] }"));
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& first = proxy.connect();
  TestClient& second = proxy.connect();
  first.send(get());
  second.send(get());
  CHECK(proxy.upstream.at(3001).open_count() == 2);
  TestClient& third = proxy.connect();
  third.send(get());
  const HttpMessage refused = third.response();
  CHECK(refused.status() == 503);
  CHECK(refused.body.find("upstream_at_limit") != std::string::npos);
  CHECK(refused.field("retry-after") == "1");
  CHECK(proxy.upstream.at(3001).dials == 2);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_at_limit");
  CHECK(line["fault"] == "gateway");
  CHECK(line["stage"] == "connect");
  CHECK(line["detail"] == "max_requests of app");
  CHECK(line["attempts"] == 0);
  first.peer().leave();
  proxy.settle();
  proxy.upstream.at(3001).behaviour = answers(response_text("3001"));
  CHECK(ask(third) == "3001");  // the connection of the refused one is still good
}

TEST_CASE("balance: a tunnel holds its place until it ends") {
  ProxyWorld proxy(configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }] }"));
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& socket = proxy.connect();
  socket.send(
      "GET /ws HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK(socket.unread().starts_with("HTTP/1.1 101"));
  TestClient& client = proxy.connect();
  client.send(get());
  CHECK(client.response().status() == 503);
  socket.peer().leave();
  proxy.advance(11s);  // the endpoint's side of it has gone as well
  CHECK(proxy.group().endpoint(0)->load() == 0);
  proxy.upstream.at(3001).behaviour = answers(response_text("3001"));
  CHECK(ask(client) == "3001");
}

TEST_CASE("balance: a failed attempt leaves its place") {
  ProxyWorld proxy(
      configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }], retries: 0 }"));
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get());
    CHECK(client.response().status() == 502);
    CHECK(proxy.group().endpoint(0)->load() == 0);
  }
}

TEST_CASE("balance: load, limits and turns survive a reload that changes weights") {
  ProxyWorld proxy(configuration("{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"] }"));
  name_endpoints(proxy);
  proxy.upstream.at(3001).behaviour = says_nothing();
  proxy.connect().send(get());
  CHECK(proxy.group().endpoint(0)->load() == 1);
  proxy.adopt(
      configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1, weight: 7 }, "
                    "\"http://127.0.0.1:3002\"] }"));
  CHECK(proxy.group().endpoint(0)->load() == 1);
  TestClient& client = proxy.connect();
  for (int i = 0; i < 4; ++i) CHECK(ask(client) == "3002");
}
