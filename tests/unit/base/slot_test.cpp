#include "base/slot.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using postern::support::TurnFixture;
using postern::support::WatchedTask;

Task<std::vector<int>> take_many(Scope& scope, Slot<int>& slot, int count) {
  std::vector<int> taken;
  for (int i = 0; i < count; ++i) {
    Result<int> value = co_await slot.take(scope);
    taken.push_back(value ? *value : -static_cast<int>(value.error().cause) - 1);
  }
  co_return taken;
}

Task<std::unique_ptr<int>> take_owned(Scope& scope, Slot<std::unique_ptr<int>>& slot) {
  Result<std::unique_ptr<int>> value = co_await slot.take(scope);
  co_return value ? std::move(*value) : nullptr;
}

}  // namespace

TEST_CASE("slot: a value that came first is taken without waiting") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  slot.put(3);
  CHECK(slot.filled());
  WatchedTask<std::vector<int>> task(take_many(scope, slot, 1));
  REQUIRE(task.ended());
  CHECK(task.outcome() == std::vector<int>{3});
  CHECK_FALSE(slot.filled());
}

TEST_CASE("slot: several values come out in their order") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  WatchedTask<std::vector<int>> task(take_many(scope, slot, 5));
  for (int i = 1; i <= 5; ++i) slot.put(i);  // the first value wakes the coroutine, the others are queued
  turns.settle();
  REQUIRE(task.ended());
  CHECK(task.outcome() == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("slot: an error is a value like others and keeps its place") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  slot.put(1);
  slot.put(fail(Cause::upstream_closed, Stage::response_head));
  slot.put(2);
  WatchedTask<std::vector<int>> task(take_many(scope, slot, 3));
  REQUIRE(task.ended());
  CHECK(task.outcome() == std::vector<int>{1, -static_cast<int>(Cause::upstream_closed) - 1, 2});
}

TEST_CASE("slot: a value in a cancelled scope is still there for who asks later") {
  TurnFixture turns;
  Scope cancelled(turns.turn);
  Slot<int> slot;
  WatchedTask<std::vector<int>> failing(take_many(cancelled, slot, 1));
  cancelled.cancel(Cause::timed_out);
  slot.put(8);
  turns.settle();
  CHECK(failing.outcome() == std::vector<int>{-static_cast<int>(Cause::timed_out) - 1});
  Scope scope(turns.turn);
  WatchedTask<std::vector<int>> task(take_many(scope, slot, 1));
  REQUIRE(task.ended());
  CHECK(task.outcome() == std::vector<int>{8});
}

TEST_CASE("slot: values are moved through it") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<std::unique_ptr<int>> slot;
  WatchedTask<std::unique_ptr<int>> task(take_owned(scope, slot));
  slot.put(std::make_unique<int>(5));
  turns.settle();
  REQUIRE(task.ended());
  REQUIRE(task.outcome());
  CHECK(*task.outcome() == 5);
}
