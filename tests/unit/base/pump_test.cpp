#include "base/pump.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using namespace std::chrono_literals;
using postern::support::TurnFixture;
using postern::support::WatchedTask;
using Pumping = WatchedTask<Result<Pumped>>;

Chunk chunk(std::string_view text) { return Chunk::copy_of(text); }

std::string take_all(Channel& channel) {
  std::string text;
  while (channel.has_bytes()) text += channel.take().text();
  return text;
}

}  // namespace

TEST_CASE("pump: it moves everything, counts it, and leaves the sink open") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits;
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("some "));
  turns.settle();
  from.push(chunk("bytes"));
  from.end();
  turns.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().has_value());
  CHECK(take_all(to) == "some bytes");
  CHECK(moved == 10);
  CHECK_FALSE(to.closed());
}

TEST_CASE("pump: it takes no more than the sink has room for") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from(1'000'000);
  Channel to(1000);
  uint64_t moved = 0;
  const PumpLimits limits;
  for (int i = 0; i < 100; ++i) from.push(chunk(std::string(100, 'x')));
  from.end();
  Pumping pumping(pump(scope, from, to, limits, moved));
  turns.settle();
  CHECK(to.bytes() == 1000);
  CHECK(moved == 1000);
  std::string all;
  while (!pumping.ended()) {
    REQUIRE(to.has_bytes());
    CHECK(to.bytes() <= 1000);
    all += take_all(to);
    turns.settle();
  }
  all += take_all(to);
  CHECK(all == std::string(10'000, 'x'));
  CHECK(moved == 10'000);
}

TEST_CASE("pump: a silent source is blamed after the idle limit, at the pump's stage") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::response_body,
                          .source = {10s, Cause::upstream_timed_out},
                          .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 5; ++i) {
    turns.advance(9s);
    REQUIRE_FALSE(pumping.ended());
    from.push(chunk("x"));
  }
  turns.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  turns.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::upstream_timed_out, Stage::response_body});
  CHECK(moved == 5);
}

TEST_CASE("pump: a sink that takes nothing is blamed after the idle limit") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::response_body,
                          .source = {10s, Cause::upstream_timed_out},
                          .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  turns.settle();
  turns.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  turns.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_timed_out, Stage::response_body});
}

TEST_CASE("pump: after the sink has taken, the source is to blame again, and for a whole limit") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.source = {10s, Cause::upstream_timed_out}, .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  turns.advance(9s);
  CHECK(take_all(to) == "full");
  turns.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  turns.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause == Cause::upstream_timed_out);
}

TEST_CASE("pump: a body may be as large as the limit, and not one byte larger") {
  for (const size_t size : {size_t{1000}, size_t{1001}}) {
    CAPTURE(size);
    TurnFixture turns;
    Scope scope(turns.turn);
    Channel from;
    Channel to;
    uint64_t moved = 0;
    const PumpLimits limits{.stage = Stage::request_body, .bytes_max = 1000};
    Pumping pumping(pump(scope, from, to, limits, moved));
    from.push(chunk(std::string(500, 'a')));
    from.push(chunk(std::string(size - 500, 'b')));
    from.end();
    turns.settle();
    REQUIRE(pumping.ended());
    if (size == 1000) {
      CHECK(pumping.outcome().has_value());
      CHECK(to.bytes() == 1000);
    } else {
      REQUIRE_FALSE(pumping.outcome());
      CHECK(pumping.outcome().error() == Error{Cause::body_too_large, Stage::request_body});
      CHECK(to.bytes() == 500);  // the excess is not forwarded
    }
  }
}

TEST_CASE("pump: an aborted source fails it with the source's cause") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::request_body};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("begun"));
  turns.settle();
  from.abort(Error{Cause::client_closed, Stage::accept});
  turns.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_closed, Stage::request_body});
  CHECK(moved == 5);
}

TEST_CASE("pump: cancelling its scope ends it wherever it waits") {
  for (const bool full : {false, true}) {
    CAPTURE(full);
    TurnFixture turns;
    Scope scope(turns.turn);
    Channel from;
    Channel to(1);
    uint64_t moved = 0;
    const PumpLimits limits;
    Pumping pumping(pump(scope, from, to, limits, moved));
    if (full) from.push(chunk("x"));
    turns.settle();
    scope.cancel(Cause::shutting_down);
    turns.settle();
    REQUIRE(pumping.ended());
    CHECK(pumping.outcome().error().cause == Cause::shutting_down);
  }
}

TEST_CASE("pump: a sink that was discarded swallows the rest") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits;
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  turns.settle();
  to.discard();
  for (int i = 0; i < 10; ++i) from.push(chunk("more"));
  from.end();
  turns.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().has_value());
  CHECK(moved == 44);
}

TEST_CASE("pump: a source that drips is blamed when its average falls below the rate") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::request_body,
                          .source = {20s, Cause::client_timed_out, 100, Cause::client_too_slow},
                          .sink = {}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 3; ++i) {  // 20 s without bytes and 8 s for 800 bytes
    turns.advance(9s);
    REQUIRE_FALSE(pumping.ended());
    from.push(chunk(std::string(i == 0 ? 798 : 1, 'x')));
  }
  turns.advance(900ms);
  REQUIRE_FALSE(pumping.ended());
  turns.advance(200ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_too_slow, Stage::request_body});
}

TEST_CASE("pump: a source that keeps the rate goes on for ever, and may stand still meanwhile") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.source = {60s, Cause::client_timed_out, 100, Cause::client_too_slow}, .sink = {}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 100; ++i) {
    from.push(chunk(std::string(5000, 'x')));
    turns.advance(50s);
    REQUIRE_FALSE(pumping.ended());
    take_all(to);
  }
  turns.advance(11s);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause ==
        Cause::client_timed_out);  // silent for a minute, however fast before
}

