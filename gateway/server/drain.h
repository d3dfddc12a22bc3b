// The end of a worker, in good order: no new clients, exchanges finish, tunnels are closed at a pace with a
// code that makes clients come back, and what is left at the deadline is cut.
#pragma once

#include "base/timer_wheel.h"
#include "server/acceptor.h"

namespace postern::server {

class Drain final : private base::Timer {
 public:
  Drain(Current& current, Acceptor& acceptor) : current_(current), acceptor_(acceptor) {}

  void begin(base::Duration limit);
  // Ends what is there now: exchanges are answered, as far as they can be, and recorded in this turn; tunnels
  // are cut.
  void cut();
  bool begun() const { return begun_; }
  bool complete() const {
    proxy::TunnelSet& tunnels = current_.services.tunnels;
    return acceptor_.connections() == 0 && tunnels.size() == 0 && tunnels.refused().size() == 0;
  }

 private:
  void on_deadline() override;

  Current& current_;
  Acceptor& acceptor_;
  bool begun_ = false;
};

}  // namespace postern::server
