// Upgrades that wait for an endpoint or for their turn. A browser opens only one WebSocket at a time to an
// address, so while one socket of a page waits, all sockets behind it wait as well.
#include <doctest/doctest.h>

#include "support/socket_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

const std::string page = "Origin: https://app.example.com\r\n";

std::string yaml(const std::string& hold = "10s", const std::string& more = {}) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  away: { endpoints: ["http://127.0.0.1:3001"], hold: )" +
         hold + R"( }
  healthy: { endpoints: ["http://127.0.0.1:3002"] }
)" + more +
         R"(
routes:
  - { name: away, match: { path: /away }, upstream: away }
  - { name: healthy, match: { path: /healthy }, upstream: healthy }
)";
}

struct Held {
  explicit Held(const std::string& text = yaml()) : proxy(text) {
    proxy.upstream.at(3001).reach = Reach::refused;
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    proxy.upstream.at(3002).behaviour = accepts_websocket();
  }
  TestClient& open(const std::string& path, const std::string& fields = {},
                   const std::string& address = "203.0.113.1") {
    TestClient& client = proxy.connect({.address = address});
    client.send(SocketFixture::handshake_text(fields, path));
    return client;
  }
  // The time until there is an answer, to a tenth of a second, and the status of the answer.
  std::pair<base::Duration, int> answer(TestClient& client) {
    base::Duration waited{};
    for (; client.unread().empty() && waited < 60s; waited += 100ms) proxy.advance(100ms);
    return {waited, client.response().status()};
  }
  ProxyFixture proxy;
};

}  // namespace

TEST_CASE(
    "socket hold: a client waits once, and what it opens then is answered at once until the upstream is "
    "back") {
  Held held;
  const auto [waited, status] = held.answer(held.open("/away"));
  CHECK(status == 503);
  CHECK(waited >= 9900ms);
  for (int i = 0; i < 7; ++i) {
    const auto [again, refused] = held.answer(held.open("/away"));
    CHECK(again <= 100ms);
    CHECK(refused == 503);
  }
  CHECK(std::string(held.proxy.log.last("exchange")["detail"]).find("has waited already") !=
        std::string::npos);
  CHECK(held.proxy.log.last("exchange")["cause"] == "hold_expired");
  // Another client has not waited yet.
  TestClient& other = held.open("/away", "", "203.0.113.2");
  held.proxy.advance(5s);
  CHECK(other.unread().empty());
  // The endpoint is back: the other client is admitted, and the next time that it goes away the first client
  // waits again.
  held.proxy.upstream.at(3001).reach = Reach::good;
  held.proxy.advance(1s);
  CHECK(other.response().status() == 101);
  held.proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& first = held.open("/away");
  held.proxy.advance(5s);
  CHECK(first.unread().empty());
}

TEST_CASE("socket hold: those that come while one of their client waits share its deadline") {
  Held held;
  TestClient& first = held.open("/away");
  held.proxy.advance(6s);
  TestClient& second = held.open("/away");
  TestClient& stranger = held.open("/away", "", "203.0.113.2");
  held.proxy.advance(4200ms);
  CHECK(first.response().status() == 503);
  CHECK(second.response().status() == 503);
  CHECK(stranger.unread().empty());
}

TEST_CASE("socket hold: a request that is no upgrade waits as long as ever") {
  Held held;
  held.answer(held.open("/away"));
  TestClient& client = held.proxy.connect({.address = "203.0.113.1"});
  client.send("GET /away HTTP/1.1\r\nHost: a\r\n\r\n");
  held.proxy.advance(9s);
  CHECK(client.unread().empty());
  held.proxy.advance(2s);
  CHECK(client.response().status() == 503);
}

TEST_CASE("socket hold: a page that is loaded is not kept from its sockets of healthy upstreams") {
  Held held;
  const auto [waited, status] = held.answer(held.open("/away", page));
  CHECK(status == 503);
  CHECK(waited <= 1s);
  CHECK(waited >= 800ms);
  for (int i = 0; i < 7; ++i) CHECK(held.answer(held.open("/away", page)).first <= 100ms);
  CHECK(held.answer(held.open("/healthy", page)).second == 101);

  Held longer(yaml("{ time: 4s, page_time: 2s }"));
  CHECK(longer.answer(longer.open("/away", page)).first >= 1900ms);
  CHECK(longer.answer(longer.open("/away", page, "203.0.113.2")).first <= 2100ms);
}

