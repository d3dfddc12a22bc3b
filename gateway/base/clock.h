// Monotonic time that does not change during a turn. Durations are nanoseconds; an Instant is counted in
// nanoseconds from an arbitrary start. Tests advance the time themselves.
#pragma once

#include <chrono>

namespace postern::base {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr Duration no_limit = Duration::max();

inline double milliseconds_of(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace postern::base
