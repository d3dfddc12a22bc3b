// How many lines of one kind a log hears in a second, where clients decide how often there is something to
// say.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace postern::telemetry {

class LineRate {
 public:
  explicit LineRate(uint32_t in_a_second) : in_a_second_(in_a_second) {}

  // Of something that happens now: the number of those that the log hears of by this line, itself among them;
  // nothing where it is to hear of this one later.
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
