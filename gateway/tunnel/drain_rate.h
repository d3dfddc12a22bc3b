// The rate at which WebSockets and event streams are closed after a reload or in a shutdown.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace postern::tunnel {

struct DrainRate {
  double percent = 2;                                // of the queued members, per second
  double least = 10;                                 // members per second
  base::Duration within = std::chrono::seconds(60);  // for all of them, whatever the other two give

  // How many of `count` members are closed per second.
  double per_second(size_t count) const {
    const double all = static_cast<double>(count);
    const double seconds = std::chrono::duration<double>(std::max(within, base::Duration(1))).count();
    return std::max({percent / 100 * all, least, all / seconds});
  }
};

}  // namespace postern::tunnel