TEST_CASE("pump: the time that the other side takes is not held against a slow one") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.source = {no_limit, Cause::upstream_timed_out},
                          .sink = {20s, Cause::client_timed_out, 1000, Cause::client_too_slow}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 50; ++i) {  // an event now and then, taken at once
    from.push(chunk("event"));
    turns.settle();
    CHECK(take_all(to) == "event");
    turns.advance(30s);
    REQUIRE_FALSE(pumping.ended());
  }
  // Then some that it takes slowly: 20 s are allowed, and a quarter of a second for the events before.
  for (int i = 0; i < 2; ++i) {
    from.push(chunk("event"));
    turns.advance(i == 0 ? 10s : 10'100ms);
    REQUIRE_FALSE(pumping.ended());
    CHECK(take_all(to) == "event");
  }
  from.push(chunk("event"));
  turns.advance(300ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause == Cause::client_too_slow);
}

TEST_CASE("pace: a body of many terabytes never runs out of time") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Phase phase(scope, Stage::response_body, no_limit);
  const PaceRules rules{10s, Cause::client_timed_out, 1, Cause::client_too_slow};
  Pace pace(turns.turn, phase, rules);
  pace.begin_wait(uint64_t{1} << 62);
  turns.advance(9s);
  CHECK_FALSE(scope.failure());
  turns.advance(1100ms);
  REQUIRE(scope.failure());
  CHECK(scope.failure()->cause == Cause::client_timed_out);
}

namespace {

// A peer that acknowledges what was written to it as a test decides, in steps or byte by byte.
struct Taker final : TransitSource {
  uint64_t written = 0;  // bytes written to it in total
  uint64_t taken = 0;    // bytes that it has acknowledged
  Transit transit() const override { return {taken, static_cast<size_t>(written - taken)}; }
  void take(uint64_t bytes) { taken += std::min(bytes, written - taken); }
};

// A large body whose sink never has room: only its acknowledgements show what the reader does.
struct StuckSink {
  explicit StuckSink(uint64_t rate, uint64_t pushed = 1'000'000) {
    from.push(chunk(std::string(pushed, 'x')));
    taker.written = pushed;
    limits = {.stage = Stage::response_body,
              .source = {60s, Cause::upstream_timed_out},
              .sink = {60s, Cause::client_timed_out, rate, Cause::client_too_slow, &taker}};
    pumping.emplace(pump(scope, from, to, limits, moved));
    turns.settle();
  }
  // The reader takes `bytes` after each `every`, for `time`; false: the pump gave up.
  bool read(uint64_t bytes, Duration every, Duration time) {
    for (Duration at{}; at < time && !pumping->ended(); at += every) {
      turns.advance(every);
      taker.take(bytes);
    }
    return !pumping->ended();
  }
  // How much longer the pump waits.
  Duration left() {
    const Instant began = turns.turn.now;
    REQUIRE(turns.advance_until([&] { return pumping->ended(); }, std::chrono::hours(2)));
    return turns.turn.now - began;
  }
  Cause cause() { return pumping->outcome().error().cause; }

  TurnFixture turns;
  Scope scope{turns.turn};
  Channel from{10'000'000};
  Channel to{1};
  Taker taker;
  uint64_t moved = 0;
  PumpLimits limits;
  std::optional<Pumping> pumping;
};

}  // namespace

TEST_CASE("pump: a reader that takes bytes all the time keeps its time, though no room is made") {
  StuckSink drip(240);
  CHECK(drip.read(250, 1s, 1h));
  StuckSink fast(240, 9'000'000);
  CHECK(fast.read(700 * 10, 10s, 1h));
}

TEST_CASE("pump: a window that opens in steps of 64 KiB is progress at the rate that it makes") {
  StuckSink sink(240);
  sink.taker.take(64 * 1024);                        // fills the reader's buffer at once
  CHECK(sink.read(64 * 1024, 65536s / 250, 3600s));  // 262 s each
}

TEST_CASE("pump: a reader below the rate is cut, and named slow") {
  StuckSink sink(240);
  CHECK_FALSE(sink.read(100, 1s, 1h));
  CHECK(sink.cause() == Cause::client_too_slow);
  StuckSink ahead(240);
  ahead.taker.take(200'000);  // into its system's buffers, before the first wait
  CHECK_FALSE(ahead.read(100, 1s, 1h));
  CHECK(ahead.cause() == Cause::client_too_slow);
}

TEST_CASE("pump: a reader that takes nothing is cut in bounded time, and named silent") {
  StuckSink never(240);
  CHECK(never.left() < 61s);
  CHECK(never.cause() == Cause::client_timed_out);
  for (const uint64_t first : {uint64_t{70'000}, uint64_t{900'000}}) {
    CAPTURE(first);
    StuckSink stops(240);
    REQUIRE(stops.read(first / 10, 1s, 10s));
    const Duration left = stops.left();
    CHECK(left > 60s);
    CHECK(left < 8s + 60s + 274s);  // the time may include a step of the window
    CHECK(stops.cause() == Cause::client_timed_out);
  }
}

TEST_CASE(
    "pump: without a rate a reader may be as slow as it likes, but not stand still for longer than idle") {
  StuckSink sink(0);
  CHECK(sink.read(1, 50s, 1h));
  const Duration left = sink.left();
  CHECK(left > 50s);
  CHECK(left < 69s);
  CHECK(sink.cause() == Cause::client_timed_out);
  StuckSink stops(0);
  REQUIRE(stops.read(10'000, 1s, 10s));
  CHECK(stops.left() < 69s);
}
