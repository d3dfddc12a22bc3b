#include "state/socket_counts.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace postern::state;

TEST_CASE("socket counts: a key has as many places as the limit, and gets one back from who leaves") {
  const auto counts = std::make_shared<SocketCounts>();
  auto first = SocketCounts::enter(counts, "a", 2);
  auto second = SocketCounts::enter(counts, "a", 2);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(SocketCounts::enter(counts, "a", 2));
  CHECK(SocketCounts::enter(counts, "b", 2));
  first.reset();
  CHECK(SocketCounts::enter(counts, "a", 2));
  second.reset();
  CHECK(counts->keys() == 0);
}

TEST_CASE("socket counts: a place that moves is left once, and outlives whoever gave it") {
  auto counts = std::make_shared<SocketCounts>();
  std::vector<SocketCounts::Permit> places;
  places.push_back(std::move(*SocketCounts::enter(counts, "a", 1)));
  CHECK(counts->keys() == 1);
  std::weak_ptr<SocketCounts> watched = counts;
  counts.reset();
  CHECK_FALSE(watched.expired());
  places.clear();
  CHECK(watched.expired());
}

TEST_CASE("socket counts: threads never have more places than there are") {
  const auto counts = std::make_shared<SocketCounts>();
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        const auto place = SocketCounts::enter(counts, "a", 2);
        if (!place) continue;
        const int now = ++open;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        --open;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(most <= 2);
  CHECK(counts->keys() == 0);
}
