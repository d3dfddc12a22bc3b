// Whether a side of a tunnel is still alive. A side that has sent nothing for a while gets a ping; a side
// that neither answers nor takes what is sent to it is silent.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "net/transport.h"
#include "routing/socket_rules.h"

namespace postern::tunnel {

class Liveness {
 public:
  // The payload of the gateway's pings, by which their pongs are recognised.
  static constexpr std::string_view ping_payload = "postern";

  enum class Finding : uint8_t { alive, ping, silent };  // `ping`: one is to be sent now

  explicit Liveness(base::Instant now) : heard_(now) {}

  base::Instant heard() const { return heard_; }  // when it last showed that it is alive
  // It has sent something, or was not read from until now, so that its silence meant nothing.
  void hear(base::Instant now) {
    heard_ = now;
    asked_ = Asked::nothing;
  }
  // It has taken what it was sent. A pong that it owes is still awaited.
  void note_reading(base::Instant now) { heard_ = now; }
  // True for a pong to one of the gateway's pings, which is not forwarded.
  bool take_pong(std::string_view payload);

  // `at_boundary`: no frame is in transit to the side, so that a ping may be inserted. `is_read`: bytes are
  // read from the side, so that a pong would be received.
  Finding look(const routing::SocketRules& rules, const net::Transport& transport, bool at_boundary,
               bool is_read, base::Instant now);
  // When to look next.
  base::Instant due(const routing::SocketRules& rules, base::Instant now) const;

 private:
  // What the side is being tested by.
  enum class Asked : uint8_t {
    nothing,
    by_ping,
    by_frame,  // the rest of a frame in transit: no ping could be inserted
  };

  base::Instant heard_;
  base::Instant asked_at_{};   // while asked_ is not `nothing`
  uint64_t acknowledged_ = 0;  // transport bytes acknowledged at that time
  uint8_t unanswered_ = 0;     // the gateway's pings without a pong
  Asked asked_ = Asked::nothing;
};

}  // namespace postern::tunnel
