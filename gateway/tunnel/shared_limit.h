// A rate limit that a WebSocket shares with other sockets.
#pragma once

#include <memory>

#include "state/rate_limiter.h"

namespace postern::tunnel {

struct SharedLimit {
  std::shared_ptr<state::RateLimiter> limiter;
  state::RateLimiter::Key key = 0;
  bool of_bytes = false;  // it counts KiB, not messages
};

}  // namespace postern::tunnel
