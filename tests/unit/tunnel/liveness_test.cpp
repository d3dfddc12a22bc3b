#include "tunnel/liveness.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;
using Finding = Liveness::Finding;

namespace {

// A transport of which nothing but its transit is asked.
struct Line final : net::Transport {
  void start(Receiver&) override {}
  void write(base::Chunk) override {}
  void write(base::Bytes) override {}
  size_t backlog() const override { return 0; }
  void tell_when_sent() override {}
  void pause() override {}
  void resume() override {}
  void abort() override {}
  void finish() override {}
  void unread(base::Chunk) override {}
  const net::Peer& peer() const override { return peer_; }
  Transit transit() const override { return now; }

  Transit now{};
  net::Peer peer_{};
};

struct Watched {
  Finding look(base::Duration passed, bool at_boundary = true, bool is_read = true) {
    now += passed;
    return liveness.look(rules, line, at_boundary, is_read, now);
  }

  routing::SocketRules rules{.ping_interval = 25s, .pong_timeout = 20s};
  Line line;
  base::Instant now = base::Instant{} + 1h;
  Liveness liveness{now};
};

}  // namespace

TEST_CASE("liveness: a side that is silent for the interval gets a ping, and is silent without an answer") {
  Watched side;
  CHECK(side.look(24s) == Finding::alive);
  CHECK(side.look(1s) == Finding::ping);
  CHECK(side.look(19s) == Finding::alive);
  CHECK(side.look(1s) == Finding::silent);
}

TEST_CASE("liveness: what it sends is an answer, whatever it is") {
  Watched side;
  CHECK(side.look(25s) == Finding::ping);
  side.liveness.hear(side.now);
  CHECK(side.liveness.heard() == side.now);
  CHECK(side.look(20s) == Finding::alive);
  CHECK(side.look(5s) == Finding::ping);
}

TEST_CASE("liveness: pongs to pings of the gateway are told from others, and counted") {
  Watched side;
  CHECK_FALSE(side.liveness.take_pong(Liveness::ping_payload));  // nothing was asked
  CHECK(side.look(25s) == Finding::ping);
  CHECK_FALSE(side.liveness.take_pong("another"));
  CHECK(side.liveness.take_pong(Liveness::ping_payload));
  CHECK_FALSE(side.liveness.take_pong(Liveness::ping_payload));
}

TEST_CASE("liveness: behind a backlog a side is alive while it takes some of it") {
  Watched side;
  side.line.now = {.acknowledged = 100, .outstanding = 5'000};
  CHECK(side.look(25s) == Finding::ping);
  side.line.now = {.acknowledged = 200, .outstanding = 4'900};
  CHECK(side.look(20s) == Finding::alive);
  CHECK(side.look(19s) == Finding::alive);
  CHECK(side.look(1s) == Finding::silent);  // nothing more was taken
}

TEST_CASE("liveness: within a frame its outstanding bytes test the side, and no ping is inserted") {
  Watched side;
  CHECK(side.look(30s, false) == Finding::alive);  // nothing is outstanding: there is nothing to test it by
  side.line.now = {.acknowledged = 100, .outstanding = 5'000};
  CHECK(side.look(1s, false) == Finding::alive);
  CHECK(side.look(20s, false) == Finding::silent);
}

TEST_CASE("liveness: a side that took a frame's outstanding bytes owes no pong") {
  Watched side;
  side.line.now = {.acknowledged = 100, .outstanding = 5'000};
  CHECK(side.look(30s, false) == Finding::alive);
  side.line.now = {.acknowledged = 5'100, .outstanding = 0};
  CHECK(side.look(20s) == Finding::alive);
  CHECK(side.liveness.heard() == side.now);
}

TEST_CASE("liveness: of a side that is not read it is enough that its system took the ping") {
  Watched side;
  CHECK(side.look(25s, true, false) == Finding::ping);
  CHECK(side.look(20s, true, false) == Finding::alive);
}

TEST_CASE("liveness: the next look is when a ping is due, or its answer") {
  Watched side;
  CHECK(side.liveness.due(side.rules, side.now) == side.now + 25s);
  CHECK(side.look(25s) == Finding::ping);
  CHECK(side.liveness.due(side.rules, side.now) == side.now + 20s);
  CHECK(side.liveness.due(side.rules, side.now + 30s) ==
        side.now + 31s);  // it was late, or could not be asked
}