TEST_CASE("socket hold: a page whose socket its backend has just ended waits in full: its others are open") {
  Held held;
  held.proxy.upstream.at(3001).reach = Reach::good;
  TestClient& lost = held.open("/away", page);
  CHECK(lost.response().status() == 101);
  CHECK(held.open("/healthy", page).response().status() == 101);
  held.proxy.upstream.at(3001).last().leave();
  held.proxy.settle();
  held.proxy.upstream.at(3001).reach = Reach::refused;
  lost.peer().leave();
  held.proxy.advance(1s);
  TestClient& again = held.open("/away", page);
  held.proxy.advance(8s);
  CHECK(again.unread().empty());
  held.proxy.upstream.at(3001).reach = Reach::good;
  held.proxy.advance(1s);
  CHECK(again.response().status() == 101);

  // The page is reloaded: it has closed its other socket by itself.
  held.proxy.upstream.at(3001).last().leave();
  held.proxy.settle();
  held.proxy.upstream.at(3001).reach = Reach::refused;
  again.peer().leave();
  held.proxy.advance(1s);
  held.proxy.clients[1]->peer().leave();
  held.proxy.settle();
  held.proxy.upstream.at(3002).last().leave();
  held.proxy.advance(1s);
  CHECK(held.answer(held.open("/away", page)).first <= 1s);
}

TEST_CASE(
    "socket hold: with one upstream alone, nothing of a page stands behind its socket: it waits in full") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { away: { endpoints: ["http://127.0.0.1:3001"], hold: 10s } }
routes: [{ upstream: away }]
)");
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(SocketFixture::handshake_text(page, "/"));
  proxy.advance(9s);
  CHECK(client.unread().empty());
}

TEST_CASE("socket hold: an endpoint that hangs up on an upgrade has answered it, and is not asked again") {
  Held held;
  held.proxy.upstream.at(3001).reach = Reach::good;
  held.proxy.upstream.at(3001).behaviour = closes_after("", 0);
  for (const char* path : {"/away", "/away/socket.io/?EIO=4&transport=websocket", "/away/x?vsn=2.0.0"}) {
    const int dials = held.proxy.upstream.at(3001).dials;
    const auto [waited, status] = held.answer(held.open(path));
    CHECK(waited <= 100ms);
    CHECK(status == 502);
    CHECK(held.proxy.upstream.at(3001).dials - dials == 1);
    CHECK(held.proxy.log.last("exchange")["cause"] == "upstream_closed");
  }

  ProxyFixture two(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { away: { endpoints: ["http://127.0.0.1:3001", "http://127.0.0.1:3002"], hold: 10s } }
routes: [{ upstream: away }]
)");
  for (uint16_t port : {uint16_t{3001}, uint16_t{3002}})
    two.upstream.at(port).behaviour = closes_after("", 0);
  TestClient& client = two.connect();
  client.send(SocketFixture::handshake_text("", "/"));
  two.advance(1s);
  CHECK(client.response().status() == 502);
  CHECK(two.upstream.at(3001).dials == 1);  // another endpoint may know the path
  CHECK(two.upstream.at(3002).dials == 1);
}

TEST_CASE(
    "socket hold: an endpoint that takes an upgrade and never answers it has ten seconds, with a cause of "
    "its own") {
  for (const auto& [websocket, limit, cause] :
       std::vector<std::tuple<std::string, base::Duration, std::string>>{
           {"", 10s, "upstream_upgrade_unanswered"},
           {"websocket: { handshake_timeout: 3s }\n", 3s, "upstream_upgrade_unanswered"},
           {"websocket: { handshake_timeout: none }\n", 60s, "upstream_timed_out"},
           {"websocket: { handshake_timeout: 5m }\n", 60s, "upstream_timed_out"}}) {
    const std::string expected = cause;
    CAPTURE(expected);
    Held held(yaml("10s", websocket));
    held.proxy.upstream.at(3001).reach = Reach::good;
    held.proxy.upstream.at(3001).behaviour = {};
    TestClient& client = held.open("/away");
    held.proxy.advance(limit - 200ms);
    CHECK(client.unread().empty());
    held.proxy.advance(400ms);
    CHECK(client.response().status() == 504);
    CHECK(held.proxy.log.last("exchange")["cause"] == expected);
    CHECK(held.proxy.upstream.at(3001).dials == 1);
  }
  Held held;  // requests that are not upgrades wait as long as their upstream allows
  held.proxy.upstream.at(3001).reach = Reach::good;
  held.proxy.upstream.at(3001).behaviour = {};
  TestClient& client = held.proxy.connect();
  client.send("GET /away HTTP/1.1\r\nHost: a\r\n\r\n");
  held.proxy.advance(50s);
  CHECK(client.unread().empty());
}

