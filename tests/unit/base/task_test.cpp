#include "base/task.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/slot.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using postern::support::TurnFixture;
using postern::support::WatchedTask;

struct Alive {
  explicit Alive(int& count) : count_(&count) { ++count; }
  Alive(Alive&& other) noexcept : count_(other.count_) { ++*count_; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --*count_; }
  int* count_;
};

Task<int> answer(int value) { co_return value; }

Task<int> sum(int a, int b) {
  Task<int> first = answer(a);
  const int left = co_await first;
  Task<int> second = answer(b);
  const int right = co_await second;
  co_return left + right;
}

Task<std::unique_ptr<std::string>> owned(std::string_view text) {
  co_return std::make_unique<std::string>(text);
}

Task<bool> wait_for(Scope& scope, Slot<int>& slot, int& alive) {
  Alive counted(alive);
  Result<int> value = co_await slot.take(scope);
  co_return value.has_value();
}

Task<bool> wait_below(Scope& scope, Slot<int>& slot, int& alive) {
  Alive counted(alive);
  Task<bool> below = wait_for(scope, slot, alive);
  const bool got = co_await below;
  co_return got;
}

Task<int> drop_other(Scope& in, Slot<int>& from, WatchedTask<bool>& victim) {
  Result<int> value = co_await from.take(in);
  victim.drop();
  co_return value ? *value : 0;
}

Task<int> remember_depth(const std::byte** lowest) {
  // The address of a local would be in the coroutine's frame, but the stack is elsewhere.
  const auto* here = static_cast<const std::byte*>(__builtin_frame_address(0));
  if (*lowest == nullptr || here < *lowest) *lowest = here;
  co_return 1;
}

Task<int> many_synchronous(int count, const std::byte** lowest) {
  int done = 0;
  for (int i = 0; i < count; ++i) {
    Task<int> one = remember_depth(lowest);
    const int result = co_await one;
    done += result;
  }
  co_return done;
}

Task<int> many_suspended(Scope& scope, Slot<int>& slot, int count) {
  int taken = 0;
  for (int i = 0; i < count; ++i) {
    Result<int> value = co_await slot.take(scope);
    if (!value) break;
    taken += *value;
  }
  co_return taken;
}

}  // namespace

TEST_CASE("task: a value comes out of nested tasks") {
  WatchedTask<int> task(sum(40, 2));
  REQUIRE(task.ended());
  CHECK(task.outcome() == 42);
}

TEST_CASE("task: a value that can only be moved is moved out") {
  Task<std::unique_ptr<std::string>> task = owned("text");
  task.begin();
  REQUIRE(task.done());
  std::unique_ptr<std::string> value = std::move(task.value());
  CHECK(*value == "text");
}

TEST_CASE("task: nothing runs before it is begun") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  {
    Task<bool> task = wait_for(scope, slot, alive);
    CHECK(alive == 0);
    CHECK_FALSE(task.done());
    task.begin();
    CHECK(alive == 1);
    task.begin();  // a second time changes nothing
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("task: a dropped task frees its frame and every frame below it") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  {
    Task<bool> task = wait_below(scope, slot, alive);
    task.begin();
    CHECK(alive == 2);
  }
  CHECK(alive == 0);
  slot.put(1);  // no coroutine waits any more
  turns.settle();
  CHECK(slot.filled());
}

TEST_CASE("task: a moved task goes on, and assignment frees what was there before") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> first;
  Slot<int> second;
  int alive = 0;
  Task<bool> task = wait_for(scope, first, alive);
  task.begin();
  Task<bool> other = wait_for(scope, second, alive);
  other.begin();
  CHECK(alive == 2);
  task = std::move(other);
  CHECK(alive == 1);
  CHECK_FALSE(other);
  second.put(1);
  turns.settle();
  REQUIRE(task.done());
  CHECK(task.value());
}

TEST_CASE("task: a parent goes on when its suspended child ends") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  WatchedTask<bool> task(wait_below(scope, slot, alive));
  turns.settle();
  CHECK_FALSE(task.ended());
  slot.put(5);
  CHECK_FALSE(task.ended());  // tasks run in their own beat of the turn
  turns.settle();
  REQUIRE(task.ended());
  CHECK(task.outcome());
}

TEST_CASE("task: a task that was begun beside its owner can be awaited later") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  Task<bool> beside = wait_for(scope, slot, alive);
  beside.begin();
  slot.put(1);
  turns.settle();
  REQUIRE(beside.done());
  CHECK(beside.await_ready());
  CHECK(beside.await_resume());
}

TEST_CASE("task: a million synchronous awaits keep the stack where it was") {
  const std::byte* lowest = nullptr;
  WatchedTask<int> few(many_synchronous(2, &lowest));
  const std::byte* shallow = lowest;
  WatchedTask<int> task(many_synchronous(1'000'000, &lowest));
  REQUIRE(task.ended());
  CHECK(task.outcome() == 1'000'000);
  CHECK(shallow - lowest < 4096);
}

TEST_CASE("task: a hundred thousand suspended awaits keep the stack where it was") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  constexpr int count = 100'000;
  WatchedTask<int> task(many_suspended(scope, slot, count));
  for (int i = 0; i < count; ++i) {
    slot.put(1);
    turns.turn.run();
  }
  REQUIRE(task.ended());
  CHECK(task.outcome() == count);
}

TEST_CASE("task: the owner is told once, with the outcome") {
  WatchedTask<int> task;
  CHECK_FALSE(task.ended());
  task.begin(answer(7));
  CHECK(task.times_ended() == 1);
  CHECK(task.outcome() == 7);
}

TEST_CASE("task: a dropped task tells nobody and frees what it held") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  WatchedTask<bool> task(wait_below(scope, slot, alive));
  CHECK(alive == 2);
  slot.put(1);  // the wait is settled: the task is in the ready queue
  task.drop();
  CHECK(alive == 0);
  turns.settle();
  CHECK(task.times_ended() == 0);
}

TEST_CASE("task: one task may drop another that is ready in the same turn") {
  TurnFixture turns;
  Scope scope(turns.turn);
  Slot<int> slot;
  int alive = 0;
  WatchedTask<bool> other;
  Slot<int> first;
  Task<int> task = drop_other(scope, first, other);
  WatchedTask<int> dropping(std::move(task));
  other.begin(wait_for(scope, slot, alive));
  first.put(3);
  slot.put(4);
  turns.settle();
  CHECK(dropping.ended());
  CHECK(other.times_ended() == 0);
  CHECK(alive == 0);
}
