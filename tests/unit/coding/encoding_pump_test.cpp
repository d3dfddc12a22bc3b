#include "coding/encoding_pump.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "support/decoded.h"
#include "support/http_text.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using namespace postern::coding;
using namespace std::chrono_literals;
using postern::support::decode;
using postern::support::TurnFixture;
using postern::support::WatchedTask;
using Pumping = WatchedTask<Result<Pumped>>;

const std::vector<Coding> all{Coding::gzip, Coding::brotli, Coding::zstd};

std::string take_all(Channel& channel) {
  std::string text;
  while (channel.has_bytes()) text += channel.take().text();
  return text;
}

struct Rig {
  explicit Rig(Coding the_coding) : coding(the_coding), encoder(make_encoder(the_coding, {}, std::nullopt)) {}
  void begin() { pumping.begin(pump_encoded(scope, from, to, *encoder, limits, moved)); }
  // What can be decoded of everything that was sent.
  std::string readable() {
    sent += take_all(to);
    return decode(coding, sent)->body;
  }
  bool complete() { return decode(coding, sent)->complete; }

  TurnFixture turns;
  Scope scope{turns.turn};
  Channel from;
  Channel to;
  Coding coding;
  std::unique_ptr<Encoder> encoder;
  PumpLimits limits{.stage = Stage::response_body,
                    .source = {10s, Cause::upstream_timed_out},
                    .sink = {10s, Cause::client_timed_out}};
  uint64_t moved = 0;
  std::string sent;
  Pumping pumping;
};

}  // namespace

TEST_CASE("encoding pump: what the source has given does not wait for what it has not") {
  for (const Coding coding : all) {
    CAPTURE(token(coding));
    Rig rig(coding);
    rig.begin();
    for (int i = 0; i < 3; ++i) {
      rig.from.push(Chunk::copy_of("event " + std::to_string(i) + "\n"));
      rig.turns.settle();
      CHECK(rig.readable().ends_with("event " + std::to_string(i) + "\n"));
      CHECK_FALSE(rig.complete());
    }
    rig.from.end();
    rig.turns.settle();
    REQUIRE(rig.pumping.ended());
    CHECK(rig.pumping.outcome().has_value());
    CHECK(rig.readable() == "event 0\nevent 1\nevent 2\n");
    CHECK(rig.complete());
    CHECK(rig.moved == rig.sent.size());
    CHECK_FALSE(rig.to.closed());
  }
}

TEST_CASE("encoding pump: while more is at hand nothing is flushed") {
  for (const Coding coding : all) {
    CAPTURE(token(coding));
    Rig fast(coding);
    Rig slow(coding);
    slow.begin();
    for (int i = 0; i < 200; ++i) {
      const std::string piece = "line " + std::to_string(i) + " of many that look alike\n";
      fast.from.push(Chunk::copy_of(piece));
      slow.from.push(Chunk::copy_of(piece));
      slow.turns.settle();
    }
    fast.begin();
    fast.turns.settle();
    CHECK(fast.readable() == slow.readable());
    CHECK(fast.sent.size() * 2 < slow.sent.size());
  }
}

TEST_CASE("encoding pump: a source that is cut leaves a body that cannot be taken for whole") {
  for (const Coding coding : all) {
    CAPTURE(token(coding));
    Rig rig(coding);
    rig.begin();
    rig.from.push(Chunk::copy_of("the first half, "));
    rig.turns.settle();
    rig.from.push(Chunk::copy_of("and a little more"));
    rig.from.abort({Cause::upstream_closed, Stage::response_body});
    rig.turns.settle();
    REQUIRE(rig.pumping.ended());
    REQUIRE_FALSE(rig.pumping.outcome().has_value());
    CHECK(rig.pumping.outcome().error() == Error{Cause::upstream_closed, Stage::response_body});
    CHECK(rig.readable().starts_with("the first half, "));
    CHECK_FALSE(rig.complete());
  }
}

TEST_CASE("encoding pump: it takes no more than the sink has room for") {
  Rig rig(Coding::gzip);
  std::string noise;
  uint64_t state = 1;
  for (int i = 0; i < 1'000'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  postern::support::in_pieces(noise, [&](std::string_view piece) { rig.from.push(Chunk::copy_of(piece)); });
  rig.from.end();
  rig.begin();
  rig.turns.settle();
  CHECK_FALSE(rig.pumping.ended());
  CHECK(rig.to.bytes() < Channel::default_high_water + 64 * 1024);
  while (!rig.pumping.ended()) {
    REQUIRE(rig.to.has_bytes());
    CHECK(rig.to.bytes() < Channel::default_high_water + 64 * 1024);
    rig.sent += take_all(rig.to);
    rig.turns.settle();
  }
  CHECK(rig.readable() == noise);
  CHECK(rig.complete());
}

TEST_CASE("encoding pump: a silent source and a sink that takes nothing are told apart") {
  Rig silent(Coding::zstd);
  silent.begin();
  silent.turns.advance(11s);
  REQUIRE(silent.pumping.ended());
  CHECK(silent.pumping.outcome().error() == Error{Cause::upstream_timed_out, Stage::response_body});

  Rig full(Coding::zstd);
  full.to.push(Chunk::copy_of(std::string(Channel::default_high_water, 'x')));
  full.from.push(Chunk::copy_of("more"));
  full.begin();
  full.turns.advance(11s);
  REQUIRE(full.pumping.ended());
  CHECK(full.pumping.outcome().error() == Error{Cause::client_timed_out, Stage::response_body});
}

TEST_CASE("encoding pump: a cancelled scope ends it") {
  Rig rig(Coding::brotli);
  rig.begin();
  rig.from.push(Chunk::copy_of("some"));
  rig.turns.settle();
  rig.scope.cancel(Cause::client_closed);
  rig.turns.settle();
  REQUIRE(rig.pumping.ended());
  CHECK(rig.pumping.outcome().error().cause == Cause::client_closed);
}
