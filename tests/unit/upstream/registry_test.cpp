#include "upstream/registry.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "unit/upstream/upstream_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;
using support::answers;
using support::response_text;

TEST_CASE("registry: adopting keeps the endpoints that are still named, with connections and load") {
  UpstreamFixture fixture({1, 2});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.use_and_return(0);
  Lease busy = fixture.connected(1);
  fixture.endpoint(1).cool_down();
  const std::vector<GroupModel> next = [] {
    std::vector<GroupModel> models;
    models.push_back(model_of("app", {2, 1, 3}));
    return models;
  }();
  std::vector<GroupRef> groups = fixture.registry.adopt(next);
  fixture.turns.settle();
  REQUIRE(groups.size() == 1);
  REQUIRE(groups[0]->size() == 3);
  CHECK(&*groups[0]->endpoint(0) == &fixture.endpoint(1));
  CHECK(&*groups[0]->endpoint(1) == &fixture.endpoint(0));
  CHECK(groups[0]->endpoint(0)->load() == 1);
  CHECK(groups[0]->endpoint(0)->availability() == Availability::cooling_down);
  Permit permit(groups[0]->endpoint(1));
  CHECK(fixture.connector.reuse(*groups[0], 1, permit, base::no_limit));
  fixture.groups = groups;
  fixture.models.clear();
  fixture.groups.clear();
}

TEST_CASE("registry: an endpoint that is no longer named retires, and lives as long as its leases") {
  UpstreamFixture fixture({1, 2});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.use_and_return(0);
  Lease busy = fixture.connected(0);
  fixture.exchange(busy);
  CHECK(fixture.upstream.at(1).open_count() == 2);
  std::vector<GroupModel> next;
  next.push_back(model_of("app", {2}));
  std::vector<GroupRef> groups = fixture.registry.adopt(next);
  fixture.turns.settle();
  CHECK(fixture.upstream.at(1).open_count() == 1);  // the connection in use
  fixture.groups.clear();                           // the old groups are released
  CHECK(busy.endpoint()->load() == 1);
  busy = {};
  fixture.turns.settle();
  CHECK(fixture.upstream.at(1).open_count() == 0);
  fixture.groups = std::move(groups);
  fixture.groups.clear();
}

TEST_CASE("registry: the same address in two groups, or with other TLS settings, is two endpoints") {
  UpstreamFixture fixture({1});
  std::vector<GroupModel> models;
  models.push_back(model_of("app", {1}));
  models.push_back(model_of("other", {1}));
  std::vector<GroupRef> groups = fixture.registry.adopt(models);
  CHECK(&*groups[0]->endpoint(0) != &*groups[1]->endpoint(0));
  CHECK(&*groups[0]->endpoint(0) == &fixture.endpoint(0));
  std::vector<GroupModel> secured;
  secured.push_back(model_of("app", {1}));
  secured[0].tls_identity = "ca.pem||verified";
  std::vector<GroupRef> after = fixture.registry.adopt(secured);
  CHECK(&*after[0]->endpoint(0) != &*groups[0]->endpoint(0));
}

TEST_CASE("registry: new limits reach the endpoints that stay") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  std::vector<GroupModel> next;
  next.push_back(model_of("app", {1}));
  next[0].keepalive_connections = 0;
  std::vector<GroupRef> groups = fixture.registry.adopt(next);
  fixture.use_and_return();
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 0);
}

TEST_CASE("registry: weights, limits and rules change around a load and a turn that stay") {
  UpstreamFixture fixture({1, 2});
  const Pick held = fixture.pick();
  CHECK(held.index == 0);
  GroupModel next = model_of("app", {1, 2});
  next.endpoints[0].max_requests = 1;
  next.endpoints[1].weight = 5;
  next.slow_start = 30s;
  fixture.adopt(std::move(next));
  CHECK(fixture.endpoint(0).load() == 1);
  CHECK(fixture.endpoint(0).full());
  for (int i = 0; i < 5; ++i) CHECK(fixture.picked() == 1);
  CHECK(fixture.pick({1}).at_limit);
  CHECK(fixture.endpoint(1).share_of_weight(30s) == 1024);  // the endpoint was there before
  fixture.adopt(model_of("app", {1, 2}));
  CHECK(fixture.endpoint(0).load() == 1);
  CHECK_FALSE(fixture.endpoint(0).full());
}

TEST_CASE("registry: round robin goes on where it was") {
  UpstreamFixture fixture({1, 2, 3});
  CHECK(fixture.picked() == 0);
  fixture.adopt(model_of("app", {1, 2, 3}));
  CHECK(fixture.picked() == 1);
  fixture.adopt(model_of("app", {1, 2, 3}));
  CHECK(fixture.picked() == 2);
}

