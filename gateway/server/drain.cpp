#include "server/drain.h"
#include "base/error.h"

#include <algorithm>

namespace postern::server {

void Drain::begin(base::Duration limit) {
  if (begun_) return;
  begun_ = true;
  acceptor_.stop_accepting();
  acceptor_.drain();
  // Half of the time is kept for the tunnels that are closed last to complete their closing handshakes.
  tunnel::DrainRate rate = current_.pin->snapshot->limits.drain_rate;
  rate.within = std::min(rate.within, limit / 2);
  current_.services.tunnels.leave(rate);
  current_.services.turn.arm(*this, limit);
}

void Drain::on_deadline() {
  tunnel::TunnelSet& tunnels = current_.services.tunnels;
  if (!complete())
    current_.log.warn("drain_deadline_passed",
                      {{"connections", acceptor_.connections()}, {"tunnels", tunnels.size()}});
  cut();
}

OpenWork Drain::open_work() const {
  const size_t exchanges = acceptor_.exchanges();
  const size_t streams = std::min(current_.services.streams.size(), exchanges);
  return {exchanges - streams, streams, current_.services.tunnels.size()};
}

void Drain::cut() {
  was_cut_.add(open_work());
  acceptor_.stop_accepting();
  acceptor_.cancel(base::Cause::shutting_down);
  current_.services.tunnels.cut_all();
}

}  // namespace postern::server
