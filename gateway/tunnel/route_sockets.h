// What the WebSockets of one route share on one worker.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/local_rc.h"
#include "routing/socket_rules.h"
#include "state/admission_line.h"

namespace postern::tunnel {

struct RouteSockets {
  using Handle = base::LocalRc<RouteSockets>;

  // How long the next socket must wait before it is admitted; nullopt if that is longer than `rules.wait` or
  // `most`. A granted turn is used up, whether or not its socket still exists by then; so the queue is never
  // longer than rules.wait, and every socket in it is admitted. All workers share one queue, and a reload
  // does not restart it.
  std::optional<base::Duration> admit(const routing::Admission& rules,
                                      std::shared_ptr<state::AdmissionLine> of_route, base::Instant now,
                                      base::Duration most = base::no_limit) {
    line = std::move(of_route);
    return line->take_turn(rules.per_second, rules.burst, std::min(most, rules.wait), now);
  }
  bool is_admitting(base::Instant now) const { return line && line->is_in_use(now); }

  uint32_t open = 0;
  // From any endpoint to any of these sockets, except the first message of each.
  base::Instant last_message{};
  uint32_t waiting = 0;  // sockets that wait for a message, at the last look; see state::SilentRoutes

  std::shared_ptr<state::AdmissionLine> line{};  // null: no socket had to be admitted
};

}  // namespace postern::tunnel