TEST_CASE("registry: what joins a group that is warm starts slowly, a new group does not") {
  UpstreamFixture fixture({1});
  fixture.turns.advance(10s);
  std::vector<GroupModel> models;
  models.push_back(model_of("app", {1, 2}));
  models.push_back(model_of("other", {1, 2}));
  const std::vector<GroupRef> groups = fixture.registry.adopt(models);
  CHECK(groups[0]->endpoint(0)->share_of_weight(30s) == 1024);
  CHECK(groups[0]->endpoint(1)->share_of_weight(30s) == 16);
  CHECK(groups[1]->endpoint(1)->share_of_weight(30s) == 1024);
}

TEST_CASE("registry: a limit that comes in a reload counts what began before it, in every worker") {
  UpstreamFixture fixture({1});
  Registry other(fixture.turns.turn, fixture.process_loads, 2);
  std::vector<GroupRef> others = other.adopt(fixture.models);
  std::optional<Pick> here = fixture.pick();
  const Permit there(others[0]->endpoint(0));
  GroupModel limited = model_of("app", {1});
  limited.endpoints[0].max_requests = 2;
  fixture.adopt(std::move(limited));
  others = other.adopt(fixture.models);
  CHECK(fixture.endpoint(0).load() == 2);
  CHECK(fixture.pick().at_limit);
  here.reset();
  CHECK(fixture.pick().permit);
  here.emplace(fixture.pick());
  fixture.adopt(model_of("app", {1}));  // this worker has no limit any more, the other one still has
  CHECK(others[0]->endpoint(0)->load() == 1);
  CHECK(fixture.endpoint(0).load() == 1);
}

TEST_CASE("process loads: a key's load lives as long as a worker holds it, and begins anew after that") {
  state::ProcessLoads loads;
  std::shared_ptr<state::ProcessLoad> first = loads.of("a");
  first->add(2);
  CHECK(loads.of("a") == first);
  CHECK(loads.of("b") != first);
  loads.forget_unused();
  CHECK(loads.of("a")->count() == 2);
  first.reset();
  loads.forget_unused();
  CHECK(loads.of("a")->count() == 0);
}

TEST_CASE("process loads: the limit holds against many threads") {
  state::ProcessLoad load;
  std::atomic<uint32_t> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        if (!load.add_below(3)) continue;
        const uint32_t seen = load.count();
        uint32_t known = most;
        while (seen > known && !most.compare_exchange_weak(known, seen)) {
        }
        load.remove(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(most <= 3);
  CHECK(load.count() == 0);
}

TEST_CASE("registry: an endpoint whose checks fail is passed over, unless it is the only one") {
  UpstreamFixture fixture({1, 2});
  std::vector<GroupModel> models;
  models.push_back(model_of("app", {1, 2}));
  models[0].health.emplace();
  std::vector<GroupRef> groups = fixture.registry.adopt(models);
  const std::string key = endpoint_key(models[0], models[0].endpoints[0]);
  const auto picked = [&](Group& group, const std::vector<size_t>& tried = {}) {
    const Pick found = group.pick({fixture.client, fixture.headers, {}}, tried);
    return found.permit ? std::optional(found.index) : std::nullopt;
  };
  Endpoint& endpoint = *groups[0]->endpoint(0);
  CHECK(endpoint.availability() == Availability::available);
  fixture.registry.on_health("app", key, false);
  CHECK(endpoint.availability() == Availability::down);
  for (int i = 0; i < 4; ++i) CHECK(picked(*groups[0]) == 1);
  groups[0]->endpoint(1)->cool_down();
  CHECK(picked(*groups[0]) == 1);  // cooling down is better than down
  CHECK(picked(*groups[0], {1}) == 0);

  std::vector<GroupRef> reloaded = fixture.registry.adopt(models);
  CHECK(reloaded[0]->endpoint(0)->availability() == Availability::down);
  fixture.turns.advance(std::chrono::seconds(5));
  endpoint.cool_down();
  fixture.registry.on_health("app", key, true);
  CHECK(endpoint.availability() == Availability::available);            // a passed check ends the cool-down
  CHECK(endpoint.share_of_weight(std::chrono::seconds(30)) < 1024);     // and the weight grows slowly
  fixture.registry.on_health("app", "app http://127.0.0.1:9 ", false);  // from an old snapshot
}

TEST_CASE("registry: an endpoint may start as down, and is up when its checks are taken away") {
  UpstreamFixture fixture({1});
  std::vector<GroupModel> models;
  models.push_back(model_of("app", {1, 2}));
  models[0].health.emplace().starts_down = true;
  std::vector<GroupRef> groups = fixture.registry.adopt(models);
  for (size_t i : {0, 1}) CHECK(groups[0]->endpoint(i)->availability() == Availability::down);
  fixture.registry.on_health("app", endpoint_key(models[0], models[0].endpoints[1]), true);
  groups = fixture.registry.adopt(models);
  CHECK(groups[0]->endpoint(0)->availability() == Availability::down);
  CHECK(groups[0]->endpoint(1)->availability() == Availability::available);
  models[0].health.reset();
  groups = fixture.registry.adopt(models);
  CHECK(groups[0]->endpoint(0)->availability() == Availability::available);
}
