// The minimum average rate and the idle timeout that one side of a body must keep. Without a minimum rate, a
// side that moves one byte now and then is never idle for long and could hold its connection forever.
#pragma once

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/scope.h"
#include "base/transit.h"

namespace postern::base {

// The limits for one side.
struct PaceRules {
  Duration idle = no_limit;         // timeout: how long it may move no byte
  Cause silent = Cause::timed_out;  // the cause when that timeout passes
  uint64_t rate = 0;                // bytes per second, on average while waiting for this side; 0: no minimum
  Cause slow = Cause::timed_out;    // the cause when the rate is below that
  // For a side that receives bytes, where it is known: what its system has acknowledged counts as received,
  // not what has left this process. Our own buffers and the kernel's hold some megabytes; while a slow reader
  // empties them, they make no room for minutes.
  const TransitSource* taker = nullptr;
};

// A TCP receive window opens in steps, not byte by byte (RFC 9293 3.8.6.2.2). On a loopback interface such a
// step is 64 KiB.
constexpr uint64_t window_step = 64 * 1024;
// How long a receiver that keeps the minimum rate may acknowledge nothing: `idle`, plus the time that one
// step of its window takes at that rate, but at most five times `idle` more. Without a minimum rate it is
// `idle`.
Duration longest_standstill(const PaceRules& rules);

// Measures one side against its rules. Only the time spent waiting for this side counts, and a wait never
// lasts longer than the idle timeout allows. `phase` is the one that the waits run under; it and the rules
// must outlive the pace.
class Pace final : private Phase::Judge {
 public:
  Pace(Turn& turn, Phase& phase, const PaceRules& rules) : turn_(turn), phase_(phase), rules_(rules) {}
  ~Pace() { phase_.set_judge(nullptr); }
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;

  // Begins a wait for this side; `moved` is the number of bytes moved so far.
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

  // Only with a taker:
  uint64_t moved_ = 0;
  std::optional<uint64_t> start_;  // what was acknowledged before the bytes that count
  uint64_t acknowledged_ = 0;      // at the last check
  Instant still_since_{};          // since when it has not grown
  bool looked_ = false;            // whether this wait was checked already
};

}  // namespace postern::base
