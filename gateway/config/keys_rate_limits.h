// The keys of `rate_limits`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<RateLimitDocument>& rate_limit_keys();
inline constexpr std::size_t max_rate_limits = 64;  // each may use 1 MiB of memory (LocalRateLimiter)

}  // namespace postern::config
