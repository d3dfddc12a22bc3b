// How fast sockets are told to leave.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace postern::proxy {

struct DrainRate {
  double share = 0.02;                               // of those that leave, in a second
  double least = 10;                                 // in a second
  base::Duration within = std::chrono::seconds(60);  // all of them, whatever the two say

  // How many in a second, of `count` that leave.
  double per_second(size_t count) const {
    const double all = static_cast<double>(count);
    const double seconds = std::chrono::duration<double>(std::max(within, base::Duration(1))).count();
    return std::max({share * all, least, all / seconds});
  }
};

}  // namespace postern::proxy
