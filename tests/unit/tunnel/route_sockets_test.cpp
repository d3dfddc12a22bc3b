#include "tunnel/route_sockets.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

routing::Admission rules_of(double per_second, double burst, base::Duration wait) {
  return {per_second, burst, wait, std::make_shared<state::AdmissionLine>()};
}

}  // namespace

TEST_CASE("route sockets: workers let in what the rules say together, each socket in its turn") {
  const routing::Admission rules = rules_of(2, 2, 1s);
  RouteSockets workers[8];
  CHECK(workers[0].admit(rules, start) == 0ns);
  CHECK(workers[1].admit(rules, start) == 0ns);
  CHECK(workers[2].admit(rules, start) == 500ms);
  CHECK(workers[2].admit(rules, start) == 1s);
  CHECK_FALSE(workers[3].admit(rules, start));
  CHECK(workers[0].is_admitting(start));
  CHECK_FALSE(workers[0].is_admitting(start + 2s));
  for (int i = 0; i < 16; ++i)  // slower than the rate, all by one worker
    CHECK(workers[4].admit(rules, start + 2s + i * 500ms) == 0ns);
}

TEST_CASE("route sockets: a reload does not begin the line anew, whichever rules are asked by first") {
  const routing::Admission before = rules_of(1, 1, 10s);
  const routing::Admission after = rules_of(1, 1, 10s);
  RouteSockets one;
  RouteSockets other;
  for (int i = 0; i < 4; ++i) CHECK(one.admit(before, start) == i * 1s);
  CHECK(one.admit(after, start) == 4s);
  CHECK(one.admit(before, start) == 5s);  // an exchange that began earlier
  CHECK(other.admit(after, start) == 5s);
  CHECK(one.admit(after, start) == 6s);
}

TEST_CASE("route sockets: many threads get as many turns as there are") {
  const routing::Admission rules = rules_of(10, 100, 1s);
  std::atomic<int> let_in{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      RouteSockets worker;
      for (int ask = 0; ask < 100; ++ask)
        if (worker.admit(rules, start)) ++let_in;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(let_in == 110);
}
