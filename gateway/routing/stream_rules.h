// The rules for the event streams of a route. Immutable; shared by the streams that were opened under them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/clock.h"
#include "policy/socket_limit.h"

namespace postern::routing {

// Tells a page that its token is about to expire, as an event.
struct ExpiryEvent {
  base::Duration before{};
  std::string event;  // its name
  std::string data;   // one line
};

struct StreamRules {
  base::Duration comment_interval = base::no_limit;  // idle time before a comment; no_limit: no comments
  bool ends_with_token = true;
  base::Duration token_grace{};  // how long it stays open after that
  std::optional<ExpiryEvent> expiry_notice{};
  base::Duration max_age = base::no_limit;  // how long a stream may be open
  policy::SocketLimits limits{};
  std::optional<size_t> counts{};  // index into state::Names::stream_counts; nullopt: no limits
};

}  // namespace postern::routing
