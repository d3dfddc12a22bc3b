#include "upstream/permit_queue.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "unit/upstream/upstream_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

namespace {

GroupModel limited(std::vector<uint32_t> limits) {
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < limits.size(); ++i) ports.push_back(static_cast<uint16_t>(i + 1));
  GroupModel model = model_of("app", ports);
  for (size_t i = 0; i < limits.size(); ++i) model.endpoints[i].max_requests = limits[i];
  model.queue.emplace();
  return model;
}

// A request that waits, in its own task.
class Waiting final : private base::RootTask<base::Result<Pick>>::Owner {
 public:
  Waiting(UpstreamFixture& fixture, Group& group, uint32_t most = 100, std::vector<size_t> tried = {},
          const char* client = "203.0.113.9")
      : scope(fixture.turns.turn),
        turns_(fixture),
        group_(group),
        tried_(std::move(tried)),
        client_(*base::IpAddress::parse(client)) {
    Owner& self = *this;
    task_.begin(wait(most), self);
    fixture.turns.turn.run();
  }

  bool waits() const { return !outcome.has_value(); }
  bool has_place() const { return outcome && outcome->has_value() && (*outcome)->permit; }
  size_t index() const { return (*outcome)->index; }

  base::Scope scope;
  std::optional<base::Result<Pick>> outcome;

 private:
  base::Task<base::Result<Pick>> wait(uint32_t most) {
    const RequestView request{client_, turns_.headers, {}};
    PermitQueue::Waiter waiter(group_.state().permits, group_, request, tried_);
    if (!waiter.enter(most)) co_return base::fail(base::Cause::overloaded, base::Stage::connect);
    base::Phase phase(scope, base::Stage::connect, 5s, base::Cause::upstream_at_limit);
    base::Result<Pick> found = co_await waiter.permit(scope);
    co_return std::move(found);
  }
  void on_task_ended(base::Result<Pick> result) override { outcome.emplace(std::move(result)); }

  UpstreamFixture& turns_;
  Group& group_;
  std::vector<size_t> tried_;
  const base::IpAddress client_;
  base::RootTask<base::Result<Pick>> task_;
};

}  // namespace

TEST_CASE("place queue: a place that is left goes to the one who waits longest, one place to one") {
  UpstreamFixture fixture(limited({1}));
  std::optional<Pick> held = fixture.pick();
  Waiting first(fixture, fixture.group());
  Waiting second(fixture, fixture.group());
  CHECK(first.waits());
  held.reset();
  fixture.turns.turn.run();
  CHECK(first.has_place());
  CHECK(second.waits());
  CHECK(fixture.pick().at_limit);  // the permit was taken for the waiter before any other request
  first.outcome.reset();
  fixture.turns.turn.run();
  CHECK(second.has_place());
  CHECK_FALSE(fixture.group().state().permits.has_line());
}

TEST_CASE("place queue: a waiter that gives up leaves the line, and one that got a place gives it on") {
  UpstreamFixture fixture(limited({1}));
  std::optional<Pick> held = fixture.pick();
  Waiting first(fixture, fixture.group());
  auto second = std::make_unique<Waiting>(fixture, fixture.group());
  Waiting third(fixture, fixture.group());
  first.scope.cancel(base::Cause::client_closed);
  fixture.turns.turn.run();
  REQUIRE(first.outcome.has_value());
  CHECK(first.outcome->error().cause == base::Cause::client_closed);
  held.reset();    // the second request has the permit now,
  second.reset();  // and is destroyed before it is notified
  fixture.turns.turn.run();
  CHECK(third.has_place());
}

TEST_CASE("place queue: the wait ends with its time limit") {
  UpstreamFixture fixture(limited({1}));
  const Pick held = fixture.pick();
  Waiting waiting(fixture, fixture.group());
  fixture.turns.advance(4900ms);
  CHECK(waiting.waits());
  fixture.turns.advance(200ms);
  REQUIRE(waiting.outcome.has_value());
  CHECK(waiting.outcome->error() == base::Error{base::Cause::upstream_at_limit, base::Stage::connect});
  CHECK_FALSE(fixture.group().state().permits.has_line());
}

TEST_CASE("place queue: as many wait as may, over all workers, and not one more") {
  UpstreamFixture fixture(limited({1}));
  Registry other(fixture.turns.turn, fixture.process_loads, 2);
  std::vector<GroupRef> others = other.adopt(fixture.models);
  const Pick held = fixture.pick();
  Waiting first(fixture, fixture.group(), 2);
  {
    Waiting second(fixture, *others[0], 2);
    Waiting third(fixture, fixture.group(), 2);
    CHECK(first.waits());
    CHECK(second.waits());
    REQUIRE(third.outcome.has_value());
    CHECK(third.outcome->error().cause == base::Cause::overloaded);
  }
  Waiting fourth(fixture, fixture.group(), 2);  // there is room again
  CHECK(fourth.waits());
}

