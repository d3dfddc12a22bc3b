#include "upstream/retry_budget.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

namespace {

int taken(RetryBudget& budget, base::Instant now, const RetryBudgetModel& model, int most = 100'000) {
  int count = 0;
  while (count < most && budget.take_retry(now, model)) ++count;
  return count;
}

constexpr base::Instant start{1h};

}  // namespace

TEST_CASE("retry budget: some are allowed in any case") {
  RetryBudget budget;
  CHECK(taken(budget, start, {.percent = 20, .per_second = 10}) == 100);
  CHECK(taken(budget, start + 1s, {.percent = 20, .per_second = 10}) == 0);
}

TEST_CASE("retry budget: and a share of the requests of the last ten seconds") {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) budget.count_request(start + i * 9ms);
  CHECK(taken(budget, start + 9s, {.percent = 20, .per_second = 0}) == 200);
  CHECK(taken(budget, start + 9s, {.percent = 20, .per_second = 1}) == 10);
}

TEST_CASE("retry budget: what is older than the window is forgotten") {
  RetryBudget budget;
  for (int i = 0; i < 100; ++i) budget.count_request(start);
  CHECK(taken(budget, start, {.percent = 100, .per_second = 0}) == 100);
  CHECK(taken(budget, start + 9s, {.percent = 100, .per_second = 0}) == 0);
  CHECK(taken(budget, start + 10s, {.percent = 100, .per_second = 0}) == 0);  // there were no requests either
  for (int i = 0; i < 5; ++i) budget.count_request(start + 10s);
  CHECK(taken(budget, start + 10s, {.percent = 100, .per_second = 0}) == 5);
}

TEST_CASE("retry budget: of nothing there is nothing") {
  RetryBudget budget;
  for (int i = 0; i < 1000; ++i) budget.count_request(start);
  CHECK(taken(budget, start, {.percent = 0, .per_second = 0}) == 0);
}
