#include "state/client_counts.h"

#include <doctest/doctest.h>

#include <optional>
#include <thread>
#include <vector>

using namespace postern;
using state::ClientCounts;

namespace {

base::IpAddress address(const char* text) { return *base::IpAddress::parse(text); }

}  // namespace

TEST_CASE("client counts: a client has as many places as the limit says, and gets them back") {
  ClientCounts counts;
  ClientCounts::Permit first = counts.enter(address("192.0.2.1"), 2);
  ClientCounts::Permit second = counts.enter(address("192.0.2.1"), 2);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(counts.enter(address("192.0.2.1"), 2));
  CHECK(counts.enter(address("192.0.2.2"), 2));
  first = {};
  CHECK(counts.enter(address("192.0.2.1"), 2));
  CHECK(counts.clients() == 1);
  second = {};
  CHECK(counts.clients() == 0);
}

TEST_CASE("client counts: an IPv6 client is its /64, and no IPv4 client") {
  ClientCounts counts;
  const ClientCounts::Permit first = counts.enter(address("2001:db8::1"), 1);
  CHECK(first);
  CHECK_FALSE(counts.enter(address("2001:db8::ffff:2"), 1));
  CHECK(counts.enter(address("2001:db8:0:1::1"), 1));
  const ClientCounts::Permit v4 = counts.enter(address("32.1.13.184"), 1);  // the same first bytes
  CHECK(v4);
}

TEST_CASE("client counts: threads never exceed a limit, and nothing is left of clients that went") {
  ClientCounts counts;
  constexpr uint32_t limit = 10;
  std::atomic<uint32_t> inside{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      std::vector<ClientCounts::Permit> held;
      for (int i = 0; i < 5000; ++i) {
        ClientCounts::Permit permit = counts.enter(address("192.0.2.1"), limit);
        if (!permit) {
          inside -= static_cast<uint32_t>(held.size());
          held.clear();
          continue;
        }
        if (++inside > limit) exceeded = true;
        held.push_back(std::move(permit));
      }
      inside -= static_cast<uint32_t>(held.size());
      held.clear();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(exceeded.load());
  CHECK(counts.clients() == 0);
}