TEST_CASE("place queue: a place that is left on another worker is seen soon") {
  UpstreamFixture fixture(limited({1}));
  Registry other(fixture.turns.turn, fixture.process_loads, 2);
  std::vector<GroupRef> others = other.adopt(fixture.models);
  std::optional<Pick> held = others[0]->pick({fixture.client, fixture.headers, {}}, {});
  REQUIRE(held->permit);
  Waiting waiting(fixture, fixture.group());
  held.reset();
  fixture.turns.turn.run();
  CHECK(waiting.waits());
  fixture.turns.advance(PermitQueue::look_every + 20ms);
  CHECK(waiting.has_place());
}

TEST_CASE("place queue: who cannot use a place lets the next one have it") {
  UpstreamFixture fixture(limited({1, 1}));
  std::optional<Pick> on_first = fixture.pick();
  const Pick on_second = fixture.pick();
  Waiting wants_second(fixture, fixture.group(), 100, {0});
  Waiting wants_any(fixture, fixture.group());
  on_first.reset();
  fixture.turns.turn.run();
  CHECK(wants_second.waits());
  REQUIRE(wants_any.has_place());
  CHECK(wants_any.index() == 0);
}

TEST_CASE("place queue: a reload that raises the limit lets waiters in") {
  UpstreamFixture fixture(limited({1}));
  const Pick held = fixture.pick();
  std::vector<GroupRef> before = fixture.groups;
  const std::vector<GroupModel> old_models = std::move(fixture.models);
  Waiting waiting(fixture, *before[0]);
  fixture.models.clear();
  fixture.adopt(limited({2}));
  fixture.turns.advance(50ms);
  CHECK(waiting.has_place());
}

TEST_CASE("place queue: a lease may outlive the registry and its queues") {
  support::TurnFixture fixture;
  state::ProcessLoads loads;
  std::vector<GroupModel> models;
  models.push_back(limited({1}));
  Permit permit;
  {
    Registry registry(fixture.turn, loads, 1);
    permit = Permit(registry.adopt(models)[0]->endpoint(0));
    CHECK(permit);
  }
  permit = {};
}

TEST_CASE("place queue: who waits for endpoints that a reload took away blocks nobody who wants others") {
  UpstreamFixture fixture(limited({1}));
  const Pick busy = fixture.pick();
  const GroupRef before = fixture.groups[0];  // for requests that began with this group
  Waiting old(fixture, *before);
  Waiting also_old(fixture, *before, 100, {});
  const std::vector<GroupModel> kept = std::move(fixture.models);
  GroupModel other = limited({1});
  other.endpoints[0].port = 9;
  other.endpoints[0].text = "http://127.0.0.1:9";
  fixture.adopt(std::move(other));
  Waiting fresh(fixture, fixture.group());
  CHECK(fresh.has_place());  // though it came last
  Waiting next(fixture, fixture.group());
  CHECK(next.waits());
  fresh.outcome.reset();
  fixture.turns.turn.run();
  CHECK(next.has_place());
  CHECK(old.waits());
  CHECK(also_old.waits());
}

TEST_CASE("place queue: clients get places in turn, however many requests one of them has in the line") {
  UpstreamFixture fixture(limited({1}));
  std::optional<Pick> held = fixture.pick();
  std::vector<std::unique_ptr<Waiting>> many;
  for (int i = 0; i < 5; ++i) many.push_back(std::make_unique<Waiting>(fixture, fixture.group()));
  Waiting other(fixture, fixture.group(), 100, {}, "203.0.113.10");
  held.reset();
  fixture.turns.turn.run();
  CHECK(many[0]->has_place());
  many.erase(many.begin());
  fixture.turns.turn.run();
  CHECK(other.has_place());
  CHECK(many[0]->waits());
}

TEST_CASE("place queue: when it is full, who has fewer in it takes the place of the latest of who has most") {
  UpstreamFixture fixture(limited({1}));
  const Pick held = fixture.pick();
  std::vector<std::unique_ptr<Waiting>> many;
  for (int i = 0; i < 4; ++i) many.push_back(std::make_unique<Waiting>(fixture, fixture.group(), 4));
  Waiting other(fixture, fixture.group(), 4, {}, "203.0.113.10");
  CHECK(other.waits());
  REQUIRE(many[3]->outcome.has_value());
  CHECK(many[3]->outcome->error() == base::Error{base::Cause::upstream_at_limit, base::Stage::connect});
  Waiting second(fixture, fixture.group(), 4, {}, "203.0.113.10");  // two entries of each client
  CHECK(second.waits());
  CHECK_FALSE(many[2]->waits());
  Waiting third(fixture, fixture.group(), 4, {}, "203.0.113.10");
  CHECK_FALSE(third.waits());
  Waiting one_more(fixture, fixture.group(), 4);
  CHECK_FALSE(one_more.waits());
  CHECK(many[1]->waits());
  // The number of waiting requests is still correct: as many have left as came.
  many.clear();
  Waiting again(fixture, fixture.group(), 4);
  Waiting and_again(fixture, fixture.group(), 4);
  CHECK(again.waits());
  CHECK(and_again.waits());
  Waiting too_many(fixture, fixture.group(), 4, {}, "203.0.113.10");
  CHECK_FALSE(too_many.waits());
}
