#include "base/pace.h"

namespace postern::base {
namespace {

// The first check of a wait comes early, so that later checks have a value to compare with. Most waits end
// before it and cost no check.
constexpr int first_look = 64;      // the first check comes after `idle` divided by this
constexpr int later_looks = 8;      // later checks come after `idle` divided by this
constexpr int idle_limits_max = 5;  // at most this many times `idle` are granted for a step of the window

Duration seconds_for(uint64_t bytes, uint64_t rate) {
  constexpr uint64_t decades = 1'000'000'000;  // seconds; a larger value would overflow Duration
  const std::chrono::seconds whole(std::min(bytes / rate, decades));
  return whole + Duration(bytes % rate * 1'000'000'000 / rate);
}

}  // namespace

Duration longest_standstill(const PaceRules& rules) {
  if (rules.rate == 0 || rules.idle == no_limit) return rules.idle;
  return rules.idle + std::min(seconds_for(window_step, rules.rate), idle_limits_max * rules.idle);
}

Duration Pace::time_for(uint64_t moved) const { return rules_.idle + seconds_for(moved, rules_.rate); }

void Pace::begin_wait_for_taker(uint64_t moved) {
  moved_ = moved;
  looked_ = false;
  Duration look_in = rules_.idle / first_look;
  // Many short waits can add up to a slow reader, too: check earlier when the minimum rate leaves less time.
  // The peer cannot have taken more than was moved.
  if (rules_.rate != 0) look_in = std::clamp(time_for(moved) - waited_, Duration::zero(), look_in);
  phase_.set_judge(this);
  phase_.extend(look_in);
}

std::optional<Duration> Pace::time_left() {
  const Instant now = turn_.now;
  const Transit transit = rules_.taker->transit();
  if (!start_) {
    // What it took before the first wait counts as one step of its window at most, so that it does not allow
    // hours without progress.
    const uint64_t taken = moved_ - std::min<uint64_t>(moved_, transit.outstanding);
    start_ = transit.acknowledged - std::min({taken, window_step, transit.acknowledged});
  }
  if (!looked_ || transit.acknowledged > acknowledged_) still_since_ = now;
  acknowledged_ = std::max(acknowledged_, transit.acknowledged);
  looked_ = true;
  Duration left = still_since_ + longest_standstill(rules_) - now;
  if (rules_.rate != 0) left = std::min(left, time_for(acknowledged_ - *start_) - waited_ - (now - began_));
  if (left > Duration::zero()) return std::min(left, rules_.idle / later_looks);
  const bool silent = now - still_since_ >= rules_.idle - rules_.idle / first_look;
  phase_.set_timeout_cause(silent ? rules_.silent : rules_.slow);
  return std::nullopt;
}

}  // namespace postern::base
