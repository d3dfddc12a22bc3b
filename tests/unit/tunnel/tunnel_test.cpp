#include "tunnel/tunnel.h"

#include <doctest/doctest.h>

#include <random>

#include "base/error.h"
#include "support/http_text.h"
#include "unit/tunnel/tunnel_fixture.h"

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;
using support::counted_bytes;
using websocket::test::frame;
using websocket::test::server_frame;

namespace {

const std::string client_says = frame(websocket::test::text, "hello");
const std::string upstream_says = server_frame(websocket::test::text, "hello yourself");
const std::string upstream_died = close_text(1014, "the upstream closed the connection");

}  // namespace

TEST_CASE("tunnel: bytes pass both ways unchanged, in whatever pieces they come") {
  std::string up;
  std::string down;
  for (const size_t size : {0, 1, 125, 126, 5'000, 14'000}) {
    up += frame(websocket::test::binary, counted_bytes(size, 1));
    down += server_frame(websocket::test::binary, counted_bytes(size, 2));
  }
  for (const std::vector<size_t>& pieces : {std::vector<size_t>{}, {1}, {2, 777, 1}, {1460}}) {
    TunnelFixture tunnel;
    tunnel.client.from().pieces = pieces;
    tunnel.upstream.from().pieces = pieces;
    tunnel.client.peer.send(up);
    tunnel.upstream.peer.send(down);
    tunnel.turns.settle();
    CHECK(tunnel.upstream.peer.heard() == up);
    CHECK(tunnel.client.peer.heard() == down);
  }
}

TEST_CASE("tunnel: a closing handshake of the endpoint ends it in order, and the log has the code") {
  TunnelFixture tunnel;
  tunnel.client.peer.send(client_says);
  tunnel.upstream.peer.send(upstream_says + close_text(4000, "done"));
  tunnel.turns.settle();
  tunnel.client.peer.send(frame(websocket::test::goodbye, websocket::test::close_payload(4000)));
  tunnel.turns.settle();
  tunnel.upstream.peer.finish();
  tunnel.turns.settle();
  // And nothing from the gateway.
  CHECK(tunnel.client.peer.heard() == upstream_says + close_text(4000, "done"));
  CHECK(tunnel.client.peer.ended());
  CHECK(tunnel.tunnels.size() == 1);
  tunnel.client.peer.finish();
  tunnel.turns.settle();
  CHECK(tunnel.tunnels.size() == 0);
  CHECK(tunnel.client.dropped());
  CHECK(tunnel.upstream.dropped());
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "upstream");
  CHECK(line["cause"].is_null());
  CHECK(line["close_code"] == 4000);
}

TEST_CASE("tunnel: a closing handshake of the client is its own, whoever closes the connection first") {
  TunnelFixture tunnel;
  tunnel.client.peer.send(frame(websocket::test::goodbye, websocket::test::close_payload(1000)));
  tunnel.turns.settle();
  tunnel.upstream.peer.finish();  // an endpoint that answers with the end of the connection only
  tunnel.turns.settle();
  tunnel.client.peer.finish();
  tunnel.turns.settle();
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "client");
  CHECK(line["cause"].is_null());
  CHECK(line["close_code"] == 1000);
  // Instead of the Close that the endpoint did not send.
  CHECK(tunnel.client.peer.heard() == close_text(1000, ""));
}

TEST_CASE("tunnel: half-close passes on, and the other direction goes on") {
  TunnelFixture tunnel;
  tunnel.client.peer.send(client_says);
  tunnel.client.peer.finish();
  tunnel.turns.settle();
  CHECK(tunnel.upstream.peer.heard() == client_says);
  CHECK(tunnel.upstream.peer.ended());
  CHECK_FALSE(tunnel.client.peer.ended());
  tunnel.upstream.peer.send(upstream_says);
  tunnel.turns.settle();
  CHECK(tunnel.client.peer.heard() == upstream_says);
  tunnel.upstream.peer.finish();
  tunnel.turns.settle();
  CHECK(tunnel.client.peer.ended());
  CHECK(tunnel.tunnels.size() == 0);
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "client");
  CHECK(line["cause"] == "client_closed");
}

