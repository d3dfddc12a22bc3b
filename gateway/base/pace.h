// The least pace that one side of a body must keep, on the average: a side that moves a byte now and then
// never stands still for long, and would hold its connection for ever.
#pragma once

#include <algorithm>
#include <optional>

#include "base/scope.h"
#include "base/transit.h"

namespace postern::base {

// What is asked of one side.
struct PaceRules {
  Duration idle = no_limit;         // it may stand still for so long
  Cause silent = Cause::timed_out;  // then
  uint64_t rate = 0;                // bytes per second, over all the time that it was waited for; 0: any
  Cause slow = Cause::timed_out;    // below that
  // Of a side that takes bytes, where it is known: what its system has acknowledged is what it took, and not
  // what has left this process. Our own buffers and the kernel's hold some megabytes, and make no room for
  // minutes while a slow reader empties them.
  const TransitSource* taker = nullptr;
};

// A receive window opens in steps, not byte by byte (RFC 9293 3.8.6.2.2), and on a loopback interface such a
// step is 64 KiB.
constexpr uint64_t window_step = 64 * 1024;
// For how long a taker that keeps the rate may stand still: `idle`, and as long as a step of its window takes
// at that rate, though no more than five times `idle`. Without a rate no step is waited for.
Duration longest_standstill(const PaceRules& rules);

// Only the time spent waiting for this side counts, and what it may stand still for is never too long.
// `phase` is the one that the waits run under; it and the rules outlive the pace.
class Pace final : private Phase::Judge {
 public:
  Pace(Turn& turn, Phase& phase, const PaceRules& rules) : turn_(turn), phase_(phase), rules_(rules) {}
  ~Pace() { phase_.set_judge(nullptr); }
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  // `moved`: bytes so far.
  void begin_wait(uint64_t moved) {
    began_ = turn_.now;
    if (rules_.taker && rules_.idle != no_limit) return begin_wait_for_taker(moved);
    const bool paced = rules_.rate != 0 && rules_.idle != no_limit;
    const Duration left = paced ? time_for(moved) - waited_ : no_limit;
    const bool tight = left < rules_.idle;
    phase_.set_judge(nullptr);
    phase_.set_timeout_cause(tight ? rules_.slow : rules_.silent);
    phase_.extend(tight ? std::max(left, Duration::zero()) : rules_.idle);
  }
  void end_wait() { waited_ += turn_.now - began_; }

 private:
  std::optional<Duration> time_left() override;
  void begin_wait_for_taker(uint64_t moved);
  Duration time_for(uint64_t moved) const;

  Turn& turn_;
  Phase& phase_;
  const PaceRules& rules_;
  Instant began_{};
  Duration waited_{};

  // Of a taker.
  uint64_t moved_ = 0;
  std::optional<uint64_t> start_;  // what was acknowledged before the bytes that count
  uint64_t acknowledged_ = 0;      // at the last look
  Instant still_since_{};          // it has not grown
  bool looked_ = false;            // in this wait
};

}  // namespace postern::base
