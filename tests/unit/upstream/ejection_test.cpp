#include "upstream/ejection.h"

#include <doctest/doctest.h>

#include "unit/upstream/upstream_fixture.h"
#include "upstream/passive_health.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;
using base::Instant;

namespace {

const EjectModel usual;
constexpr Instant start{1h};

// Adds failures until the endpoint is to be ejected, and ejects it.
base::Duration ejected(Ejection& ejection, Instant now, const EjectModel& model = usual) {
  while (!ejection.on_failure(now, model)) continue;
  return ejection.eject(now, model);
}

}  // namespace

TEST_CASE("ejection: only failures in a row count, and only those within the time") {
  Ejection ejection;
  for (int i = 0; i < 4; ++i) CHECK_FALSE(ejection.on_failure(start, usual));
  CHECK_FALSE(ejection.on_answer(start));
  for (int i = 0; i < 4; ++i) CHECK_FALSE(ejection.on_failure(start, usual));
  CHECK_FALSE(ejection.on_failure(start + 31s, usual));  // the count starts again
  for (int i = 0; i < 3; ++i) CHECK_FALSE(ejection.on_failure(start + 61s, usual));
  CHECK(ejection.on_failure(start + 61s, usual));
  CHECK(ejection.in());  // only the caller ejects
}

TEST_CASE("ejection: it is out for its time, then one attempt a second is its trial") {
  Ejection ejection;
  CHECK(ejected(ejection, start) == 10s);
  CHECK(ejection.out(start + 9999ms));
  CHECK_FALSE(ejection.out(start + 10s));
  ejection.on_attempt(start + 12s);
  CHECK(ejection.out(start + 12s));
  CHECK_FALSE(ejection.out(start + 13s));  // the trial had no result: another one follows
  CHECK(ejection.on_answer(start + 13s));
  CHECK(ejection.in());
  CHECK_FALSE(ejection.out(start + 13s));
}

TEST_CASE("ejection: a failed trial doubles the time, up to the longest") {
  Ejection ejection;
  Instant now = start;
  ejected(ejection, now);
  for (base::Duration expected : {20s, 40s, 80s, 160s, 300s, 300s}) {
    now += 301s;
    ejection.on_attempt(now);
    REQUIRE(ejection.on_failure(now, usual));
    CHECK(ejection.eject(now, usual) == expected);
    CHECK_FALSE(ejection.on_failure(now, usual));  // from a request that was under way
  }
}

TEST_CASE("ejection: who stayed in for as long as it was out begins anew, and who did not goes on") {
  Ejection ejection;
  ejected(ejection, start);
  ejection.readmit(start + 10s);
  CHECK(ejected(ejection, start + 15s) == 20s);
  ejection.readmit(start + 35s);
  CHECK(ejected(ejection, start + 56s) == 10s);
}

TEST_CASE(
    "ejection: an attempt made because nothing else was there brings an endpoint back, or says nothing") {
  Ejection ejection;
  ejected(ejection, start);
  ejection.on_attempt(start + 1s);
  CHECK_FALSE(ejection.on_failure(start + 1s, usual));
  CHECK(ejection.out(start + 9s));
  CHECK(ejection.on_answer(start + 2s));
  CHECK(ejection.in());
}

TEST_CASE("passive health: an endpoint is ejected when another can stand in, and comes back with an answer") {
  UpstreamFixture fixture({1, 2});
  const auto now = [&] { return fixture.turns.turn.now; };
  const auto fail = [&](size_t index) {
    note_failure(fixture.group(), index, now(), Condition::reset, "upstream_closed");
  };
  for (int i = 0; i < 5; ++i) fail(0);
  CHECK(fixture.endpoint(0).availability() == Availability::cooling_down);
  const base::Json out = fixture.log.line("endpoint_ejected");
  CHECK(out["upstream"] == "app");
  CHECK(out["endpoint"] == "http://127.0.0.1:1");
  CHECK(out["reason"] == "upstream_closed");
  CHECK(out["failures"] == 5);
  CHECK(out["for_ms"] == 10'000);
  for (int i = 0; i < 50; ++i) fail(1);  // the last available endpoint is not ejected
  CHECK(fixture.endpoint(1).availability() == Availability::available);
  CHECK(fixture.log.lines("endpoint_ejected").size() == 1);
  for (int i = 0; i < 4; ++i) CHECK(fixture.picked() == 1);

  fixture.turns.advance(11s);
  CHECK(fixture.endpoint(0).availability() == Availability::available);
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 1024);
  note_answer(fixture.group(), 0, now(), 200);
  CHECK(fixture.log.line("endpoint_readmitted")["endpoint"] == "http://127.0.0.1:1");
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 16);  // it starts slowly
}

TEST_CASE("passive health: the model says what counts, and whether anything does") {
  UpstreamFixture fixture({1, 2});
  fixture.models[0].eject.on = {Condition::connect};
  fixture.models[0].eject.on.add_status(503);
  const base::Instant now = fixture.turns.turn.now;
  for (int i = 0; i < 9; ++i) note_failure(fixture.group(), 0, now, Condition::reset, "upstream_closed");
  for (int i = 0; i < 9; ++i) note_answer(fixture.group(), 0, now, 500);
  CHECK(fixture.endpoint(0).availability() == Availability::available);
  for (int i = 0; i < 5; ++i) note_answer(fixture.group(), 0, now, 503);
  CHECK(fixture.endpoint(0).availability() == Availability::cooling_down);
  CHECK(fixture.log.line("endpoint_ejected")["reason"] == "status 503");
  fixture.models[0].eject.enabled = false;
  for (int i = 0; i < 9; ++i) note_failure(fixture.group(), 1, now, Condition::connect, "upstream_refused");
  CHECK(fixture.log.lines("endpoint_ejected").size() == 1);
}

TEST_CASE("passive health: an ejection survives a reload") {
  UpstreamFixture fixture({1, 2});
  for (int i = 0; i < 5; ++i)
    note_failure(fixture.group(), 0, fixture.turns.turn.now, Condition::reset, "upstream_closed");
  std::vector<GroupModel> next;
  next.push_back(model_of("app", {2, 1}));
  std::vector<GroupRef> groups = fixture.registry.adopt(next);
  CHECK(groups[0]->endpoint(1)->availability() == Availability::cooling_down);
  CHECK(&groups[0]->state() == &fixture.group().state());
  fixture.groups.clear();
}