TEST_CASE("tunnel: the second side does not stay half-closed for long") {
  TunnelFixture tunnel;
  tunnel.client.peer.finish();
  tunnel.turns.advance(9s);
  CHECK(tunnel.tunnels.size() == 1);
  tunnel.turns.advance(2s);
  CHECK(tunnel.tunnels.size() == 0);
  CHECK(tunnel.upstream.dropped());
}

TEST_CASE("tunnel: an endpoint that ends at a frame's boundary lets the client learn 1014") {
  for (const size_t piece : {size_t{1}, size_t{1000}}) {
    TunnelFixture tunnel;
    tunnel.upstream.from().pieces = {piece};
    tunnel.upstream.peer.send(upstream_says);
    tunnel.upstream.peer.finish();
    tunnel.turns.settle();
    CHECK(tunnel.client.peer.heard() == upstream_says + upstream_died);
    CHECK(tunnel.client.peer.ended());
    tunnel.client.peer.finish();
    tunnel.turns.settle();
    const base::Json line = tunnel.log.line("tunnel_close");
    CHECK(line["by"] == "upstream");
    CHECK(line["cause"] == "upstream_closed");
    CHECK(line["meaning"] == base::traits(base::Cause::upstream_closed).meaning);
  }
}

TEST_CASE("tunnel: an endpoint that breaks lets the client learn 1014 too") {
  TunnelFixture tunnel;
  tunnel.upstream.peer.send(upstream_says);
  tunnel.turns.settle();
  tunnel.upstream.peer.reset();
  tunnel.turns.settle();
  CHECK(tunnel.client.peer.heard() == upstream_says + close_text(1014, "the upstream broke the connection"));
  CHECK(tunnel.client.peer.ended());
  CHECK(tunnel.tunnels.size() == 1);  // the client has a moment to answer
  tunnel.turns.advance(3s);
  CHECK(tunnel.tunnels.size() == 0);
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "upstream");
  CHECK(line["cause"] == "upstream_closed");
}

TEST_CASE("tunnel: nothing is put into the middle of a frame, wherever the endpoint dies in it") {
  const std::string large = server_frame(websocket::test::binary, std::string(300, 'x'));
  for (size_t cut = 1; cut < large.size(); cut += cut < 6 ? 1 : 97) {
    for (const bool reset : {false, true}) {
      CAPTURE(cut);
      TunnelFixture tunnel;
      tunnel.upstream.peer.send(upstream_says + large.substr(0, cut));
      tunnel.turns.settle();
      reset ? tunnel.upstream.peer.reset() : tunnel.upstream.peer.finish();
      tunnel.turns.settle();
      // Half a header waits for its other half, and is then discarded.
      const std::string died = close_text(
          1014, reset ? "the upstream broke the connection" : "the upstream closed the connection");
      CHECK(tunnel.client.peer.heard() == upstream_says + (cut < 4 ? died : large.substr(0, cut)));
      CHECK(tunnel.client.peer.ended());
    }
  }
}

TEST_CASE("tunnel: nothing follows a Close frame of the endpoint") {
  TunnelFixture tunnel;
  tunnel.upstream.peer.send(close_text(4001, "go"));
  tunnel.turns.settle();
  tunnel.upstream.peer.reset();
  tunnel.turns.settle();
  CHECK(tunnel.client.peer.heard() == close_text(4001, "go"));
}

TEST_CASE("tunnel: a client that breaks takes the endpoint's connection with it") {
  TunnelFixture tunnel;
  tunnel.client.peer.send(client_says);
  tunnel.turns.settle();
  tunnel.client.peer.reset();
  tunnel.turns.settle();
  CHECK(tunnel.tunnels.size() == 0);
  CHECK(tunnel.upstream.dropped());
  CHECK((tunnel.upstream.peer.ended() || tunnel.upstream.peer.broken()));
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "client");
  CHECK(line["cause"] == "client_closed");
}

