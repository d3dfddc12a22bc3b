// Size and time limits of a request and its response: a listener's defaults, and what a route overrides.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace postern::routing {

struct TransferLimits {
  uint64_t body_size = 0;                          // bytes of a request's body; 0: no limit
  base::Duration request = base::no_limit;         // from the head until the last byte of the body
  base::Duration idle = std::chrono::seconds(60);  // without a byte of a body on the client's side
  uint64_t request_rate = 240;                     // bytes per second, see base::Pace; 0: no limit
  uint64_t response_rate = 240;
  base::Duration tunnel_idle = std::chrono::hours(1);
};

// The limits that a route sets; those that are not set are the listener's.
struct RouteLimits {
  std::optional<uint64_t> body_size{};
  std::optional<base::Duration> request{};
  std::optional<base::Duration> idle{};
  std::optional<uint64_t> request_rate{};
  std::optional<uint64_t> response_rate{};
  std::optional<base::Duration> tunnel_idle{};

  TransferLimits over(const TransferLimits& listener) const {
    return {body_size.value_or(listener.body_size),
            request.value_or(listener.request),
            idle.value_or(listener.idle),
            request_rate.value_or(listener.request_rate),
            response_rate.value_or(listener.response_rate),
            tunnel_idle.value_or(listener.tunnel_idle)};
  }
};

}  // namespace postern::routing
