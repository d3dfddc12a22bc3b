#include "tunnel/tunnel_set.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "unit/tunnel/tunnel_fixture.h"
#include "unit/upstream/upstream_fixture.h"
#include "upstream/connector.h"

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t stays = 1;
constexpr uint64_t goes = 2;
constexpr DrainRate ten_per_second{0, 10, 60s};

// Tunnels between ends in memory, opened with the given options.
struct Tunnels {
  ~Tunnels() {
    set.cut_all();
    turns.turn.run();
  }
  void open(std::optional<uint64_t> route) {
    clients.push_back(std::make_unique<TunnelEnd>(turns));
    upstreams.push_back(std::make_unique<TunnelEnd>(turns));
    set.open(std::move(clients.back()->gateway), std::move(upstreams.back()->gateway), {},
             TunnelFacts(usual_facts(), true), {.route = route});
    turns.settle();
  }
  void advance(base::Duration duration) {
    turns.advance(duration);
    turns.settle();
  }
  // The indexes of the clients that have received `text`.
  std::vector<size_t> told(const std::string& text) {
    std::vector<size_t> found;
    for (size_t i = 0; i < clients.size(); ++i)
      if (clients[i]->peer.heard() == text) found.push_back(i);
    return found;
  }

  support::TurnFixture turns;
  support::LogCapture log;
  telemetry::Metrics metrics;
  state::ProcessState state;
  TunnelSet set{turns.turn, log.access_log(), metrics, state};
  std::vector<std::unique_ptr<TunnelEnd>> clients;
  std::vector<std::unique_ptr<TunnelEnd>> upstreams;
};

const std::string restart = close_text(1012, "the gateway has a new configuration");
const std::string goodbye = close_text(1001, "the gateway is shutting down");
using Indices = std::vector<size_t>;

}  // namespace

TEST_CASE("tunnel set: a reload closes what it would not have opened, the oldest first, at the pace") {
  Tunnels tunnels;
  for (int i = 0; i < 3; ++i) {
    tunnels.open(goes);
    tunnels.open(stays);
  }
  tunnels.open(std::nullopt);
  CHECK(tunnels.set.adopt({{7, stays}}, ten_per_second) == 3);
  tunnels.advance(20ms);
  CHECK(tunnels.told(restart) == Indices{0});
  tunnels.advance(125ms);
  CHECK(tunnels.told(restart) == Indices{0, 2});
  tunnels.advance(125ms);
  CHECK(tunnels.told(restart) == Indices{0, 2, 4});
  tunnels.advance(10s);  // no answers come
  CHECK(tunnels.set.size() == 4);
  for (const base::Json& line : tunnels.log.lines("tunnel_close")) {
    CHECK(line["by"] == "gateway");
    CHECK(line["cause"] == "route_changed");
  }
}

TEST_CASE("tunnel set: the answer to our Close goes through to the endpoint") {
  Tunnels tunnels;
  tunnels.open(goes);
  tunnels.set.adopt({}, ten_per_second);
  tunnels.advance(20ms);
  const std::string answer =
      websocket::test::frame(websocket::test::goodbye, websocket::test::close_payload(1012));
  tunnels.clients[0]->peer.send(answer);
  tunnels.clients[0]->peer.finish();
  tunnels.advance(0ms);
  CHECK(tunnels.upstreams[0]->peer.heard() == answer);
  CHECK(tunnels.upstreams[0]->peer.ended());
  tunnels.upstreams[0]->peer.finish();
  tunnels.advance(0ms);
  CHECK(tunnels.set.size() == 0);
}

TEST_CASE("tunnel set: one that ends by itself leaves the line") {
  Tunnels tunnels;
  for (int i = 0; i < 3; ++i) tunnels.open(goes);
  tunnels.set.adopt({}, ten_per_second);
  tunnels.advance(20ms);
  tunnels.clients[1]->peer.leave();
  tunnels.advance(125ms);
  CHECK(tunnels.told(restart) == Indices{0, 2});
  CHECK(tunnels.set.adopt({}, ten_per_second) == 0);
}

TEST_CASE("tunnel set: what an older configuration still opens leaves too") {
  Tunnels tunnels;
  CHECK(tunnels.set.adopt({{stays}}, ten_per_second) == 0);
  tunnels.open(goes);
  tunnels.open(stays);
  tunnels.advance(20ms);
  CHECK(tunnels.told(restart) == Indices{0});
}

TEST_CASE(
    "tunnel set: a reload that takes a change back stops nobody who is told, and keeps those in line no "
    "longer") {
  Tunnels tunnels;
  for (int i = 0; i < 3; ++i) tunnels.open(goes);
  tunnels.set.adopt({{stays}}, ten_per_second);
  tunnels.advance(20ms);
  CHECK(tunnels.set.adopt({{stays, goes}}, ten_per_second) == 0);
  tunnels.advance(1s);
  CHECK(tunnels.told(restart) == Indices{0});
}

TEST_CASE("tunnel set: a shutdown closes all, also those in line and those still to come, with 1001") {
  Tunnels tunnels;
  for (int i = 0; i < 2; ++i) tunnels.open(goes);
  tunnels.open(stays);
  tunnels.set.adopt({{stays}}, {0, 1, 60s});
  tunnels.advance(20ms);
  CHECK(tunnels.told(restart) == Indices{0});
  tunnels.set.leave({0, 10, 60s});
  tunnels.open(stays);
  tunnels.advance(1s);
  CHECK(tunnels.told(goodbye) == Indices{1, 2, 3});
}

TEST_CASE("tunnel set: an open socket keeps a permit, and no connection of HTTP/1.1") {
  upstream::UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = support::answers(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  upstream::Lease lease = fixture.connected();
  fixture.exchange(lease);
  std::unique_ptr<net::Transport> endpoint_side = lease->take_tunnel();
  CHECK(fixture.endpoint(0).pool().connection_count() == 1);

  support::LogCapture log;
  telemetry::Metrics metrics;
  state::ProcessState state;
  TunnelSet tunnels(fixture.turns.turn, log.access_log(), metrics, state);
  TunnelEnd client(fixture.turns);
  tunnels.open(std::move(client.gateway), std::move(endpoint_side), std::move(lease),
               TunnelFacts(usual_facts(), true), {.rules = no_pings()});
  CHECK(fixture.endpoint(0).pool().connection_count() == 0);
  CHECK(fixture.endpoint(0).load() == 1);
  CHECK(fixture.upstream.open_count() == 1);

  tunnels.cut_all();
  fixture.turns.settle();
  CHECK(fixture.endpoint(0).load() == 0);
  CHECK(fixture.upstream.open_count() == 0);
}
