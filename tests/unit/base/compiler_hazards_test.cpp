// The forms of await that the house uses, each with what it must give and with every object made and
// destroyed equally often. GCC 12 compiles some other forms wrongly (temporaries of aggregates and of
// capturing lambdas inside an await, a switch over one); this file sees it when a compiler gets one of ours
// wrong.
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
#include "support/watched_task.h"
#include "support/world.h"

namespace {

using namespace postern::base;
using postern::support::WatchedTask;
using postern::support::World;

int made = 0;
int destroyed = 0;

struct Counted {
  explicit ClientCountGuard(int the_value = 0) : value(the_value) { ++made; }
  ClientCountGuard(const Counted& other) : value(other.value) { ++made; }
  ClientCountGuard(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++made; }
  Counted& operator=(const Counted&) = default;
  ~ClientCountGuard() { ++destroyed; }
  int value;
};

struct Aggregate {
  Counted counted;
  std::string name;
};

enum class Way { left, right };

// Suspends once, so that everything lives across a real wait.
struct Ground {
  World world;
  Scope scope{world.turn};
  Slot<int> slot;
};

Task<int> wait(Ground& ground) {
  Result<int> value = co_await ground.slot.take(ground.scope);
  co_return value ? *value : -1;
}

Task<int> by_value(Ground& ground, Counted counted) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return counted.value + waited;
}

Task<int> by_reference(Ground& ground, const Aggregate& aggregate) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return aggregate.counted.value + static_cast<int>(aggregate.name.size()) + waited;
}

Task<int> aggregate_by_value(Ground& ground, Aggregate aggregate) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return aggregate.counted.value + static_cast<int>(aggregate.name.size()) + waited;
}

Task<int> calls(Ground& ground, const std::function<int(int)>& function) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return function(waited);
}

Task<Counted> counted_result(Ground& ground) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return ClientCountGuard(waited);
}

Task<std::unique_ptr<Counted>> owned_result(Ground& ground, std::unique_ptr<Counted> owned) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  owned->value += waited;
  co_return owned;
}

Task<Way> way(Ground& ground) {
  Task<int> waiting = wait(ground);
  const int waited = co_await waiting;
  co_return waited % 2 == 0 ? Way::left : Way::right;
}

// --- the forms ---

Task<int> named_aggregate_moved(Ground& ground) {
  Aggregate aggregate{ClientCountGuard(30), "name"};
  Task<int> task = aggregate_by_value(ground, std::move(aggregate));
  const int result = co_await task;
  co_return result;
}

Task<int> named_aggregate_referenced(Ground& ground) {
  const Aggregate aggregate{ClientCountGuard(30), "name"};
  Task<int> task = by_reference(ground, aggregate);
  const int result = co_await task;
  co_return result;
}

Task<int> named_lambda(Ground& ground) {
  const Counted captured(30);
  const std::function<int(int)> function = [captured](int waited) { return captured.value + waited; };
  Task<int> task = calls(ground, function);
  const int result = co_await task;
  co_return result + 4;
}

Task<int> class_argument(Ground& ground) {
  Task<int> task = by_value(ground, ClientCountGuard(34));
  const int result = co_await task;
  co_return result;
}

Task<int> class_result(Ground& ground) {
  Task<Counted> task = counted_result(ground);
  const Counted result = co_await task;
  co_return result.value + 34;
}

Task<int> owned_argument_and_result(Ground& ground) {
  Task<std::unique_ptr<Counted>> task = owned_result(ground, std::make_unique<Counted>(34));
  std::unique_ptr<Counted> result = co_await task;
  co_return result->value;
}

Task<int> named_before_a_switch(Ground& ground) {
  Task<Way> task = way(ground);
  const Way result = co_await task;
  switch (result) {
    case Way::left: co_return 42;
    case Way::right: co_return -1;
  }
  co_return -2;
}

Task<int> named_before_a_condition(Ground& ground) {
  Task<int> task = wait(ground);
  const int waited = co_await task;
  if (waited == 8) co_return 42;
  co_return -1;
}

Task<int> in_a_loop_over_a_local(Ground& ground) {
  const std::vector<Counted> list{ClientCountGuard(10), ClientCountGuard(11), ClientCountGuard(13)};
  int sum = 0;
  for (const Counted& counted : list) {
    if (sum == 0) {
      Task<int> task = wait(ground);
      sum = co_await task;
    }
    sum += counted.value;
  }
  co_return sum;
}

Task<int> locals_of_an_inner_block(Ground& ground) {
  int result = 0;
  {
    Counted local(34);
    Task<int> task = by_value(ground, std::move(local));
    result = co_await task;
  }
  co_return result;
}

Task<int> structured_binding(Ground& ground) {
  const std::pair<Counted, int> pair{ClientCountGuard(30), 4};
  const auto& [counted, number] = pair;
  Task<int> task = wait(ground);
  const int waited = co_await task;
  co_return counted.value + number + waited;
}

Task<int> leaf_wait_beside_a_local(Ground& ground) {
  const Counted local(34);
  Result<int> value = co_await ground.slot.take(ground.scope);
  if (!value) co_return -1;
  co_return local.value + *value;
}

using Form = Task<int> (*)(Ground&);
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
      Ground ground;
      WatchedTask<int> task(forms[i](ground));
      CHECK_FALSE(task.ended());
      ground.slot.put(8);
      ground.world.settle();
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
      Ground ground;
      ground.slot.put(8);
      WatchedTask<int> task(forms[i](ground));
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
      Ground ground;
      WatchedTask<int> task(forms[i](ground));
      CHECK_FALSE(task.ended());
      task.drop();
    }
    CHECK(made == destroyed);
  }
}
