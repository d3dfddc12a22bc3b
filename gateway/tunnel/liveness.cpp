#include "tunnel/liveness.h"

#include <algorithm>

namespace postern::tunnel {
namespace {

// The delay before the next try, when a side could not be pinged within a frame of the other side.
constexpr base::Duration ping_again = std::chrono::seconds(1);

}  // namespace

bool Liveness::take_pong(std::string_view payload) {
  if (unanswered_ == 0 || payload != ping_payload) return false;
  --unanswered_;
  return true;
}

Liveness::Finding Liveness::look(const routing::SocketRules& rules, const net::Transport& transport,
                                 bool at_boundary, bool is_read, base::Instant now) {
  if (asked_ != Asked::nothing) {
    if (now - asked_at_ < rules.pong_timeout) return Finding::alive;
    // The ping may not have arrived behind the side's backlog; while the side takes some of the backlog, it
    // is alive. From a side that is not read no pong can be received: it is enough that its system took the
    // ping.
    const net::Transport::Transit transit = transport.transit();
    const bool taken = transit.outstanding == 0;
    const bool silent = taken ? asked_ == Asked::by_ping && is_read : transit.acknowledged == acknowledged_;
    if (silent) return Finding::silent;
    if (taken) {
      hear(now);
    } else {
      acknowledged_ = transit.acknowledged;
      asked_at_ = now;
    }
    return Finding::alive;
  }
  if (now - heard_ < rules.ping_interval) return Finding::alive;
  // No ping can be inserted within a frame; then the outstanding bytes of that frame test the side as well.
  const net::Transport::Transit transit = transport.transit();
  if (!at_boundary && transit.outstanding == 0) return Finding::alive;
  asked_ = at_boundary ? Asked::by_ping : Asked::by_frame;
  asked_at_ = now;
  acknowledged_ = transit.acknowledged;
  if (!at_boundary) return Finding::alive;
  if (unanswered_ < 255) ++unanswered_;
  return Finding::ping;
}

base::Instant Liveness::due(const routing::SocketRules& rules, base::Instant now) const {
  // Received bytes arm no timer: a side that has answered is checked at the latest when its next ping is due.
  const base::Duration look = std::min(rules.ping_interval, rules.pong_timeout);
  const base::Instant due = asked_ == Asked::nothing ? heard_ + rules.ping_interval : asked_at_ + look;
  return due > now ? due : now + std::min(ping_again, look);
}

}  // namespace postern::tunnel