TEST_CASE("tunnel: a side that does not read stops the other, and only that direction") {
  for (const bool client_stops : {false, true}) {
    CAPTURE(client_stops);
    TunnelFixture tunnel;
    TunnelEnd& slow = client_stops ? tunnel.client : tunnel.upstream;
    TunnelEnd& fast = client_stops ? tunnel.upstream : tunnel.client;
    slow.to().stalled = true;
    slow.to().capacity = 64 * 1024;
    const std::string much = server_frame(websocket::test::binary, counted_bytes(2'000'000));
    fast.peer.send(much);
    tunnel.turns.settle();
    CHECK(fast.wire->second_paused);
    CHECK_FALSE(slow.wire->second_paused);
    CHECK(fast.from().delivered < 400'000);
    slow.peer.send(client_says);
    tunnel.turns.settle();
    CHECK(fast.peer.heard() == client_says);
    slow.to().stalled = false;
    tunnel.turns.settle();
    CHECK_FALSE(fast.wire->second_paused);
    CHECK(slow.peer.heard() == much);
  }
}

TEST_CASE("tunnel: what waits for a slow client is delivered when the endpoint ends") {
  TunnelFixture tunnel;
  tunnel.client.to().stalled = true;
  tunnel.client.to().capacity = 10'000;
  const std::string much = server_frame(websocket::test::binary, counted_bytes(60'000));
  tunnel.upstream.peer.send(much);
  tunnel.upstream.peer.finish();
  tunnel.turns.settle();
  tunnel.client.to().stalled = false;
  tunnel.turns.settle();
  CHECK(tunnel.client.peer.heard() == much + upstream_died);
  CHECK(tunnel.client.peer.ended());
}

TEST_CASE("tunnel: one that is silent for too long is ended with 1001, one that moves is not") {
  TunnelFixture tunnel(60s);
  for (int i = 0; i < 5; ++i) {
    tunnel.turns.advance(50s);
    i % 2 == 0 ? tunnel.client.peer.send(client_says) : tunnel.upstream.peer.send(upstream_says);
    tunnel.turns.settle();
  }
  CHECK(tunnel.tunnels.size() == 1);
  tunnel.client.peer.take_heard();
  tunnel.turns.advance(59s);
  CHECK(tunnel.client.peer.heard().empty());
  tunnel.turns.advance(2s);
  CHECK(tunnel.client.peer.heard() == close_text(1001, "nothing moved for too long"));
  tunnel.client.peer.finish();
  tunnel.turns.advance(3s);
  CHECK(tunnel.tunnels.size() == 0);
  const base::Json line = tunnel.log.line("tunnel_close");
  CHECK(line["by"] == "gateway");
  CHECK(line["cause"] == "timed_out");
}

TEST_CASE("tunnel: the lines of its beginning and end carry its facts and what passed") {
  TunnelFixture tunnel;
  tunnel.client.peer.send(client_says);
  tunnel.upstream.peer.send(upstream_says);
  tunnel.turns.advance(90s);
  tunnel.client.peer.leave();
  tunnel.turns.advance(20s);
  const base::Json opened = tunnel.log.line("tunnel_open");
  const base::Json closed = tunnel.log.line("tunnel_close");
  for (const base::Json& line : {opened, closed}) {
    CHECK(line["request_id"] == "0123456789abcdef0123456789abcdef");
    CHECK(line["client"] == "203.0.113.9");
    CHECK(line["target"] == "/ws?token=***");
    CHECK(line["route"] == "socket");
    CHECK(line["endpoint"] == "http://127.0.0.1:3001");
    CHECK(line["subprotocol"] == "chat");
  }
  CHECK(opened["duration_ms"] == 3.0);
  CHECK(closed["bytes_to_upstream"] == client_says.size());
  CHECK(closed["bytes_to_client"] == upstream_says.size());
  CHECK(closed["duration_ms"] >= 90'000.0);
}

TEST_CASE("tunnel: one that is not to be logged leaves no line") {
  TunnelFixture tunnel(10min, false);
  tunnel.client.peer.leave();
  tunnel.turns.advance(20s);
  CHECK(tunnel.tunnels.size() == 0);
  CHECK(tunnel.log.text().empty());
}

TEST_CASE("tunnel: but how it failed is always told") {
  TunnelFixture tunnel(10min, false);
  tunnel.upstream.peer.reset();
  tunnel.turns.advance(20s);
  CHECK(tunnel.tunnels.size() == 0);
  CHECK(tunnel.log.line("tunnel_close")["cause"] == "upstream_closed");
}

TEST_CASE("tunnel: the owner of the set hears when the last has ended") {
  struct Owner final : TunnelSet::Owner {
    void on_tunnels_gone() override { ++told; }
    void on_refused_gone() override {}
    int told = 0;
  } owner;
  TunnelFixture tunnel;
  tunnel.tunnels.set_owner(owner);
  TunnelEnd client(tunnel.turns);
  TunnelEnd upstream(tunnel.turns);
  tunnel.tunnels.open(std::move(client.gateway), std::move(upstream.gateway), {}, {}, {});
  client.peer.leave();
  tunnel.turns.advance(20s);
  CHECK(owner.told == 0);
  tunnel.tunnels.cut_all();
  CHECK(owner.told == 1);
  tunnel.turns.settle();
  CHECK(tunnel.client.dropped());
  CHECK(tunnel.log.last("tunnel_close")["cause"] == "shutting_down");
}

TEST_CASE("tunnel: under random faults what arrives is a beginning of what was sent, and nothing is left") {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t limit) { return random() % limit; };
    TunnelFixture tunnel(30s);
    std::string sent[2];
    for (TunnelEnd* end : {&tunnel.client, &tunnel.upstream})
      for (support::Passage* passage : {&end->from(), &end->to()}) {
        if (below(2)) passage->pieces = {1 + below(3), 1 + below(5000)};
        if (below(3) == 0) passage->delay = std::chrono::milliseconds(below(300));
        if (below(3) == 0) passage->capacity = 1000 + below(50'000);
        if (below(8) == 0) passage->reset_at = below(40'000);
        if (below(8) == 0) passage->end_at = below(40'000);
      }
    for (int i = 0; i < 20; ++i) {
      const size_t side = below(2);
      TunnelEnd& end = side == 0 ? tunnel.client : tunnel.upstream;
      const std::string bytes = server_frame(websocket::test::binary, counted_bytes(below(20'000), seed + i));
      sent[side] += bytes;
      end.peer.send(bytes);
      if (below(3) == 0) tunnel.turns.advance(100ms);
    }
    tunnel.turns.advance(100s);
    CHECK(tunnel.tunnels.size() == 0);
    CHECK(tunnel.client.dropped());
    CHECK(tunnel.upstream.dropped());
    CHECK(tunnel.log.lines("tunnel_close").size() == 1);
    // Each side may also have received a Close frame from the gateway; the endpoint's is masked.
    const std::string& up = tunnel.upstream.peer.heard();
    const auto [up_differs, up_expected] =
        std::mismatch(up.begin(), up.end(), sent[0].begin(), sent[0].end());
    const std::string up_rest(up_differs, up.end());
    CHECK((up_rest.empty() || (up_rest[0] == '\x88' && up_rest.size() <= 131)));
    const std::string& heard = tunnel.client.peer.heard();
    const auto [differs, expected] =
        std::mismatch(heard.begin(), heard.end(), sent[1].begin(), sent[1].end());
    const std::string rest(differs, heard.end());
    const bool ours = rest.empty() ||
                      close_text(1014, "the upstream closed the connection").starts_with(rest) ||
                      close_text(1014, "the upstream broke the connection").starts_with(rest) ||
                      close_text(1001, "nothing moved for too long").starts_with(rest);
    CHECK(ours);
  }
}
