// The graceful shutdown of a worker: it accepts no new clients, exchanges finish, tunnels are closed at a
// limited rate with a close code that makes clients reconnect, and what is left at the deadline is cut.
#pragma once

#include <cstdint>

#include "base/timer_wheel.h"
#include "server/acceptor.h"
#include "tunnel/tunnel_set.h"

namespace postern::server {

// The work that is in progress in a worker.
struct OpenWork {
  uint64_t requests = 0;  // requests whose answers are not open-ended
  uint64_t event_streams = 0;
  uint64_t websockets = 0;

  void add(const OpenWork& other) {
    requests += other.requests;
    event_streams += other.event_streams;
    websockets += other.websockets;
  }
};

class Drain final : private base::Timer {
 public:
  Drain(Current& current, Acceptor& acceptor) : current_(current), acceptor_(acceptor) {}

  void begin(base::Duration limit);
  // Ends what is open now: exchanges are answered, as far as possible, and recorded in this turn; tunnels are
  // cut.
  void cut();
  OpenWork open_work() const;
  const OpenWork& was_cut() const { return was_cut_; }
  bool begun() const { return begun_; }
  bool complete() const {
    tunnel::TunnelSet& tunnels = current_.services.tunnels;
    return acceptor_.connections() == 0 && tunnels.size() == 0 && tunnels.refused().size() == 0;
  }

 private:
  void on_deadline() override;

  Current& current_;
  Acceptor& acceptor_;
  bool begun_ = false;
  OpenWork was_cut_;
};

}  // namespace postern::server
