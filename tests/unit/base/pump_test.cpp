#include "base/pump.h"

#include <doctest/doctest.h>

#include <string>

#include "support/watched_story.h"
#include "support/world.h"

namespace {

using namespace postern::base;
using namespace std::chrono_literals;
using postern::support::WatchedStory;
using postern::support::World;
using Pumping = WatchedStory<Result<Pumped>>;

Chunk chunk(std::string_view text) { return Chunk::copy_of(text); }

std::string take_all(Channel& channel) {
  std::string text;
  while (channel.has_bytes()) text += channel.take().text();
  return text;
}

}  // namespace

TEST_CASE("pump: it moves everything, counts it, and leaves the sink open") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits;
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("some "));
  world.settle();
  from.push(chunk("bytes"));
  from.end();
  world.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().has_value());
  CHECK(take_all(to) == "some bytes");
  CHECK(moved == 10);
  CHECK_FALSE(to.closed());
}

TEST_CASE("pump: it takes no more than the sink has room for") {
  World world;
  Scope scope(world.turn);
  Channel from(1'000'000);
  Channel to(1000);
  uint64_t moved = 0;
  const PumpLimits limits;
  for (int i = 0; i < 100; ++i) from.push(chunk(std::string(100, 'x')));
  from.end();
  Pumping pumping(pump(scope, from, to, limits, moved));
  world.settle();
  CHECK(to.bytes() == 1000);
  CHECK(moved == 1000);
  std::string all;
  while (!pumping.ended()) {
    REQUIRE(to.has_bytes());
    CHECK(to.bytes() <= 1000);
    all += take_all(to);
    world.settle();
  }
  all += take_all(to);
  CHECK(all == std::string(10'000, 'x'));
  CHECK(moved == 10'000);
}

TEST_CASE("pump: a silent source is blamed after the idle limit, at the pump's stage") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::response_body,
                          .source = {10s, Cause::upstream_timed_out},
                          .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 5; ++i) {
    world.advance(9s);
    REQUIRE_FALSE(pumping.ended());
    from.push(chunk("x"));
  }
  world.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  world.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::upstream_timed_out, Stage::response_body});
  CHECK(moved == 5);
}

TEST_CASE("pump: a sink that takes nothing is blamed after the idle limit") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::response_body,
                          .source = {10s, Cause::upstream_timed_out},
                          .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  world.settle();
  world.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  world.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_timed_out, Stage::response_body});
}

TEST_CASE("pump: after the sink has taken, the source is to blame again, and for a whole limit") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.source = {10s, Cause::upstream_timed_out}, .sink = {10s, Cause::client_timed_out}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  world.advance(9s);
  CHECK(take_all(to) == "full");
  world.advance(9s);
  REQUIRE_FALSE(pumping.ended());
  world.advance(1100ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause == Cause::upstream_timed_out);
}

TEST_CASE("pump: a body may be as large as the limit, and not one byte larger") {
  for (const size_t size : {size_t{1000}, size_t{1001}}) {
    CAPTURE(size);
    World world;
    Scope scope(world.turn);
    Channel from;
    Channel to;
    uint64_t moved = 0;
    const PumpLimits limits{.stage = Stage::request_body, .bytes_max = 1000};
    Pumping pumping(pump(scope, from, to, limits, moved));
    from.push(chunk(std::string(500, 'a')));
    from.push(chunk(std::string(size - 500, 'b')));
    from.end();
    world.settle();
    REQUIRE(pumping.ended());
    if (size == 1000) {
      CHECK(pumping.outcome().has_value());
      CHECK(to.bytes() == 1000);
    } else {
      REQUIRE_FALSE(pumping.outcome());
      CHECK(pumping.outcome().error() == Error{Cause::body_too_large, Stage::request_body});
      CHECK(to.bytes() == 500);  // what is too much is not passed on
    }
  }
}

TEST_CASE("pump: an aborted source fails it with the source's cause") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::request_body};
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("begun"));
  world.settle();
  from.abort(Error{Cause::client_closed, Stage::accept});
  world.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_closed, Stage::request_body});
  CHECK(moved == 5);
}

