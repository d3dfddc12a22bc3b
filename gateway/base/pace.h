// The least pace that one side of a body must keep, on the average: a side that moves a byte now and then
// never stands still for long, and would hold its connection for ever.
#pragma once

#include <algorithm>

#include "base/scope.h"

namespace postern::base {

// What is asked of one side.
struct PaceRules {
  Duration idle = no_limit;         // it may stand still for so long
  Cause silent = Cause::timed_out;  // then
  uint64_t rate = 0;                // bytes per second, over all the time that it was waited for; 0: any
  Cause slow = Cause::timed_out;    // below that
};

// Only the time spent waiting for this side counts, and what it may stand still for is never too long.
// `phase` is the one that the waits run under; it and the rules outlive the pace.
class Pace {
 public:
  Pace(Turn& turn, Phase& phase, const PaceRules& rules) : turn_(turn), phase_(phase), rules_(rules) {}

  // `moved`: bytes so far.
  void begin_wait(uint64_t moved) {
    began_ = turn_.now;
    const bool paced = rules_.rate != 0 && rules_.idle != no_limit;
    const Duration left = paced ? time_for(moved) - waited_ : no_limit;
    const bool tight = left < rules_.idle;
    phase_.blame(tight ? rules_.slow : rules_.silent);
    phase_.extend(tight ? std::max(left, Duration::zero()) : rules_.idle);
  }
  void end_wait() { waited_ += turn_.now - began_; }

 private:
  Duration time_for(uint64_t moved) const {
    constexpr uint64_t decades = 1'000'000'000;  // in seconds; more would not fit
    const std::chrono::seconds whole(std::min(moved / rules_.rate, decades));
    return rules_.idle + whole + Duration(moved % rules_.rate * 1'000'000'000 / rules_.rate);
  }

  Turn& turn_;
  Phase& phase_;
  const PaceRules& rules_;
  Instant began_{};
  Duration waited_{};
};

}  // namespace postern::base
