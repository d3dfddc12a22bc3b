// Passive health: what the traffic of one worker says about an endpoint. Failures in a row eject it for a
// time that doubles each time it happens again; then one request in a while is its trial, and an answer
// brings it back. Time is a parameter; the owner decides whether an endpoint may be missed at all.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "upstream/conditions.h"

namespace postern::upstream {

struct EjectModel {
  bool enabled = true;
  uint32_t failures = 5;                             // in a row, counted from the first of them for `within`
  base::Duration within = std::chrono::seconds(30);  // after that the count begins anew
  base::Duration time = std::chrono::seconds(10);    // of the first ejection
  base::Duration longest = std::chrono::minutes(5);  // no ejection takes longer
  Conditions on = {Condition::connect, Condition::reset, Condition::timeout, Condition::invalid_response};
};

class Ejection {
 public:
  // Not to be asked now, while others can be.
  bool out(base::Instant now) const { return state_ != State::in && now < until_; }
  bool in() const { return state_ == State::in; }
  base::Duration out_for(base::Instant now) const { return out(now) ? until_ - now : base::Duration::zero(); }

  // An attempt is made. If the endpoint's time is over this is its trial, and for `trial_spacing` no second
  // request is risked.
  void on_attempt(base::Instant now);
  // True: the endpoint has failed often enough now to be ejected.
  bool on_failure(base::Instant now, const EjectModel& model);
  // True: it was out, and is back with this answer.
  bool on_answer(base::Instant now);

  // How long it will be out.
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
  base::Duration length_{};  // of the last ejection; zero: none that still counts
  base::Instant readmitted_{};
};

}  // namespace postern::upstream