TEST_CASE("pump: cancelling its scope ends it wherever it waits") {
  for (const bool full : {false, true}) {
    CAPTURE(full);
    World world;
    Scope scope(world.turn);
    Channel from;
    Channel to(1);
    uint64_t moved = 0;
    const PumpLimits limits;
    Pumping pumping(pump(scope, from, to, limits, moved));
    if (full) from.push(chunk("x"));
    world.settle();
    scope.cancel(Cause::shutting_down);
    world.settle();
    REQUIRE(pumping.ended());
    CHECK(pumping.outcome().error().cause == Cause::shutting_down);
  }
}

TEST_CASE("pump: a sink that was discarded swallows the rest") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits;
  Pumping pumping(pump(scope, from, to, limits, moved));
  from.push(chunk("full"));
  world.settle();
  to.discard();
  for (int i = 0; i < 10; ++i) from.push(chunk("more"));
  from.end();
  world.settle();
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().has_value());
  CHECK(moved == 44);
}

TEST_CASE("pump: a source that drips is blamed when its average falls below the rate") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.stage = Stage::request_body,
                          .source = {20s, Cause::client_timed_out, 100, Cause::client_too_slow},
                          .sink = {}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 3; ++i) {  // 20 s for nothing and 8 s for 800 bytes
    world.advance(9s);
    REQUIRE_FALSE(pumping.ended());
    from.push(chunk(std::string(i == 0 ? 798 : 1, 'x')));
  }
  world.advance(900ms);
  REQUIRE_FALSE(pumping.ended());
  world.advance(200ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error() == Error{Cause::client_too_slow, Stage::request_body});
}

TEST_CASE("pump: a source that keeps the rate goes on for ever, and may stand still meanwhile") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to;
  uint64_t moved = 0;
  const PumpLimits limits{.source = {60s, Cause::client_timed_out, 100, Cause::client_too_slow}, .sink = {}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 100; ++i) {
    from.push(chunk(std::string(5000, 'x')));
    world.advance(50s);
    REQUIRE_FALSE(pumping.ended());
    take_all(to);
  }
  world.advance(11s);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause ==
        Cause::client_timed_out);  // silent for a minute, however fast before
}

TEST_CASE("pump: the time that the other side takes is not held against a slow one") {
  World world;
  Scope scope(world.turn);
  Channel from;
  Channel to(4);
  uint64_t moved = 0;
  const PumpLimits limits{.source = {no_limit, Cause::upstream_timed_out},
                          .sink = {20s, Cause::client_timed_out, 1000, Cause::client_too_slow}};
  Pumping pumping(pump(scope, from, to, limits, moved));
  for (int i = 0; i < 50; ++i) {  // an event now and then, taken at once
    from.push(chunk("event"));
    world.settle();
    CHECK(take_all(to) == "event");
    world.advance(30s);
    REQUIRE_FALSE(pumping.ended());
  }
  for (int i = 0; i < 2;
       ++i) {  // and some that it takes its time for: 20 s, and a quarter of a second for the others
    from.push(chunk("event"));
    world.advance(i == 0 ? 10s : 10'100ms);
    REQUIRE_FALSE(pumping.ended());
    CHECK(take_all(to) == "event");
  }
  from.push(chunk("event"));
  world.advance(300ms);
  REQUIRE(pumping.ended());
  CHECK(pumping.outcome().error().cause == Cause::client_too_slow);
}

TEST_CASE("pace: a body of many terabytes never runs out of time") {
  World world;
  Scope scope(world.turn);
  Phase phase(scope, Stage::response_body, no_limit);
  const PaceRules rules{10s, Cause::client_timed_out, 1, Cause::client_too_slow};
  Pace pace(world.turn, phase, rules);
  pace.begin_wait(uint64_t{1} << 62);
  world.advance(9s);
  CHECK_FALSE(scope.failure());
  world.advance(1100ms);
  REQUIRE(scope.failure());
  CHECK(scope.failure()->cause == Cause::client_timed_out);
}
