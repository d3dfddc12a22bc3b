// What holds for the event streams of a route. Immutable; shared by the streams that were opened under it.
#pragma once

#include <memory>

#include "base/clock.h"
#include "policy/socket_limit.h"

namespace postern::routing {

struct StreamRules {
  base::Duration comment_interval = base::no_limit;  // without a byte for the client; no_limit: no comments
  bool ends_with_token = true;
  policy::SocketLimits limits{};
  std::shared_ptr<policy::SocketCounts> counts{};  // of the route; null: there are no limits
};

}  // namespace postern::routing