TEST_CASE("socket admission: a client stands in line once; what it opens behind that shares its limit") {
  const std::string text =
      SocketFixture::yaml("{ ping_interval: none, admission: { rate: 1/s, burst: 1, wait: 5s } }", "");
  ProxyFixture proxy(text);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  const auto open = [&](const std::string& address) -> TestClient& {
    TestClient& client = proxy.connect({.address = address});
    client.send(SocketFixture::handshake_text(""));
    return client;
  };
  CHECK(open("203.0.113.1").response().status() == 101);
  std::vector<TestClient*> others;
  for (int i = 2; i < 5; ++i) others.push_back(&open("203.0.113." + std::to_string(i)));
  TestClient& first = open("203.0.113.9");  // the fourth in the queue
  proxy.advance(3500ms);
  CHECK(first.unread().empty());
  proxy.advance(600ms);
  CHECK(first.response().status() == 101);
  // 4.1 s have passed: nine tenths of the client's five seconds are left, however long others may wait.
  open("203.0.113.8");
  TestClient& second = open("203.0.113.9");
  CHECK(second.response().status() == 503);
  CHECK(proxy.log.last("exchange")["cause"] == "overloaded");
  TestClient& stranger = open("203.0.113.7");
  proxy.advance(2100ms);
  CHECK(stranger.response().status() == 101);
  proxy.advance(5s);  // the queue is empty
  CHECK(open("203.0.113.9").response().status() == 101);
}

TEST_CASE("socket admission: a client that opens many keeps nobody else out of the line") {
  ProxyFixture proxy(
      SocketFixture::yaml("{ ping_interval: none, admission: { rate: 10/s, burst: 1, wait: 4s } }", ""));
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  const auto open = [&](const std::string& address) -> TestClient& {
    TestClient& client = proxy.connect({.address = address});
    client.send(SocketFixture::handshake_text(""));
    return client;
  };
  size_t refused = 0;
  for (int i = 0; i < 100; ++i) refused += !open("203.0.113.1").unread().empty() ? 1 : 0;
  CHECK(refused >= 75);  // one at once, and half of the queue
  std::vector<TestClient*> others;
  for (int i = 2; i < 12; ++i) others.push_back(&open("203.0.113." + std::to_string(i)));
  proxy.advance(4s);
  for (TestClient* other : others) CHECK(other->response().status() == 101);
}

TEST_CASE(
    "socket connect: the time that a page waits for an endpoint that cannot be reached it waits in full "
    "once") {
  const std::string two = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  away: { endpoints: ["http://127.0.0.1:3001"] }
  healthy: { endpoints: ["http://127.0.0.1:3002"] }
routes:
  - { name: away, match: { path: /away }, upstream: away }
  - { name: healthy, match: { path: /healthy }, upstream: healthy }
)";
  Held held(two);
  held.proxy.upstream.at(3001).reach = Reach::silent;
  CHECK(held.answer(held.open("/away", page)).first >= 4900ms);
  for (int i = 0; i < 3; ++i) {
    const auto [waited, status] = held.answer(held.open("/away", page));
    CHECK(waited <= 1s);
    CHECK(status == 504);
    CHECK(held.proxy.log.last("exchange")["cause"] == "upstream_timed_out");
  }
  CHECK(held.answer(held.open("/healthy", page)).second == 101);
  // A client that is not a page opens all its sockets at once and waits for the full time; so does another
  // page.
  CHECK(held.answer(held.open("/away")).first >= 4900ms);
  CHECK(held.answer(held.open("/away", page, "203.0.113.2")).first >= 4900ms);
  // The endpoint is back: what was remembered is forgotten.
  held.proxy.upstream.at(3001).reach = Reach::good;
  CHECK(held.answer(held.open("/away", page)).second == 101);
  held.proxy.upstream.at(3001).reach = Reach::silent;
  held.proxy.upstream.at(3001).last().reset();
  held.proxy.settle();
  CHECK(held.answer(held.open("/away", page, "203.0.113.3")).first >= 4900ms);
}
