// Which endpoint gets a request: weights, backups, hashes and limits, from the configuration to the wire.
#include <doctest/doctest.h>

#include <map>

#include "support/proxy_fixture.h"

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
void name_endpoints(ProxyFixture& proxy) {
  for (uint16_t port : {3001, 3002, 3003})
    proxy.upstream.at(port).behaviour = answers(response_text(std::to_string(port)));
}

std::string ask(TestClient& client, const std::string& request = get()) {
  client.send(request);
  return client.response().body;
}

}  // namespace

TEST_CASE("balance: requests are spread by weight, and the backup waits") {
  ProxyFixture proxy(
      configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", weight: 3 }, \"http://127.0.0.1:3002\", "
                    "{ url: \"http://127.0.0.1:3003\", backup: true }] }"));
  name_endpoints(proxy);
  TestClient& client = proxy.connect();
  std::map<std::string, int> count;
  for (int i = 0; i < 40; ++i) ++count[ask(client)];
  CHECK(count == std::map<std::string, int>{{"3001", 30}, {"3002", 10}});
}

TEST_CASE("balance: the backup serves when the others refuse, within the same request and after it") {
  ProxyFixture proxy(configuration(
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
  ProxyFixture proxy(configuration(
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
  ProxyFixture proxy(configuration(
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
  ProxyFixture proxy(configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 2 }] }"));
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
  first.peer().reset();
  proxy.settle();
  proxy.upstream.at(3001).behaviour = answers(response_text("3001"));
  CHECK(ask(third) == "3001");  // the connection of the refused request is still usable
}

TEST_CASE("balance: a tunnel holds its place until it ends") {
  ProxyFixture proxy(configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }] }"));
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
  proxy.advance(11s);  // the endpoint's side of it has ended as well
  CHECK(proxy.group().endpoint(0)->load() == 0);
  proxy.upstream.at(3001).behaviour = answers(response_text("3001"));
  CHECK(ask(client) == "3001");
}

TEST_CASE("balance: a failed attempt leaves its place") {
  ProxyFixture proxy(
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
  ProxyFixture proxy(configuration("{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"] }"));
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

namespace {

const std::string sticky = "sticky: { cookie: route, secret: 0123456789abcdef0123456789abcdef }";

// The cookie of a response as a browser sends it back; empty if the response sets none.
std::string cookie_of(const HttpMessage& response) {
  const std::string set = response.field("set-cookie");
  return set.empty() ? std::string() : "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
}

HttpMessage answer_to(TestClient& client, const std::string& request) {
  client.send(request);
  return client.response();
}

}  // namespace

TEST_CASE("sticky: a client stays at the endpoint that answered first, and the endpoint sees no cookie") {
  ProxyFixture proxy(configuration(
      "{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\", \"http://127.0.0.1:3003\"], " +
      sticky + " }"));
  name_endpoints(proxy);
  for (int i = 0; i < 4; ++i) {
    TestClient& client = proxy.connect();
    const HttpMessage first = answer_to(client, get("Cookie: mine=1\r\n"));
    const std::string cookie = cookie_of(first);
    CHECK(cookie.starts_with("Cookie: route="));
    CHECK(first.field("set-cookie").ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"));
    for (int again = 0; again < 5; ++again) {
      const HttpMessage next = answer_to(client, get(cookie + "Cookie: mine=1\r\n"));
      CHECK(next.body == first.body);
      CHECK_FALSE(next.has("set-cookie"));
    }
  }
  for (uint16_t port : {3001, 3002, 3003})
    for (const auto& connection : proxy.upstream.at(port).connections)
      for (const HttpMessage& request : connection->requests) CHECK(request.field("cookie") == "mine=1");
}

TEST_CASE("sticky: a forged cookie is ignored, and a good one is set") {
  ProxyFixture proxy(
      configuration("{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], " + sticky + " }"));
  name_endpoints(proxy);
  const HttpMessage response = answer_to(proxy.connect(), get("Cookie: route=AAAA.1900000000.BBBB\r\n"));
  CHECK(response.status() == 200);
  CHECK(response.has("set-cookie"));
}

TEST_CASE("sticky: when its endpoint is gone a client gets another and a new cookie, and stays there") {
  ProxyFixture proxy(
      configuration("{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], " + sticky + " }"));
  name_endpoints(proxy);
  TestClient& client = proxy.connect();
  const HttpMessage first = answer_to(client, get());
  CHECK(first.body == "3001");
  proxy.upstream.at(3001).last().peer().reset();
  proxy.settle();
  proxy.upstream.at(3001).reach = Reach::refused;
  const HttpMessage moved = answer_to(client, get(cookie_of(first)));
  CHECK(moved.body == "3002");
  REQUIRE(moved.has("set-cookie"));
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(2s);
  for (int i = 0; i < 3; ++i) {
    const HttpMessage next = answer_to(client, get(cookie_of(moved)));
    CHECK(next.body == "3002");
    CHECK_FALSE(next.has("set-cookie"));
  }
}

TEST_CASE("sticky: while its endpoint is only at its limit another stands in and the session stays") {
  ProxyFixture proxy(configuration(
      "{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }, \"http://127.0.0.1:3002\"], " +
      sticky + " }"));
  name_endpoints(proxy);
  const HttpMessage first = answer_to(proxy.connect(), get());
  CHECK(first.body == "3001");
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& busy = proxy.connect();
  busy.send(get(cookie_of(first)));
  CHECK(proxy.group().endpoint(0)->full());
  TestClient& client = proxy.connect();
  const HttpMessage meanwhile = answer_to(client, get(cookie_of(first)));
  CHECK(meanwhile.body == "3002");
  CHECK_FALSE(meanwhile.has("set-cookie"));
  proxy.upstream.at(3001).behaviour = answers(response_text("3001"));
  busy.peer().reset();
  proxy.settle();
  CHECK(answer_to(client, get(cookie_of(first))).body == "3001");
}

TEST_CASE("sticky: a WebSocket gets the cookie with its 101, and follows it") {
  ProxyFixture proxy(
      configuration("{ endpoints: [\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], " + sticky + " }"));
  for (uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = accepts_websocket();
  const auto handshake = [](const std::string& fields) {
    return "GET /ws HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           fields + "\r\n";
  };
  TestClient& first = proxy.connect();
  first.send(handshake({}));
  const std::string head = first.take_unread();
  const size_t at = head.find("Set-Cookie: route=");
  REQUIRE(at != std::string::npos);
  const std::string cookie = head.substr(at + 4, head.find(';', at) - at - 4);
  for (int i = 0; i < 3; ++i) {
    TestClient& next = proxy.connect();
    next.send(handshake(cookie + "\r\n"));
    CHECK(next.take_unread().find("Set-Cookie") == std::string::npos);
  }
  CHECK(proxy.group().endpoint(0)->load() == 4);
  CHECK(proxy.group().endpoint(1)->load() == 0);
}

namespace {

const std::string one_place =
    "{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }], "
    "queue: { size: 2, timeout: 3s } }";

}  // namespace

TEST_CASE("queue: requests wait for a place in the order in which they came") {
  ProxyFixture proxy(configuration(one_place));
  proxy.upstream.at(3001).behaviour = says_nothing();
  std::vector<TestClient*> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(&proxy.connect());
    clients.back()->send(get({}, "/" + std::to_string(i)));
  }
  FakeEndpoint& endpoint = proxy.upstream.at(3001);
  CHECK(endpoint.request_count() == 1);
  for (int i = 0; i < 3; ++i) {
    proxy.advance(500ms);
    FakeConnection& connection = endpoint.last();
    CHECK(connection.requests.back().target() == "/" + std::to_string(i));
    connection.send(response_text(std::to_string(i)));
    proxy.settle();
    CHECK(clients[static_cast<size_t>(i)]->response().body == std::to_string(i));
  }
  CHECK(endpoint.dials == 1);  // the permit was passed on together with its connection
  const auto lines = proxy.log_lines("exchange");
  REQUIRE(lines.size() == 3);
  CHECK(lines[2]["stages"]["held_ms"].is_null() == false);
  CHECK(proxy.group().endpoint(0)->load() == 0);
}

TEST_CASE("queue: at its size one more is refused at once, and who waits too long after its time") {
  ProxyFixture proxy(configuration(one_place));
  proxy.upstream.at(3001).behaviour = says_nothing();
  std::vector<TestClient*> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(&proxy.connect());
    clients.back()->send(get());
  }
  const HttpMessage refused = clients[3]->response();
  CHECK(refused.status() == 503);
  CHECK(refused.has("retry-after"));
  CHECK(proxy.log.line("exchange")["detail"] == "queue of app: 2 requests wait already");
  CHECK_FALSE(clients[1]->try_response().has_value());
  proxy.advance(2900ms);
  CHECK_FALSE(clients[1]->try_response().has_value());
  proxy.advance(200ms);
  for (size_t i : {1u, 2u}) {
    const HttpMessage late = clients[i]->response();
    CHECK(late.status() == 503);
    CHECK(late.body.find("upstream_at_limit") != std::string::npos);
  }
  CHECK(proxy.log_lines("exchange")[1]["detail"] ==
        "queue of app: no place came free in time, see max_requests");
}

TEST_CASE("queue: a client that leaves while it waits gives up its turn") {
  ProxyFixture proxy(configuration(one_place));
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& first = proxy.connect();
  first.send(get());
  TestClient& second = proxy.connect();
  second.send(get());
  TestClient& third = proxy.connect();
  third.send(get({}, "/third"));
  second.peer().reset();
  proxy.settle();
  proxy.upstream.at(3001).last().send(response_text("first"));
  proxy.settle();
  CHECK(first.response().body == "first");
  CHECK(proxy.upstream.at(3001).last().requests.back().target() == "/third");
  proxy.upstream.at(3001).last().send(response_text("third"));
  proxy.settle();
  CHECK(third.response().body == "third");
  CHECK_FALSE(proxy.group().state().permits.has_line());
}

TEST_CASE("queue: it ends in order when an endpoint that holds the place fails") {
  ProxyFixture proxy(configuration(one_place));
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& first = proxy.connect();
  first.send(get());
  TestClient& second = proxy.connect();
  second.send(get());
  proxy.upstream.at(3001).behaviour = answers(response_text("after"));
  proxy.upstream.at(3001).last().reset();
  proxy.settle();
  CHECK(second.response().body == "after");
}

TEST_CASE("queue: a client that fills it keeps nobody else from a place") {
  ProxyFixture proxy(
      configuration("{ endpoints: [{ url: \"http://127.0.0.1:3001\", max_requests: 1 }], queue: { size: 4, "
                    "timeout: 30s } }"));
  proxy.upstream.at(3001).behaviour = says_nothing();
  std::vector<TestClient*> many;
  for (int i = 0; i < 10; ++i) {
    many.push_back(&proxy.connect({.address = "2001:db8::" + std::to_string(i + 1)}));
    many.back()->send(get({}, "/many/" + std::to_string(i)));
  }
  TestClient& other = proxy.connect();
  other.send(get({}, "/other"));
  CHECK_FALSE(other.try_response().has_value());
  CHECK(many[4]->response().status() == 503);
  CHECK(proxy.log.last("exchange")["detail"] ==
        "queue of app: 4 requests wait already, and of this client more than of others");
  CHECK(proxy.log.last("exchange")["cause"] == "upstream_at_limit");
  FakeEndpoint& endpoint = proxy.upstream.at(3001);
  for (const char* next : {"/many/1", "/other", "/many/2"}) {
    endpoint.last().send(response_text("x"));
    proxy.settle();
    CHECK(endpoint.last().requests.back().target() == next);
  }
  CHECK(other.response().status() == 200);
}
