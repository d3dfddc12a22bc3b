// A rate limit for log lines of one kind, for events whose frequency clients decide.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace postern::telemetry {

class LineRate {
 public:
  explicit LineRate(uint32_t in_a_second) : in_a_second_(in_a_second) {}

  // Counts one event. Returns the number of events that this line reports, this one included; nothing when
  // the limit is reached and a later line reports this event.
  std::optional<uint64_t> tell(base::Instant now) {
    if (now - began_ >= std::chrono::seconds(1)) {
      began_ = now;
      lines_ = 0;
    }
    ++untold_;
    if (lines_ == in_a_second_) return std::nullopt;
    ++lines_;
    return std::exchange(untold_, 0);
  }

 private:
  uint32_t in_a_second_;
  uint32_t lines_ = 0;
  uint64_t untold_ = 0;
  base::Instant began_{};
};

}  // namespace postern::telemetry
