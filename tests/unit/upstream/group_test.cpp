#include "upstream/group.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "unit/upstream/upstream_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

TEST_CASE("group: round robin takes the endpoints in turn") {
  UpstreamFixture fixture({1, 2, 3});
  std::vector<size_t> picked;
  for (int i = 0; i < 6; ++i) picked.push_back(*fixture.picked());
  CHECK(picked == std::vector<size_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("group: an endpoint that was tried is not picked again, and when all were there is none") {
  UpstreamFixture fixture({1, 2});
  CHECK(fixture.picked({0}) == 1);
  CHECK(fixture.picked({0}) == 1);
  CHECK(fixture.picked({1}) == 0);
  CHECK_FALSE(fixture.picked({0, 1}).has_value());
  CHECK_FALSE(fixture.picked({1, 0}).has_value());
}

TEST_CASE("group: least connections prefers the endpoint with the smallest load") {
  UpstreamFixture fixture({1, 2, 3}, Balance::least_connections);
  Lease first = fixture.connected(0);
  Lease second = fixture.connected(2);
  for (int i = 0; i < 3; ++i) CHECK(fixture.picked() == 1);
  Lease third = fixture.connected(1);
  Lease fourth = fixture.connected(1);
  CHECK(fixture.endpoint(1).load() == 2);
  CHECK(fixture.picked() != 1);
  CHECK(fixture.picked({0, 2}) == 1);
}

TEST_CASE("group: least connections takes turns among equals") {
  UpstreamFixture fixture({1, 2}, Balance::least_connections);
  const auto first = fixture.picked();
  const auto second = fixture.picked();
  CHECK(first != second);
}

TEST_CASE("group: an endpoint that rests after a failure comes last, and in turn again after a second") {
  for (Balance balance : {Balance::round_robin, Balance::least_connections}) {
    UpstreamFixture fixture({1, 2, 3}, balance);
    fixture.upstream.at(2).reach = support::Reach::refused;
    Connecting failed(fixture.turns, fixture.connector, fixture.group(), 1);
    REQUIRE(failed.outcome.has_value());
    CHECK_FALSE(failed.outcome->has_value());
    CHECK(failed.tried == "127.0.0.1:2 refused");
    CHECK(fixture.endpoint(1).availability() == Availability::cooling_down);
    for (int i = 0; i < 6; ++i) CHECK(fixture.picked() != 1);
    CHECK(fixture.picked({0, 2}) == 1);  // better than no endpoint
    fixture.turns.advance(1100ms);
    CHECK(fixture.endpoint(1).availability() == Availability::available);
    bool picked = false;
    for (int i = 0; i < 3; ++i) picked = fixture.picked() == 1 || picked;
    CHECK(picked);
  }
}

TEST_CASE("group: a resting endpoint is picked when it is the only one") {
  UpstreamFixture fixture({1});
  fixture.endpoint(0).cool_down();
  CHECK(fixture.picked() == 0);
}

namespace {

GroupModel three_of(Balance balance) { return model_of("app", {1, 2, 3}, balance); }

constexpr std::array all_balances = {Balance::round_robin, Balance::least_connections,
                                     Balance::power_of_two_choices, Balance::random, Balance::hash};

}  // namespace

TEST_CASE("group: whatever the balance, only what is there and untried is picked") {
  for (const Balance balance : all_balances) {
    UpstreamFixture fixture(three_of(balance));
    for (int i = 0; i < 20; ++i) {
      CHECK(fixture.picked({0, 2}) == 1);
      CHECK(fixture.picked({0}).value_or(0) != 0);
    }
    const Pick none = fixture.pick({0, 1, 2});
    CHECK_FALSE(none.permit);
    CHECK_FALSE(none.at_limit);
  }
}

TEST_CASE("group: a backup is picked only when no other is available, or left to try") {
  for (const Balance balance : all_balances) {
    GroupModel model = three_of(balance);
    model.endpoints[0].backup = true;
    UpstreamFixture fixture(std::move(model));
    for (int i = 0; i < 20; ++i) CHECK(fixture.picked() != 0);
    CHECK(fixture.picked({1, 2}) == 0);
    fixture.endpoint(1).cool_down();
    for (int i = 0; i < 5; ++i) CHECK(fixture.picked() == 2);
    fixture.endpoint(2).cool_down();
    for (int i = 0; i < 5; ++i) CHECK(fixture.picked() == 0);
    CHECK(fixture.picked({0}).has_value());  // better than no endpoint
    fixture.turns.advance(1100ms);
    for (int i = 0; i < 5; ++i) CHECK(fixture.picked() != 0);
  }
}

TEST_CASE("group: an endpoint takes max_requests and not one more, and one more when one ends") {
  GroupModel model = model_of("app", {1, 2});
  model.endpoints[0].max_requests = 2;
  model.endpoints[1].max_requests = 1;
  UpstreamFixture fixture(std::move(model));
  std::vector<Pick> held;
  for (int i = 0; i < 3; ++i) held.push_back(fixture.pick());
  for (const Pick& pick : held) CHECK(pick.permit);
  CHECK(fixture.endpoint(0).load() == 2);
  CHECK(fixture.endpoint(1).load() == 1);
  const Pick refused = fixture.pick();
  CHECK_FALSE(refused.permit);
  CHECK(refused.at_limit);
  held.pop_back();
  CHECK(fixture.pick().permit);
}

TEST_CASE("group: a backup does not stand in for what is at its limit; one of a tried endpoint does") {
  GroupModel model = model_of("app", {1, 2});
  model.endpoints[0].max_requests = 1;
  model.endpoints[1].backup = true;
  UpstreamFixture fixture(std::move(model));
  const Pick held = fixture.pick();
  CHECK(held.index == 0);
  CHECK(fixture.pick().at_limit);
  CHECK(fixture.picked({0}) == 1);
  fixture.endpoint(0).cool_down();
  CHECK(fixture.picked() == 1);
}

TEST_CASE("group: max_requests holds for all workers of the process together") {
  GroupModel model = model_of("app", {1});
  model.endpoints[0].max_requests = 3;
  UpstreamFixture fixture(std::move(model));
  Registry other(fixture.turns.turn, fixture.process_loads, 2);
  const std::vector<GroupRef> others = other.adopt(fixture.models);
  const RequestView request{fixture.client, fixture.headers, {}};
  const Pick first = fixture.pick();
  const Pick second = others[0]->pick(request, {});
  std::optional<Pick> third = others[0]->pick(request, {});
  CHECK(first.permit);
  CHECK(second.permit);
  CHECK(third->permit);
  CHECK(fixture.pick().at_limit);
  CHECK(others[0]->pick(request, {}).at_limit);
  CHECK(fixture.endpoint(0).load() == 3);
  third.reset();
  CHECK(fixture.pick().permit);
}

TEST_CASE("group: least connections sees the load of all workers") {
  UpstreamFixture fixture({1, 2}, Balance::least_connections);
  Registry other(fixture.turns.turn, fixture.process_loads, 2);
  const std::vector<GroupRef> others = other.adopt(fixture.models);
  const Permit busy(others[0]->endpoint(0));
  for (int i = 0; i < 4; ++i) CHECK(fixture.picked() == 1);
}

TEST_CASE("group: a hash sends equal values to one endpoint, and what has no value in turn") {
  using Kind = HashSource::Kind;
  for (const Kind kind : {Kind::header, Kind::cookie, Kind::query}) {
    GroupModel model = three_of(Balance::hash);
    model.hash = {kind, "user"};
    UpstreamFixture fixture(std::move(model));
    std::array<int, 3> count{};
    for (int user = 0; user < 90; ++user) {
      const std::string value = std::to_string(user);
      const std::string cookies = "a=b; user=" + value + "; c=d";
      const std::string query = "a=b&user=" + value + "&c=d";
      http::Headers headers;
      headers.add("User", value);
      headers.add("Cookie", "x=y");
      headers.add("Cookie", cookies);
      const RequestView request{fixture.client, headers, query};
      const size_t index = fixture.group().pick(request, {}).index;
      for (int again = 0; again < 3; ++again) CHECK(fixture.group().pick(request, {}).index == index);
      ++count[index];
    }
    for (const int each : count) CHECK(each > 10);
    std::vector<size_t> without;
    for (int i = 0; i < 3; ++i) without.push_back(*fixture.picked());
    CHECK(without == std::vector<size_t>{0, 1, 2});
  }
}

TEST_CASE("group: a hash of the client's address tells IPv4 and IPv6 clients apart by the whole of it") {
  UpstreamFixture fixture(three_of(Balance::hash));
  std::array<int, 3> count{};
  for (uint8_t last = 0; last < 200; ++last) {
    std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
    bytes[15] = last;
    fixture.client = last % 2 ? base::IpAddress::v4({10, 0, 0, last}) : base::IpAddress::v6(bytes);
    const auto index = fixture.picked();
    CHECK(fixture.picked() == index);
    ++count[*index];
  }
  for (const int each : count) CHECK(each > 30);
}

TEST_CASE("group: a hash keeps its choice when an endpoint rests, but for the resting one's own keys") {
  GroupModel model = three_of(Balance::hash);
  UpstreamFixture fixture(std::move(model));
  std::vector<size_t> before;
  const auto client = [](uint8_t last) { return base::IpAddress::v4({10, 0, 0, last}); };
  for (uint8_t last = 0; last < 100; ++last) {
    fixture.client = client(last);
    before.push_back(*fixture.picked());
  }
  fixture.endpoint(1).cool_down();
  for (uint8_t last = 0; last < 100; ++last) {
    fixture.client = client(last);
    if (before[last] == 1)
      CHECK(fixture.picked() != 1);
    else
      CHECK(fixture.picked() == before[last]);
  }
}

TEST_CASE("group: weights hold with every balance that has no state to look at") {
  for (const Balance balance : {Balance::round_robin, Balance::least_connections, Balance::random}) {
    GroupModel model = model_of("app", {1, 2}, balance);
    model.endpoints[1].weight = 3;
    UpstreamFixture fixture(std::move(model));
    int second = 0;
    for (int i = 0; i < 4'000; ++i) second += fixture.picked() == 1 ? 1 : 0;
    CHECK(std::abs(second - 3'000) < 120);
  }
}

TEST_CASE("group: after it came up an endpoint's share grows from little to all of it") {
  GroupModel model = model_of("app", {1, 2});
  model.slow_start = 30s;
  UpstreamFixture fixture(std::move(model));
  const auto share = [&] {
    int second = 0;
    for (int i = 0; i < 1'000; ++i) second += fixture.picked() == 1 ? 1 : 0;
    return second;
  };
  CHECK(share() == 500);  // it was up all along
  fixture.endpoint(1).came_up(fixture.turns.turn.now);
  CHECK(std::abs(share() - 15) < 5);  // 16/1024 of the other's weight
  fixture.turns.advance(10s);
  CHECK(std::abs(share() - 250) < 5);  // a third of the other's weight
  fixture.turns.advance(10s);
  CHECK(std::abs(share() - 400) < 5);
  fixture.turns.advance(10s);
  CHECK(share() == 500);
}

TEST_CASE("group: slow start begins when a rest after a failure is over") {
  GroupModel model = model_of("app", {1});
  UpstreamFixture fixture(std::move(model));
  fixture.endpoint(0).cool_down();
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 16);
  fixture.turns.advance(1s);
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 16);
  fixture.turns.advance(5s);
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 512);
  CHECK(fixture.endpoint(0).share_of_weight(0s) == 1024);
  fixture.turns.advance(5s);
  CHECK(fixture.endpoint(0).share_of_weight(10s) == 1024);
}

TEST_CASE("group: the endpoint of a session is picked whatever the balance, while nothing better is there") {
  for (const Balance balance : all_balances) {
    GroupModel model = three_of(balance);
    model.endpoints[2].backup = true;
    UpstreamFixture fixture(std::move(model));
    const auto picked = [&](size_t session, const std::vector<size_t>& tried = {}) {
      return fixture.group().pick({fixture.client, fixture.headers, {}, session}, tried).index;
    };
    for (int i = 0; i < 5; ++i) CHECK(picked(1) == 1);
    for (int i = 0; i < 5; ++i) CHECK(picked(2) != 2);  // no client stays at a backup
    CHECK(picked(1, {1}) == 0);
    fixture.endpoint(1).cool_down();
    CHECK(picked(1) == 0);
    fixture.endpoint(0).cool_down();
    CHECK(picked(2) == 2);
  }
}

TEST_CASE("group: when the endpoint of a session is only at its limit another stands in") {
  GroupModel model = three_of(Balance::round_robin);
  model.endpoints[1].max_requests = 1;
  UpstreamFixture fixture(std::move(model));
  const RequestView request{fixture.client, fixture.headers, {}, 1};
  const Pick first = fixture.group().pick(request, {});
  CHECK(first.index == 1);
  CHECK_FALSE(first.stands_in);
  const Pick second = fixture.group().pick(request, {});
  CHECK(second.index != 1);
  CHECK(second.stands_in);
  fixture.endpoint(1).cool_down();
  CHECK_FALSE(fixture.group().pick(request, {}).stands_in);  // now the endpoint is gone
}
