// Tests the forms of await that this code base uses: each must give its value, and every object must be made
// and destroyed equally often. GCC 12 compiles some other forms wrongly (temporaries of aggregates and of
// capturing lambdas inside an await, a switch over one). This test detects a compiler that gets one of our
// forms wrong.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/scope.h"
#include "base/slot.h"
#include "base/task.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

namespace {

using namespace postern::base;
using postern::support::TurnFixture;
using postern::support::WatchedTask;

int made = 0;
int destroyed = 0;

struct Counted {
  explicit Counted(int the_value = 0) : value(the_value) { ++made; }
  Counted(const Counted& other) : value(other.value) { ++made; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++made; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { ++destroyed; }
  int value;
};

struct Aggregate {
  Counted counted;
  std::string name;
};

enum class Way { left, right };

// Suspends once, so that every object exists across a real wait.
struct Fixture {
  TurnFixture turns;
  Scope scope{turns.turn};
  Slot<int> slot;
};

Task<int> wait(Fixture& fixture) {
  Result<int> value = co_await fixture.slot.take(fixture.scope);
  co_return value ? *value : -1;
}

Task<int> by_value(Fixture& fixture, Counted counted) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return counted.value + waited;
}

Task<int> by_reference(Fixture& fixture, const Aggregate& aggregate) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return aggregate.counted.value + static_cast<int>(aggregate.name.size()) + waited;
}

Task<int> aggregate_by_value(Fixture& fixture, Aggregate aggregate) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return aggregate.counted.value + static_cast<int>(aggregate.name.size()) + waited;
}

Task<int> calls(Fixture& fixture, const std::function<int(int)>& function) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return function(waited);
}

Task<Counted> counted_result(Fixture& fixture) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return Counted(waited);
}

Task<std::unique_ptr<Counted>> owned_result(Fixture& fixture, std::unique_ptr<Counted> owned) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  owned->value += waited;
  co_return owned;
}

Task<Way> way(Fixture& fixture) {
  Task<int> waiting = wait(fixture);
  const int waited = co_await waiting;
  co_return waited % 2 == 0 ? Way::left : Way::right;
}

// --- the forms ---

Task<int> named_aggregate_moved(Fixture& fixture) {
  Aggregate aggregate{Counted(30), "name"};
  Task<int> task = aggregate_by_value(fixture, std::move(aggregate));
  const int result = co_await task;
  co_return result;
}

Task<int> named_aggregate_referenced(Fixture& fixture) {
  const Aggregate aggregate{Counted(30), "name"};
  Task<int> task = by_reference(fixture, aggregate);
  const int result = co_await task;
  co_return result;
}

Task<int> named_lambda(Fixture& fixture) {
  const Counted captured(30);
  const std::function<int(int)> function = [captured](int waited) { return captured.value + waited; };
  Task<int> task = calls(fixture, function);
  const int result = co_await task;
  co_return result + 4;
}

Task<int> class_argument(Fixture& fixture) {
  Task<int> task = by_value(fixture, Counted(34));
  const int result = co_await task;
  co_return result;
}

Task<int> class_result(Fixture& fixture) {
  Task<Counted> task = counted_result(fixture);
  const Counted result = co_await task;
  co_return result.value + 34;
}

Task<int> owned_argument_and_result(Fixture& fixture) {
  Task<std::unique_ptr<Counted>> task = owned_result(fixture, std::make_unique<Counted>(34));
  std::unique_ptr<Counted> result = co_await task;
  co_return result->value;
}

Task<int> named_before_a_switch(Fixture& fixture) {
  Task<Way> task = way(fixture);
  const Way result = co_await task;
  switch (result) {
    case Way::left: co_return 42;
    case Way::right: co_return -1;
  }
  co_return -2;
}

Task<int> named_before_a_condition(Fixture& fixture) {
  Task<int> task = wait(fixture);
  const int waited = co_await task;
  if (waited == 8) co_return 42;
  co_return -1;
}

Task<int> in_a_loop_over_a_local(Fixture& fixture) {
  const std::vector<Counted> list{Counted(10), Counted(11), Counted(13)};
  int sum = 0;
  for (const Counted& counted : list) {
    if (sum == 0) {
      Task<int> task = wait(fixture);
      sum = co_await task;
    }
    sum += counted.value;
  }
  co_return sum;
}

Task<int> locals_of_an_inner_block(Fixture& fixture) {
  int result = 0;
  {
    Counted local(34);
    Task<int> task = by_value(fixture, std::move(local));
    result = co_await task;
  }
  co_return result;
}

Task<int> structured_binding(Fixture& fixture) {
  const std::pair<Counted, int> pair{Counted(30), 4};
  const auto& [counted, number] = pair;
  Task<int> task = wait(fixture);
  const int waited = co_await task;
  co_return counted.value + number + waited;
}

Task<int> leaf_wait_beside_a_local(Fixture& fixture) {
  const Counted local(34);
  Result<int> value = co_await fixture.slot.take(fixture.scope);
  if (!value) co_return -1;
  co_return local.value + *value;
}

using Form = Task<int> (*)(Fixture&);
constexpr std::array<Form, 12> forms = {
    named_aggregate_moved,  named_aggregate_referenced, named_lambda,          class_argument,
    class_result,           owned_argument_and_result,  named_before_a_switch, named_before_a_condition,
    in_a_loop_over_a_local, locals_of_an_inner_block,   structured_binding,    leaf_wait_beside_a_local,
};

}  // namespace

TEST_CASE("compiler hazards: every form of await gives its value and destroys what it made") {
  for (size_t i = 0; i < forms.size(); ++i) {
    CAPTURE(i);
    made = destroyed = 0;
    {
      Fixture fixture;
      WatchedTask<int> task(forms[i](fixture));
      CHECK_FALSE(task.ended());
      fixture.slot.put(8);
      fixture.turns.settle();
      REQUIRE(task.ended());
      CHECK(task.outcome() == 42);
    }
    CHECK(made == destroyed);
  }
}

TEST_CASE("compiler hazards: every form of await gives its value when nothing has to be waited for") {
  for (size_t i = 0; i < forms.size(); ++i) {
    CAPTURE(i);
    made = destroyed = 0;
    {
      Fixture fixture;
      fixture.slot.put(8);
      WatchedTask<int> task(forms[i](fixture));
      REQUIRE(task.ended());
      CHECK(task.outcome() == 42);
    }
    CHECK(made == destroyed);
  }
}

TEST_CASE("compiler hazards: every form of await destroys what it made when it is dropped half way") {
  for (size_t i = 0; i < forms.size(); ++i) {
    CAPTURE(i);
    made = destroyed = 0;
    {
      Fixture fixture;
      WatchedTask<int> task(forms[i](fixture));
      CHECK_FALSE(task.ended());
      task.drop();
    }
    CHECK(made == destroyed);
  }
}
