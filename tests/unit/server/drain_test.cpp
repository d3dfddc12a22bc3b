#include "server/drain.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "support/socket_fixture.h"
#include "websocket/frame_walker.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view handshake =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
    "13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// A worker with `count` open tunnels.
struct Tunnelling final : private server::Acceptor::Owner, private tunnel::TunnelSet::Owner {
  explicit Tunnelling(int count) {
    proxy.tunnels.set_owner(*this);
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    for (int i = 0; i < count; ++i) {
      TestClient& client = proxy.connect();
      client.send(handshake);
      REQUIRE(client.response().status() == 101);
    }
  }
  // Connects as a page, which receives a refusal as a Close frame.
  TestClient& page(std::string_view path) {
    TestClient& client = proxy.connect();
    client.send(SocketFixture::handshake_text("Origin: http://a.example\r\n", path));
    return client;
  }
  // The number of clients that received a Close.
  size_t told() {
    const auto goodbye = websocket::close_frame(1001, "the gateway is shutting down");
    return static_cast<size_t>(
        std::count_if(proxy.clients.begin(), proxy.clients.end(),
                      [&](const auto& client) { return client->unread() == goodbye.text(); }));
  }
  void on_connections_gone() override {}
  void on_tunnels_gone() override {}
  void on_refused_gone() override { ++told_no_refusals; }

  int told_no_refusals = 0;
  ProxyFixture proxy;
  server::Acceptor acceptor{proxy.current, static_cast<server::Acceptor::Owner&>(*this)};
  server::Drain drain{proxy.current, acceptor};
};

}  // namespace

TEST_CASE("drain: tunnels are told 1001 at a pace, all of them within half the time") {
  Tunnelling worker(40);
  worker.drain.begin(4s);  // twenty steps of 100 ms: two tunnels at a time
  CHECK(worker.drain.begun());
  worker.proxy.advance(20ms);
  CHECK(worker.told() == 2);
  worker.proxy.advance(1s);
  CHECK(worker.told() >= 16);
  CHECK(worker.told() <= 24);
  worker.proxy.advance(1500ms);
  CHECK(worker.told() == 40);
  CHECK_FALSE(worker.drain.complete());
  for (const auto& client : worker.proxy.clients) client->peer().leave();
  worker.proxy.advance(2s);  // the time that a silent endpoint has
  CHECK(worker.drain.complete());
}

TEST_CASE("drain: what is left at the deadline is cut, and the log says how much") {
  Tunnelling worker(3);
  worker.drain.begin(150ms);
  worker.proxy.advance(100ms);
  CHECK_FALSE(worker.drain.complete());
  worker.proxy.advance(300ms);
  CHECK(worker.drain.complete());
  CHECK(worker.proxy.tunnels.size() == 0);
  CHECK(worker.proxy.upstream.open_count() == 0);
  CHECK(worker.proxy.log.line("drain_deadline_passed")["tunnels"] == 3);
  CHECK(worker.proxy.log.last("tunnel_close")["cause"] == "shutting_down");
}

TEST_CASE("drain: pages that are being refused get their Close at once, and are waited for") {
  Tunnelling worker(0);
  worker.proxy.adopt(R"(
listeners: [{ address: "127.0.0.1:0" }]
websocket: { refuse: close }
routes: [{ name: all, upstream: "http://127.0.0.1:3001" }]
)");
  worker.proxy.upstream.at(3001).behaviour = answers(response_text("no", "", "403 Forbidden"));
  TestClient& before = worker.page("/ws");
  CHECK(before.response().status() == 101);
  CHECK(before.unread().empty());
  worker.drain.begin(30s);
  worker.proxy.settle();
  CHECK(websocket::read_close(before.take_unread().substr(2)).code == 4403);
  CHECK(before.ended());
  CHECK_FALSE(worker.drain.complete());
  before.peer().leave();
  worker.proxy.settle();
  CHECK(worker.drain.complete());
  CHECK(worker.told_no_refusals == 1);

  TestClient& after = worker.page("/ws");
  worker.proxy.advance(500ms);  // the pause before a second refusal
  CHECK(after.response().status() == 101);
  CHECK(websocket::read_close(after.take_unread().substr(2)).code == 4403);
  CHECK_FALSE(worker.drain.complete());
  worker.proxy.advance(2100ms);  // the time that a client has to leave
  CHECK(worker.drain.complete());
  CHECK(worker.told_no_refusals == 2);
}

TEST_CASE("drain: an upgrade that is held at the deadline gets its 101 and its Close") {
  Tunnelling worker(0);
  worker.proxy.adopt(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3002"], hold: { time: 60s } } }
websocket: { refuse: close }
routes: [{ name: all, upstream: app }]
)");
  worker.proxy.upstream.at(3002).reach = Reach::refused;
  TestClient& held = worker.page("/ws");
  worker.drain.begin(150ms);
  worker.proxy.advance(100ms);
  CHECK(held.unread().empty());
  held.connection().cancel(base::Cause::shutting_down);  // as the acceptor's deadline does
  worker.proxy.advance(60ms);
  CHECK(held.response().status() == 101);
  CHECK(websocket::read_close(held.take_unread().substr(2)).code == 1013);
  CHECK_FALSE(worker.drain.complete());
  const base::Json line = worker.proxy.log.line("exchange");
  CHECK(line["cause"] == "shutting_down");
  CHECK(line["close_code"] == 1013);
  held.peer().leave();
  worker.proxy.settle();
  CHECK(worker.drain.complete());
}

TEST_CASE("drain: with nothing to wait for it is complete at once") {
  Tunnelling worker(0);
  worker.drain.begin(30s);
  worker.proxy.advance(50ms);
  CHECK(worker.drain.complete());
}
