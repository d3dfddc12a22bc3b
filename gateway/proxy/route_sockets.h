// What the sockets of one route have in common on one worker: enough to notice a route whose endpoint has
// something to say when a socket opens, and never again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/local_rc.h"
#include "routing/socket_rules.h"

namespace postern::proxy {

struct RouteSockets {
  using Handle = base::LocalRc<RouteSockets>;

  // When the next socket may be let in: nothing when that would take longer than `rules.wait`. A turn that is
  // given is taken, whether or not its socket is still there by then; so the line is never longer than
  // rules.wait, and who stands in it gets through.
  std::optional<base::Duration> admit(const routing::Admission& rules, base::Instant now) {
    using Seconds = std::chrono::duration<double>;
    const Seconds interval(1 / rules.per_second);
    const Seconds used = std::max<Seconds>(full_at - now, Seconds::zero());
    const Seconds wait = used + interval - interval * rules.burst;
    if (wait > rules.wait) return std::nullopt;
    full_at = now + std::chrono::duration_cast<base::Duration>(used + interval);
    return std::max(std::chrono::duration_cast<base::Duration>(wait), base::Duration::zero());
  }

  uint32_t open = 0;
  uint32_t greeted = 0;          // of these, that heard anything from their endpoint
  base::Instant last_message{};  // from any endpoint to any of them
  base::Instant full_at{};       // when the whole burst may be let in again
  bool silent = false;           // it was found to be, and said so

  // Several sockets have heard a message, and none has for long.
  bool is_silent(base::Instant now) const {
    return greeted >= sockets_min && greeted == open && now - last_message >= silence;
  }

  static constexpr uint32_t sockets_min = 3;
  static constexpr base::Duration silence = std::chrono::minutes(5);
};

}  // namespace postern::proxy
