#include "state/process_state.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace postern;
using namespace postern::state;
using namespace std::chrono_literals;

TEST_CASE("process state: what a reload names again continues, for every worker") {
  ProcessState state;
  const Names names{.rate_limits = {{"public", 1, 1h, 1}},
                    .keys = {},
                    .socket_counts = {"chat"},
                    .stream_counts = {"chat"},
                    .admission_lines = {"chat"}};
  const Bindings before = state.bind(names);
  const Bindings after = state.bind(names);
  CHECK(after.rate_limits == before.rate_limits);
  CHECK(after.socket_counts == before.socket_counts);
  CHECK(after.stream_counts == before.stream_counts);
  CHECK(after.admission_lines == before.admission_lines);
  CHECK(before.socket_counts != before.stream_counts);
}

TEST_CASE("process state: a limit with other settings begins anew, and who uses the one of before keeps it") {
  ProcessState state;
  const Names small{.rate_limits = {{"public", 1, 1h, 1}, {"other", 1, 1h, 1}}};
  const Names large{.rate_limits = {{"public", 1, 1h, 2}, {"other", 1, 1h, 1}}};
  const Bindings before = state.bind(small);
  const RateLimiter::Key key = before.rate_limits[0]->key_of('r', "a");
  CHECK(before.rate_limits[0]->take(key, {}).passes);
  const Bindings after = state.bind(large);
  CHECK(after.rate_limits[0] != before.rate_limits[0]);
  CHECK(after.rate_limits[1] == before.rate_limits[1]);
  CHECK_FALSE(before.rate_limits[0]->take(key, {}).passes);
  CHECK(state.bind(small).rate_limits[0] != before.rate_limits[0]);  // replaced by the one of `large`
}

TEST_CASE("process state: what nobody names or uses is dropped") {
  ProcessState state;
  const Names names{.rate_limits = {{"public", 1, 1h, 1}}, .socket_counts = {"chat"}};
  Bindings bound = state.bind(names);
  const std::weak_ptr<RateLimiter> limit = bound.rate_limits[0];
  const std::weak_ptr<SocketCounts> counts = bound.socket_counts[0];
  const auto permit = SocketCounts::enter(bound.socket_counts[0], "all", 5);
  bound = state.bind({});
  CHECK(limit.expired());
  CHECK_FALSE(counts.expired());  // a socket is open
  CHECK(state.bind(names).socket_counts[0] == counts.lock());
}

TEST_CASE("by name: threads that ask for a name at the same time get one object") {
  ByName<int> all;
  const std::shared_ptr<int> first = all.of("a");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int ask = 0; ask < 500; ++ask) {
        CHECK(all.of("a") == first);
        all.of(std::to_string(ask % 7));
        all.forget_unused();
      }
    });
  for (std::thread& thread : threads) thread.join();
  all.forget_unused();
  CHECK(all.size() == 1);
}
