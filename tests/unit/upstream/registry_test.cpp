#include "upstream/registry.h"

#include <doctest/doctest.h>

#include "unit/upstream/upstream_world.h"

using namespace postern;
using namespace postern::upstream;
using support::answers;
using support::response_text;

TEST_CASE("registry: adopting keeps the endpoints that are still named, with connections and load") {
  UpstreamWorld world({1, 2});
  world.upstream.at(1).behaviour = answers(response_text("x"));
  world.use_and_return(0);
  Lease busy = world.connected(1);
  world.endpoint(1).rest_after_failure();
  const std::vector<GroupModel> next = [] {
    std::vector<GroupModel> models;
    models.push_back(model_of("app", {2, 1, 3}));
    return models;
  }();
  std::vector<GroupRef> groups = world.registry.adopt(next);
  world.world.settle();
  REQUIRE(groups.size() == 1);
  REQUIRE(groups[0]->size() == 3);
  CHECK(&*groups[0]->endpoint(0) == &world.endpoint(1));
  CHECK(&*groups[0]->endpoint(1) == &world.endpoint(0));
  CHECK(groups[0]->endpoint(0)->load() == 1);
  CHECK(groups[0]->endpoint(0)->standing() == Standing::resting);
  CHECK(take_idle(world.world.turn, *groups[0], 1, base::no_limit));
  world.groups = groups;
  world.models.clear();
  world.groups.clear();
}

TEST_CASE("registry: an endpoint that is no longer named retires, and lives as long as its leases") {
  UpstreamWorld world({1, 2});
  world.upstream.at(1).behaviour = answers(response_text("x"));
  world.use_and_return(0);
  Lease busy = world.connected(0);
  world.exchange(busy);
  CHECK(world.upstream.at(1).open_count() == 2);
  std::vector<GroupModel> next;
  next.push_back(model_of("app", {2}));
  std::vector<GroupRef> groups = world.registry.adopt(next);
  world.world.settle();
  CHECK(world.upstream.at(1).open_count() == 1);  // the one in use
  world.groups.clear();                           // the old pin is gone
  CHECK(busy.endpoint()->load() == 1);
  busy = {};
  world.world.settle();
  CHECK(world.upstream.at(1).open_count() == 0);
  world.groups = std::move(groups);
  world.groups.clear();
}

TEST_CASE("registry: the same address in two groups, or with other TLS settings, is two endpoints") {
  UpstreamWorld world({1});
  std::vector<GroupModel> models;
  models.push_back(model_of("app", {1}));
  models.push_back(model_of("other", {1}));
  std::vector<GroupRef> groups = world.registry.adopt(models);
  CHECK(&*groups[0]->endpoint(0) != &*groups[1]->endpoint(0));
  CHECK(&*groups[0]->endpoint(0) == &world.endpoint(0));
  std::vector<GroupModel> secured;
  secured.push_back(model_of("app", {1}));
  secured[0].tls_identity = "ca.pem||verified";
  std::vector<GroupRef> after = world.registry.adopt(secured);
  CHECK(&*after[0]->endpoint(0) != &*groups[0]->endpoint(0));
}

TEST_CASE("registry: new limits reach the endpoints that stay") {
  UpstreamWorld world({1});
  world.upstream.at(1).behaviour = answers(response_text("x"));
  std::vector<GroupModel> next;
  next.push_back(model_of("app", {1}));
  next[0].keepalive_connections = 0;
  std::vector<GroupRef> groups = world.registry.adopt(next);
  world.use_and_return();
  world.world.settle();
  CHECK(world.upstream.open_count() == 0);
}
