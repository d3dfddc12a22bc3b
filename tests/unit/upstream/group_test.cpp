#include "upstream/group.h"

#include <doctest/doctest.h>

#include "unit/upstream/upstream_world.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

TEST_CASE("group: round robin takes the endpoints in turn") {
  UpstreamWorld world({1, 2, 3});
  std::vector<size_t> picked;
  for (int i = 0; i < 6; ++i) picked.push_back(*world.group().pick({}));
  CHECK(picked == std::vector<size_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("group: an endpoint that was tried is not picked again, and when all were there is none") {
  UpstreamWorld world({1, 2});
  CHECK(world.group().pick({0}) == 1);
  CHECK(world.group().pick({0}) == 1);
  CHECK(world.group().pick({1}) == 0);
  CHECK_FALSE(world.group().pick({0, 1}).has_value());
  CHECK_FALSE(world.group().pick({1, 0}).has_value());
}

TEST_CASE("group: least connections prefers the endpoint with the smallest load") {
  UpstreamWorld world({1, 2, 3}, Balance::least_connections);
  Lease first = world.connected(0);
  Lease second = world.connected(2);
  for (int i = 0; i < 3; ++i) CHECK(world.group().pick({}) == 1);
  Lease third = world.connected(1);
  Lease fourth = world.connected(1);
  CHECK(world.endpoint(1).load() == 2);
  CHECK(world.group().pick({}) != 1);
  CHECK(world.group().pick({0, 2}) == 1);
}

TEST_CASE("group: least connections takes turns among equals") {
  UpstreamWorld world({1, 2}, Balance::least_connections);
  const auto first = world.group().pick({});
  const auto second = world.group().pick({});
  CHECK(first != second);
}

TEST_CASE("group: an endpoint that rests after a failure comes last, and in turn again after a second") {
  for (Balance balance : {Balance::round_robin, Balance::least_connections}) {
    UpstreamWorld world({1, 2, 3}, balance);
    world.upstream.at(2).reach = support::Reach::refused;
    Connecting failed(world.world, world.upstream, world.group(), 1);
    REQUIRE(failed.outcome.has_value());
    CHECK_FALSE(failed.outcome->has_value());
    CHECK(failed.tried == "127.0.0.1:2 refused");
    CHECK(world.endpoint(1).standing() == Standing::resting);
    for (int i = 0; i < 6; ++i) CHECK(world.group().pick({}) != 1);
    CHECK(world.group().pick({0, 2}) == 1);  // better than none
    world.world.advance(1100ms);
    CHECK(world.endpoint(1).standing() == Standing::available);
    bool picked = false;
    for (int i = 0; i < 3; ++i) picked = world.group().pick({}) == 1 || picked;
    CHECK(picked);
  }
}

TEST_CASE("group: a resting endpoint is picked when it is the only one") {
  UpstreamWorld world({1});
  world.endpoint(0).rest_after_failure();
  CHECK(world.group().pick({}) == 0);
}
