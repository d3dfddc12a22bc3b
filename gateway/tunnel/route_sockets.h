// What the WebSockets of one route share on one worker.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/local_rc.h"
#include "routing/socket_rules.h"
#include "state/silent_routes.h"

namespace postern::tunnel {

struct RouteSockets {
  using Handle = base::LocalRc<RouteSockets>;

  // How long the next socket must wait before it is admitted; nullopt if that is longer than `rules.wait` or
  // `most`. A granted turn is used up, whether or not its socket still exists by then; so the queue is never
  // longer than rules.wait, and every socket in it is admitted. All workers share one queue, and a reload
  // does not restart it.
  std::optional<base::Duration> admit(const routing::Admission& rules, base::Instant now,
                                      base::Duration most = base::no_limit) {
    if (line != rules.line) {
      if (line) rules.line->follow(*line);
      line = rules.line;
    }
    const int64_t at = now.time_since_epoch().count();
    const auto interval = static_cast<int64_t>(1e9 / rules.per_second);
    const auto depth = static_cast<int64_t>(1e9 / rules.per_second * rules.burst);
    int64_t full_at = line->full_at;
    for (;;) {
      const int64_t used = std::max(full_at - at, int64_t{0}) + interval;
      const base::Duration wait(std::max(used - depth, int64_t{0}));
      if (wait > std::min(most, rules.wait)) return std::nullopt;
      if (line->full_at.compare_exchange_weak(full_at, at + used)) return wait;
    }
  }
  bool is_admitting(base::Instant now) const {
    return line && line->full_at > now.time_since_epoch().count();
  }

  uint32_t open = 0;
  // From any endpoint to any of these sockets, except the first message of each.
  base::Instant last_message{};
  uint32_t waiting = 0;  // sockets that wait for a message, at the last look; see state::SilentRoutes

  std::shared_ptr<state::AdmissionLine> line{};  // the queue that was used last
};

}  // namespace postern::tunnel
