#include "upstream/ejection.h"

#include <algorithm>

namespace postern::upstream {

void Ejection::on_attempt(base::Instant now) {
  if (state_ == State::in || now < until_) return;
  state_ = State::trial;
  until_ = now + trial_spacing;
}

bool Ejection::on_failure(base::Instant now, const EjectModel& model) {
  if (state_ == State::trial) return true;
  if (state_ == State::out) return false;  // tried because no other endpoint was available
  if (failures_ == 0 || now - first_failure_ > model.within) {
    failures_ = 0;
    first_failure_ = now;
  }
  ++failures_;
  return failures_ >= model.failures;
}

bool Ejection::on_answer(base::Instant now) {
  failures_ = 0;
  if (state_ == State::in) return false;
  readmit(now);
  return true;
}

base::Duration Ejection::eject(base::Instant now, const EjectModel& model) {
  // The duration starts again for an endpoint that was readmitted for longer than it had been ejected.
  const bool again =
      length_ > base::Duration::zero() && (state_ == State::trial || now - readmitted_ <= length_);
  length_ = again ? std::min(length_ * 2, model.longest) : std::min(model.time, model.longest);
  state_ = State::out;
  until_ = now + length_;
  failures_ = 0;
  return length_;
}

void Ejection::readmit(base::Instant now) {
  state_ = State::in;
  failures_ = 0;
  readmitted_ = now;
}

}  // namespace postern::upstream
