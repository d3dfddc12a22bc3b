// The rules for the event streams of a route. Immutable; shared by the streams that were opened under them.
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "policy/socket_limit.h"

namespace postern::routing {

struct StreamRules {
  base::Duration comment_interval = base::no_limit;  // idle time before a comment; no_limit: no comments
  bool ends_with_token = true;
  policy::SocketLimits limits{};
  std::optional<size_t> counts{};  // index into state::Names::stream_counts; nullopt: no limits
};

}  // namespace postern::routing
