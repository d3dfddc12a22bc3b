#include "base/scope.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/slot.h"
#include "base/task.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using namespace std::chrono_literals;
using postern::support::TurnFixture;
using postern::support::WatchedTask;

Task<Result<int>> take_one(Scope& scope, Slot<int>& slot) {
  Result<int> value = co_await slot.take(scope);
  co_return value;
}

Task<Result<int>> take_in_phase(Scope& scope, Slot<int>& slot, Stage stage, Duration limit, Cause late) {
  Phase phase(scope, stage, limit, late);
  Result<int> value = co_await slot.take(scope);
  co_return value;
}

Task<Result<int>> try_twice(Scope& scope, Slot<int>& first, Slot<int>& second, std::vector<Error>& errors) {
  {
    Phase phase(scope, Stage::connect, 1s, Cause::upstream_timed_out);
    Result<int> value = co_await first.take(scope);
    if (value) co_return value;
    errors.push_back(value.error());
  }
  Phase phase(scope, Stage::response_head, 1s, Cause::upstream_timed_out);
  Result<int> value = co_await second.take(scope);
  co_return value;
}

Task<Result<int>> go_on(Scope& scope, int& rounds) {
  while (rounds < 5) {
    ++rounds;
    Result<void> turn = co_await NextTurn(scope);
    if (!turn) co_return fail(turn.error());
  }
  co_return rounds;
}

// Counts how often its only wait returned.
Task<Result<int>> count_returns(Scope& scope, Slot<int>& slot, int& returns) {
  Result<int> value = co_await slot.take(scope);
  ++returns;
  co_return value;
}

}  // namespace

TEST_CASE("scope: cancelling ends a wait with its cause at the scope's stage") {
  TurnFixture turns;
  Scope scope(turns.turn);
  scope.stage = Stage::response_body;
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(scope, slot));
  scope.cancel(Cause::client_closed);
  CHECK_FALSE(task.ended());
  turns.settle();
  REQUIRE(task.ended());
  REQUIRE_FALSE(task.outcome());
  CHECK(task.outcome().error() == Error{Cause::client_closed, Stage::response_body});
}

TEST_CASE("scope: every later wait fails too, with the first cause") {
  TurnFixture turns;
  Scope scope(turns.turn);
  scope.cancel(Cause::shutting_down);
  scope.cancel(Cause::client_closed);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(scope, slot));
  REQUIRE(task.ended());
  REQUIRE_FALSE(task.outcome());
  CHECK(task.outcome().error().cause == Cause::shutting_down);
  REQUIRE(scope.failure());
  CHECK(scope.failure()->cause == Cause::shutting_down);
}

TEST_CASE("scope: an event and a cancel in one turn end the wait once, the first wins") {
  for (const bool event_first : {true, false}) {
    CAPTURE(event_first);
    TurnFixture turns;
    Scope scope(turns.turn);
    Slot<int> slot;
    int returns = 0;
    WatchedTask<Result<int>> task(count_returns(scope, slot, returns));
    if (event_first) slot.put(1);
    scope.cancel(Cause::client_closed);
    if (!event_first) slot.put(1);
    turns.settle();
    CHECK(returns == 1);
    REQUIRE(task.ended());
    CHECK(task.outcome().has_value() == event_first);
  }
}

TEST_CASE("scope: every wait under it ends when it is cancelled") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slots[3];
  WatchedTask<Result<int>> tasks[3];
  for (int i = 0; i < 3; ++i) tasks[i].begin(take_one(scope, slots[i]));
  scope.cancel(Cause::timed_out);
  turns.settle();
  for (auto& task : tasks) {
    REQUIRE(task.ended());
    CHECK_FALSE(task.outcome());
  }
}

TEST_CASE("scope: a child fails with its parent, at its own stage") {
  TurnFixture turns;
  Scope parent(turns.turn);
  parent.stage = Stage::tunnel;
  Scope child(parent);
  CHECK(child.stage == Stage::tunnel);
  child.stage = Stage::response_body;
  Scope grandchild(child);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(grandchild, slot));
  parent.cancel(Cause::client_closed);
  turns.settle();
  REQUIRE(task.ended());
  REQUIRE_FALSE(task.outcome());
  CHECK(task.outcome().error() == Error{Cause::client_closed, Stage::response_body});
  CHECK(child.failure().has_value());
}

TEST_CASE("scope: a parent does not fail with its child") {
  TurnFixture turns;
  Scope parent(turns.turn);
  Scope sibling(parent);
  Slot<int> of_parent;
  Slot<int> of_sibling;
  WatchedTask<Result<int>> above(take_one(parent, of_parent));
  WatchedTask<Result<int>> beside(take_one(sibling, of_sibling));
  {
    Scope child(parent);
    child.cancel(Cause::client_closed);
  }
  turns.settle();
  CHECK_FALSE(above.ended());
  CHECK_FALSE(beside.ended());
  CHECK_FALSE(parent.failure());
  CHECK_FALSE(sibling.failure());
  of_parent.put(1);
  of_sibling.put(2);
  turns.settle();
  CHECK(above.outcome().value() == 1);
  CHECK(beside.outcome().value() == 2);
}

TEST_CASE("scope: a child made under a cancelled parent is cancelled") {
  TurnFixture turns;
  Scope parent(turns.turn);
  parent.cancel(Cause::shutting_down);
  Scope child(parent);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(child, slot));
  REQUIRE(task.ended());
  CHECK_FALSE(task.outcome());
}

TEST_CASE("scope: a parent cancelled after a child has gone touches only who is left") {
  TurnFixture turns;
  Scope parent(turns.turn);
  auto gone = std::make_unique<Scope>(parent);
  Scope left(parent);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(left, slot));
  gone.reset();
  parent.cancel(Cause::timed_out);
  turns.settle();
  REQUIRE(task.ended());
  CHECK_FALSE(task.outcome());
}

