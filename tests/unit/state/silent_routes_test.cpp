#include "state/silent_routes.h"

#include <doctest/doctest.h>

#include <utility>

using namespace postern;
using namespace postern::state;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

// One worker that looks at one route.
struct Looks {
  SilentRoutes& routes;
  uint32_t before = 0;
  SilentRoutes::Finding at(base::Instant now, uint32_t waiting, base::Instant last_message = {}) {
    return routes.look("all", std::exchange(before, waiting), {waiting, start, last_message}, now);
  }
};

}  // namespace

TEST_CASE("silent routes: a few sockets on each worker are several, and the finding is told once") {
  SilentRoutes routes;
  Looks one{routes};
  Looks other{routes};
  CHECK_FALSE(one.at(start + 5min, 2).silent);
  const SilentRoutes::Finding finding = other.at(start + 5min, 1);
  CHECK(finding.found);
  CHECK(finding.sockets == 3);
  CHECK(finding.quiet == 5min);
  CHECK(one.at(start + 6min, 2).silent);
  CHECK_FALSE(one.at(start + 6min, 2).found);
  CHECK_FALSE(other.at(start + 6min, 0).silent);  // the socket has left
  CHECK(routes.look("another", 0, {2, start, {}}, start + 5min).sockets == 2);
}

TEST_CASE("silent routes: what a socket of one worker hears speaks for those of all") {
  SilentRoutes routes;
  Looks one{routes};
  Looks other{routes};
  one.at(start + 5min, 0, start + 4min + 50s);
  CHECK_FALSE(other.at(start + 5min, 3).silent);
  CHECK_FALSE(other.at(start + 10min, 3).silent);  // the other worker has not looked since
  const SilentRoutes::Finding finding = other.at(start + 10min + 20s, 3);
  CHECK(finding.found);
  CHECK(finding.quiet == 5min + 30s);
}

TEST_CASE("silent routes: one page alone is found when it waits for long, and not before") {
  SilentRoutes routes;
  Looks page{routes};
  for (base::Duration at = 5min; at < 20min; at += 30s) CHECK_FALSE(page.at(start + at, 1).silent);
  const SilentRoutes::Finding finding = page.at(start + 20min, 1);
  CHECK(finding.found);
  CHECK(finding.sockets == 1);
  CHECK(finding.quiet == 20min);
  CHECK_FALSE(page.at(start + 21min, 1, start + 20min + 30s).silent);  // it has received a message
  CHECK_FALSE(page.at(start + 30min, 1, start + 20min + 30s).silent);
  CHECK(page.at(start + 40min + 30s, 1, start + 20min + 30s).found);  // and then nothing again
}

TEST_CASE("silent routes: one page that is opened again and again, and waits each time, is found") {
  SilentRoutes routes;
  uint32_t before = 0;
  const auto look = [&](base::Duration at, uint32_t waiting, base::Duration greeted,
                        base::Instant heard = {}) {
    return routes.look("all", std::exchange(before, waiting), {waiting, start + greeted, heard}, start + at);
  };
  CHECK_FALSE(look(6min, 1, 0min).silent);
  CHECK_FALSE(look(7min, 0, 0min).silent);  // it has left
  CHECK_FALSE(look(14min, 1, 8min).silent);
  CHECK_FALSE(look(15min, 0, 0min).silent);
  CHECK(look(22min, 1, 16min).found);
  CHECK_FALSE(look(23min, 0, 0min).silent);
  CHECK(look(30min, 1, 24min).found);
  // One received message counts for the whole route: the count starts again.
  CHECK_FALSE(look(31min, 1, 24min, start + 30min + 30s).silent);
  CHECK_FALSE(look(37min, 0, 0min, start + 30min + 30s).silent);
  CHECK_FALSE(look(44min, 1, 38min, start + 30min + 30s).silent);
  // Visits of hours ago do not count either.
  CHECK_FALSE(look(46min, 0, 0min, start + 30min + 30s).silent);
  CHECK_FALSE(look(46min + 3h, 0, 0min).silent);
  CHECK_FALSE(look(52min + 3h, 1, 46min + 3h).silent);
}

TEST_CASE("silent routes: a route that is named no more is forgotten once none of its sockets waits") {
  SilentRoutes routes;
  uint32_t before = 0;
  const auto look = [&](base::Duration at, uint32_t waiting, base::Duration greeted) {
    return routes.look("gone", std::exchange(before, waiting), {waiting, start + greeted, {}}, start + at);
  };
  look(6min, 1, 0min);
  look(7min, 0, 0min);
  look(14min, 1, 8min);
  look(15min, 0, 0min);
  routes.keep_only({"other"});
  CHECK_FALSE(look(22min, 1, 16min).found);  // at the third visit it would have been
  routes.keep_only({"other"});
  CHECK(look(23min, 1, 16min).sockets == 1);  // it waits, so it has stayed
}
