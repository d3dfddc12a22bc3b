#include "upstream/health.h"

#include <doctest/doctest.h>

using namespace postern::upstream;

TEST_CASE("health: an endpoint starts as up, and goes down after so many failed checks in a row") {
  const HealthModel model;  // 2 up, 3 down
  HealthCount count(false);
  CHECK(count.up());
  CHECK_FALSE(count.in_doubt());
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(count.record(false, model));
    CHECK_FALSE(count.record(false, model));
    CHECK(count.in_doubt());
    CHECK_FALSE(count.record(true, model));
    CHECK_FALSE(count.in_doubt());
  }
  CHECK_FALSE(count.record(false, model));
  CHECK_FALSE(count.record(false, model));
  CHECK(count.record(false, model));
  CHECK_FALSE(count.up());
  CHECK(count.in_a_row() == 3);
  CHECK_FALSE(count.record(false, model));
}

TEST_CASE("health: and up again after so many good ones in a row") {
  const HealthModel model;
  HealthCount count(false);
  for (int i = 0; i < 3; ++i) static_cast<void>(count.record(false, model));
  CHECK_FALSE(count.record(true, model));
  CHECK_FALSE(count.record(false, model));
  CHECK_FALSE(count.record(true, model));
  CHECK(count.in_doubt());
  CHECK(count.record(true, model));
  CHECK(count.up());
  CHECK(count.in_a_row() == 2);
  CHECK_FALSE(count.in_doubt());
}

TEST_CASE("health: one that starts as down comes up with its first good check, once") {
  HealthModel model;
  model.healthy = 5;
  HealthCount count(true);
  CHECK_FALSE(count.up());
  CHECK_FALSE(count.record(false, model));
  CHECK(count.record(true, model));
  for (int i = 0; i < 3; ++i) static_cast<void>(count.record(false, model));
  CHECK_FALSE(count.up());
  CHECK_FALSE(count.record(true, model));
}

TEST_CASE("health: a status passes by any of its ranges") {
  HealthModel model;
  CHECK(model.takes(200));
  CHECK(model.takes(399));
  CHECK_FALSE(model.takes(400));
  model.statuses = {{204, 204}, {300, 301}};
  CHECK(model.takes(204));
  CHECK(model.takes(301));
  CHECK_FALSE(model.takes(200));
  CHECK_FALSE(model.takes(205));
}