TEST_CASE("phase: a wait that lasts too long fails with the phase's cause and stage") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_in_phase(scope, slot, Stage::connect, 5s, Cause::upstream_timed_out));
  turns.advance(5s - 1ms);
  CHECK_FALSE(task.ended());
  turns.advance(20ms);
  REQUIRE(task.ended());
  REQUIRE_FALSE(task.outcome());
  CHECK(task.outcome().error() == Error{Cause::upstream_timed_out, Stage::connect});
  CHECK(scope.stage == Stage::accept);
  CHECK_FALSE(scope.failure());
}

TEST_CASE("phase: leaving clears the expiry, so a retry starts clean") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> first;
  Slot<int> second;
  std::vector<Error> errors;
  WatchedTask<Result<int>> task(try_twice(scope, first, second, errors));
  turns.advance(1100ms);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0] == Error{Cause::upstream_timed_out, Stage::connect});
  CHECK_FALSE(task.ended());
  second.put(9);
  turns.settle();
  REQUIRE(task.ended());
  CHECK(task.outcome().value() == 9);
}

TEST_CASE("phase: cancelling outlasts it") {
  TurnFixture turns;
  Scope scope(turns.turn);
  {
    Phase phase(scope, Stage::connect, 1s);
    scope.cancel(Cause::client_closed);
  }
  REQUIRE(scope.failure());
  CHECK(*scope.failure() == Error{Cause::client_closed, Stage::connect});
}

TEST_CASE("phase: without a limit it only names the stage") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_in_phase(scope, slot, Stage::tunnel, no_limit, Cause::timed_out));
  CHECK(scope.stage == Stage::tunnel);
  turns.advance(24h);
  CHECK_FALSE(task.ended());
  slot.put(1);
  turns.settle();
  CHECK(task.outcome().value() == 1);
  CHECK(scope.stage == Stage::accept);
}

TEST_CASE("phase: extending starts the limit anew, blame changes the cause") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Phase phase(scope, Stage::response_body, 1s, Cause::upstream_timed_out);
  for (int i = 0; i < 5; ++i) {
    turns.advance(900ms);
    CHECK_FALSE(scope.failure());
    phase.extend();
  }
  phase.set_timeout_cause(Cause::client_timed_out);
  turns.advance(1100ms);
  REQUIRE(scope.failure());
  CHECK(*scope.failure() == Error{Cause::client_timed_out, Stage::response_body});
}

TEST_CASE("phase: nested phases give the stage back in order") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Phase outer(scope, Stage::policy, no_limit);
  {
    Phase inner(scope, Stage::resolve, no_limit);
    CHECK(scope.stage == Stage::resolve);
  }
  CHECK(scope.stage == Stage::policy);
}

TEST_CASE("phase: an outer deadline that passed while an inner phase is left still holds") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Phase outer(scope, Stage::connect, 1s, Cause::upstream_timed_out);
  {
    Phase inner(scope, Stage::resolve, 10s, Cause::timed_out);
    turns.advance(2s);  // the limit of the outer phase passes
    REQUIRE(scope.failure());
  }
  REQUIRE(scope.failure());
  CHECK(scope.failure()->cause == Cause::upstream_timed_out);
}

TEST_CASE("phase: an expiry reaches the waits of child scopes") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Scope child(scope);
  Slot<int> slot;
  WatchedTask<Result<int>> task(take_one(child, slot));
  Phase phase(scope, Stage::tunnel, 1s, Cause::timed_out);
  turns.advance(2s);
  REQUIRE(task.ended());
  CHECK(task.outcome().error().cause == Cause::timed_out);
}

TEST_CASE("wait: one that is abandoned leaves its scope and its turn") {
  TurnFixture turns;
  Slot<int> slot;
  auto scope = std::make_unique<Scope>(turns.turn);
  {
    WatchedTask<Result<int>> task(take_one(*scope, slot));
    scope->cancel(Cause::timed_out);  // the task is ready to run, then dropped
  }
  CHECK_FALSE(turns.turn.has_work());
  scope.reset();
  turns.settle();
}

TEST_CASE("scope: a task that lets others go first goes on in the next run, once in each") {
  TurnFixture turns;
  Scope scope(turns.turn);
  int rounds = 0;
  WatchedTask<Result<int>> task(go_on(scope, rounds));
  for (int i = 1; i <= 5; ++i) {
    CHECK(rounds == i);
    CHECK(turns.turn.has_deferred());
    CHECK(turns.turn.has_work());
    turns.turn.run();
  }
  REQUIRE(task.ended());
  CHECK(task.outcome() == 5);
  CHECK_FALSE(turns.turn.has_deferred());
  CHECK_FALSE(turns.turn.has_work());
}

TEST_CASE("scope: a task that lets others go first can be cancelled and dropped meanwhile") {
  TurnFixture turns;
  Scope scope(turns.turn);
  int rounds = 0;
  WatchedTask<Result<int>> cancelled(go_on(scope, rounds));
  scope.cancel(Cause::client_closed);
  CHECK_FALSE(turns.turn.has_deferred());
  turns.turn.run();
  REQUIRE(cancelled.ended());
  CHECK(cancelled.outcome().error().cause == Cause::client_closed);

  Scope other(turns.turn);
  int more = 0;
  WatchedTask<Result<int>> dropped(go_on(other, more));
  CHECK(turns.turn.has_deferred());
  dropped.drop();
  CHECK_FALSE(turns.turn.has_deferred());
  turns.turn.run();
  CHECK(more == 1);
}
