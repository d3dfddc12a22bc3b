#include "upstream/retry_budget.h"

namespace postern::upstream {

bool RetryBudget::take_retry(base::Instant now, const RetryBudgetModel& model) {
  const int64_t current = number_of(now);
  uint64_t requests = 0;
  uint64_t retries = 0;
  for (const Second& second : window_) {
    if (second.number <= current - window_seconds) continue;
    requests += second.requests;
    retries += second.retries;
  }
  const uint64_t always = uint64_t{model.per_second} * static_cast<uint64_t>(window_seconds);
  if (retries >= always + requests * model.percent / 100) return false;
  ++second_of(now).retries;
  return true;
}

}  // namespace postern::upstream
