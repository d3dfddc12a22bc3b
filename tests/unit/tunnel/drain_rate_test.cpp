#include "tunnel/drain_rate.h"

#include <doctest/doctest.h>

using namespace postern::tunnel;
using namespace std::chrono_literals;

TEST_CASE("drain rate: a share of them, but never too few and never for too long") {
  const DrainRate usual;
  CHECK(usual.per_second(0) == 10);
  CHECK(usual.per_second(100) == 10);
  CHECK(usual.per_second(10'000) == 200);
  CHECK(DrainRate{0.1, 10, 60s}.per_second(60'000) == 1000);
  CHECK(DrainRate{2, 10, 1s}.per_second(500) == 500);
  CHECK(DrainRate{0, 1, 0s}.per_second(5) > 1'000'000);
}
