#include "proxy/silent_routes.h"

#include <doctest/doctest.h>

#include <utility>

using namespace postern;
using namespace postern::proxy;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

// One worker, looking at one route.
struct Looks {
  SilentRoutes& routes;
  uint32_t before = 0;
  SilentRoutes::Verdict at(base::Instant now, uint32_t waiting, base::Instant last_message = {}) {
    return routes.look("all", std::exchange(before, waiting), {waiting, start, last_message}, now);
  }
};

}  // namespace

TEST_CASE("silent routes: a few sockets on each worker are several, and the finding is told once") {
  SilentRoutes routes;
  Looks one{routes};
  Looks other{routes};
  CHECK_FALSE(one.at(start + 5min, 2).silent);
  const SilentRoutes::Verdict verdict = other.at(start + 5min, 1);
  CHECK(verdict.found);
  CHECK(verdict.sockets == 3);
  CHECK(verdict.quiet == 5min);
  CHECK(one.at(start + 6min, 2).silent);
  CHECK_FALSE(one.at(start + 6min, 2).found);
  CHECK_FALSE(other.at(start + 6min, 0).silent);  // it has left
  CHECK(routes.look("another", 0, {2, start, {}}, start + 5min).sockets == 2);
}

TEST_CASE("silent routes: what a socket of one worker hears speaks for those of all") {
  SilentRoutes routes;
  Looks one{routes};
  Looks other{routes};
  one.at(start + 5min, 0, start + 4min + 50s);
  CHECK_FALSE(other.at(start + 5min, 3).silent);
  CHECK_FALSE(other.at(start + 10min, 3).silent);  // the other has not looked since
  const SilentRoutes::Verdict verdict = other.at(start + 10min + 20s, 3);
  CHECK(verdict.found);
  CHECK(verdict.quiet == 5min + 30s);
}
