#include "tunnel/route_sockets.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

struct Line {
  Line(double per_second, double burst, base::Duration wait) : rules{per_second, burst, wait, 0} {}
  std::optional<base::Duration> admit(RouteSockets& worker, base::Instant now) const {
    return worker.admit(rules, line, now);
  }
  routing::Admission rules;
  std::shared_ptr<state::AdmissionLine> line = std::make_shared<state::AdmissionLine>();
};

}  // namespace

TEST_CASE("route sockets: workers let in what the rules say together, each socket in its turn") {
  const Line line(2, 2, 1s);
  RouteSockets workers[8];
  CHECK(line.admit(workers[0], start) == 0ns);
  CHECK(line.admit(workers[1], start) == 0ns);
  CHECK(line.admit(workers[2], start) == 500ms);
  CHECK(line.admit(workers[2], start) == 1s);
  CHECK_FALSE(line.admit(workers[3], start));
  CHECK(workers[0].is_admitting(start));
  CHECK_FALSE(workers[0].is_admitting(start + 2s));
  for (int i = 0; i < 16; ++i)  // slower than the rate, all by one worker
    CHECK(line.admit(workers[4], start + 2s + i * 500ms) == 0ns);
}

TEST_CASE("route sockets: other rules of a reload continue the line, whichever are asked by first") {
  const Line before(1, 1, 10s);
  Line after(1, 1, 10s);
  after.line = before.line;
  RouteSockets one;
  RouteSockets other;
  for (int i = 0; i < 4; ++i) CHECK(before.admit(one, start) == i * 1s);
  CHECK(after.admit(one, start) == 4s);
  CHECK(before.admit(one, start) == 5s);  // an exchange that began earlier
  CHECK(after.admit(other, start) == 6s);
  CHECK(after.admit(one, start) == 7s);
}

TEST_CASE("route sockets: many threads get as many turns as there are") {
  const Line line(10, 100, 1s);
  std::atomic<int> let_in{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      RouteSockets worker;
      for (int ask = 0; ask < 100; ++ask)
        if (line.admit(worker, start)) ++let_in;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(let_in == 110);
}
