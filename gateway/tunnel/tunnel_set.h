// All tunnels of one worker. Those that must be closed are closed at the rate of a DrainLine, each with a
// close code that makes its client reconnect.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/timer_wheel.h"
#include "net/loop.h"
#include "state/process_state.h"
#include "telemetry/access_log.h"
#include "tunnel/drain_line.h"
#include "tunnel/refused_sockets.h"
#include "tunnel/route_sockets.h"
#include "tunnel/token_holders.h"
#include "tunnel/tunnel_facts.h"
#include "tunnel/tunnel_options.h"
#include "upstream/lease.h"
#include "websocket/deflate.h"

namespace postern::tunnel {

class Tunnel;

class TunnelSet final : private RefusedSockets::Owner {
 public:
  class Owner {
   public:
    virtual void on_tunnels_gone() = 0;  // the last one has ended
    virtual void on_refused_gone() = 0;  // the last of the refused sockets has ended

   protected:
    ~Owner() = default;
  };

  // All workers share `state`; it outlives the set.
  TunnelSet(base::Turn& turn, telemetry::AccessLog& access_log, telemetry::Metrics& metrics,
            state::ProcessState& state, std::chrono::milliseconds (*unix_time)() = &net::unix_time)
      : turn_(turn),
        access_log_(access_log),
        metrics_(metrics),
        state_(state),
        token_holders_(turn, state.revocations, unix_time) {}
  ~TunnelSet();

  // If `options` has no rules, the default rules apply.
  void open(std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
            upstream::Lease lease, TunnelFacts facts, TunnelOptions options);
  size_t size() const { return size_; }
  RefusedSockets& refused() { return refused_; }
  state::SocketMemory& memory() { return state_.socket_memory; }
  state::Revocations& revocations() { return state_.revocations; }
  state::LiveSessions& sessions() { return state_.sessions; }
  RouteSockets::Handle sockets_of(std::string_view route);
  // Updates the metrics of each route's open sockets before they are read. They are not counted one by one,
  // since sockets outlive the series of a route that is removed and added again.
  void count_open();
  void set_owner(Owner& owner) { owner_ = &owner; }

  // The queue of tunnels that must be closed; it also holds other members of this worker.
  DrainLine& drain_line() { return drain_line_; }
  // What ends when its token is revoked; it also holds other members of this worker.
  TokenHolders& token_holders() { return token_holders_; }
  // A reload or a shutdown, see DrainLine. Tunnels are closed with 1012 or 1001; in a shutdown, refused
  // sockets get their Close at once.
  size_t adopt(CurrentRoutes current, const DrainRate& rate) {
    return drain_line_.adopt(std::move(current), rate);
  }
  void leave(const DrainRate& rate);
  void cut_all();  // at once, without Close frames

 private:
  friend class Tunnel;
  // Looks periodically for silent routes.
  struct SilenceWatch final : base::Timer {
    explicit SilenceWatch(TunnelSet& the_set) : set(the_set) {}
    void on_deadline() override { set.look_for_silence(); }
    TunnelSet& set;
  };

  void remove(Tunnel& tunnel);
  websocket::Deflate& deflate(int window_bits);
  void look_for_silence();
  std::map<const RouteSockets*, state::SilentRoutes::Seen> silent_candidates();
  void on_refused_gone() override;

  base::Turn& turn_;
  telemetry::AccessLog& access_log_;
  telemetry::Metrics& metrics_;
  state::ProcessState& state_;
  RefusedSockets refused_{turn_, metrics_, *this};
  base::Link tunnels_;
  DrainLine drain_line_{turn_};
  TokenHolders token_holders_;
  size_t size_ = 0;
  std::map<std::string, RouteSockets::Handle, std::less<>> sockets_;  // by route
  std::map<int, websocket::Deflate> deflate_;  // by window bits; created when the first socket needs it
  SilenceWatch silence_watch_{*this};
  Owner* owner_ = nullptr;
};

}  // namespace postern::tunnel
