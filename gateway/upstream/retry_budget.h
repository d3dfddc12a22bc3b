// Limits the retries of an upstream in one worker to a share of its recent requests plus a small constant
// rate, so that an outage does not multiply the load on the remaining endpoints.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace postern::upstream {

struct RetryBudgetModel {
  uint32_t percent = 20;     // of the requests in the window
  uint32_t per_second = 10;  // always allowed, as an average over the window
};

class RetryBudget {
 public:
  void count_request(base::Instant now) { ++second_of(now).requests; }
  // Returns true when one more retry is within the budget, and counts it.
  bool take_retry(base::Instant now, const RetryBudgetModel& model);

  static constexpr int64_t window_seconds = 10;

 private:
  struct Second {
    int64_t number = -1;
    uint32_t requests = 0;
    uint32_t retries = 0;
  };
  static int64_t number_of(base::Instant now) {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  }
  Second& second_of(base::Instant now) {
    const int64_t number = number_of(now);
    Second& second = window_[static_cast<size_t>(number % window_seconds)];
    if (second.number != number) second = Second{number, 0, 0};
    return second;
  }

  std::array<Second, window_seconds> window_;
};

}  // namespace postern::upstream
