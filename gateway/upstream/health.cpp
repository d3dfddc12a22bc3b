#include "upstream/health.h"

namespace postern::upstream {

bool HealthCount::record(bool passed, const HealthModel& model) {
  if (passed != last_passed_) in_a_row_ = 0;
  last_passed_ = passed;
  ++in_a_row_;
  if (passed == up_) return false;
  if (passed ? known_ && in_a_row_ < model.healthy : in_a_row_ < model.unhealthy) return false;
  up_ = passed;
  known_ = true;
  return true;
}

}  // namespace postern::upstream
