// Passive health: what the traffic of one worker shows about an endpoint. Consecutive failures eject it for a
// time that doubles with each repeated ejection; after that one request per trial_spacing is a trial, and an
// answer readmits the endpoint. Time is a parameter; the caller decides whether the group can do without the
// endpoint at all.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "upstream/conditions.h"

namespace postern::upstream {

struct EjectModel {
  bool enabled = true;
  uint32_t failures = 5;                             // consecutive, within `within` of the first of them
  base::Duration within = std::chrono::seconds(30);  // after this time the count starts again
  base::Duration time = std::chrono::seconds(10);    // of the first ejection
  base::Duration longest = std::chrono::minutes(5);  // maximum duration of an ejection
  Conditions on = {Condition::connect, Condition::reset, Condition::timeout, Condition::invalid_response};
};

class Ejection {
 public:
  // Ejected now: only used while no other endpoint is available.
  bool out(base::Instant now) const { return state_ != State::in && now < until_; }
  bool in() const { return state_ == State::in; }
  base::Duration out_for(base::Instant now) const { return out(now) ? until_ - now : base::Duration::zero(); }

  // Call this before an attempt. If the time of the ejection is over, the attempt is a trial, and for
  // `trial_spacing` no second request is risked.
  void on_attempt(base::Instant now);
  // Returns true when the endpoint has failed often enough to be ejected.
  bool on_failure(base::Instant now, const EjectModel& model);
  // Returns true when the endpoint was ejected and this answer readmits it.
  bool on_answer(base::Instant now);

  // Returns how long the endpoint is ejected.
  base::Duration eject(base::Instant now, const EjectModel& model);
  void readmit(base::Instant now);

  uint32_t failures() const { return failures_; }

  static constexpr base::Duration trial_spacing = std::chrono::seconds(1);

 private:
  enum class State : uint8_t { in, out, trial };

  State state_ = State::in;
  uint32_t failures_ = 0;
  base::Instant first_failure_{};
  base::Instant until_{};
  base::Duration length_{};  // of the last ejection; zero: none
  base::Instant readmitted_{};
};

}  // namespace postern::upstream
