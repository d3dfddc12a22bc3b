#include "server/drain.h"

#include <algorithm>

namespace postern::server {
namespace {

constexpr base::Duration step = std::chrono::milliseconds(100);
constexpr uint16_t going_away = 1001;

}  // namespace

void Drain::begin(base::Duration limit) {
  if (begun_) return;
  begun_ = true;
  base::Turn& turn = current_.services.turn;
  deadline_ = turn.now + limit;
  // All tunnels within half the time, so that clients do not come back all at once; a few go at once.
  const size_t steps = std::max<size_t>(1, static_cast<size_t>(limit / 2 / step));
  tunnels_per_step_ = std::max<size_t>(1, (current_.services.tunnels.size() + steps - 1) / steps);
  acceptor_.stop_accepting();
  acceptor_.drain();
  turn.arm(*this, base::Duration::zero());
}

void Drain::on_deadline() {
  base::Turn& turn = current_.services.turn;
  proxy::TunnelSet& tunnels = current_.services.tunnels;
  if (turn.now >= deadline_) {
    if (!complete())
      current_.log.warn("drain_deadline_passed",
                        {{"connections", acceptor_.connections()}, {"tunnels", tunnels.size()}});
    acceptor_.cancel(base::Cause::shutting_down);
    tunnels.cut_all();
    return;
  }
  tunnels.close_some(tunnels_per_step_, base::Cause::shutting_down, going_away,
                     "the gateway is shutting down");
  if (!complete()) turn.arm(*this, step);
}

}  // namespace postern::server
