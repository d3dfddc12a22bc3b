// The queue of new sockets of a route, shared by all workers. It continues through reloads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace postern::state {

// Any thread.
class AdmissionLine {
 public:
  // Takes the next turn, at this rate and after this burst, and returns how long it is to wait for it;
  // nullopt, and nothing taken, if that is longer than `most`.
  std::optional<base::Duration> take_turn(double per_second, double burst, base::Duration most,
                                          base::Instant now) {
    const int64_t at = now.time_since_epoch().count();
    const auto interval = static_cast<int64_t>(1e9 / per_second);
    const auto depth = static_cast<int64_t>(1e9 / per_second * burst);
    int64_t full_at = full_at_;
    for (;;) {
      const int64_t used = std::max(full_at - at, int64_t{0}) + interval;
      const base::Duration wait(std::max(used - depth, int64_t{0}));
      if (wait > most) return std::nullopt;
      if (full_at_.compare_exchange_weak(full_at, at + used)) return wait;
    }
  }
  // Turns were taken, and the whole burst is not available again.
  bool is_in_use(base::Instant now) const { return full_at_ > now.time_since_epoch().count(); }

 private:
  // When the whole burst is available again, in nanoseconds on the clock of base::Instant.
  std::atomic<int64_t> full_at_{0};
};

}  // namespace postern::state
