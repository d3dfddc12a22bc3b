// All tunnels of one worker, and how those that must go are told: at a pace, each with a Close code that
// makes its client come back, so that a reload or a shutdown is no stampede for whoever serves them next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/timer_wheel.h"
#include "proxy/leaving_pace.h"
#include "proxy/refused_sockets.h"
#include "proxy/silent_routes.h"
#include "proxy/tunnel.h"

namespace postern::proxy {

class TunnelSet final : private base::Timer, private RefusedSockets::Owner {
 public:
  class Owner {
   public:
    virtual void on_tunnels_gone() = 0;  // the last one has ended
    virtual void on_refused_gone() = 0;  // and of those that are only told that they are refused

   protected:
    ~Owner() = default;
  };

  // `silent_routes` belongs to all workers.
  TunnelSet(base::Turn& turn, telemetry::AccessLog& access_log, telemetry::Metrics& metrics,
            std::shared_ptr<SilentRoutes> silent_routes = std::make_shared<SilentRoutes>())
      : turn_(turn), access_log_(access_log), metrics_(metrics), silent_routes_(std::move(silent_routes)) {}
  ~TunnelSet() override;

  // `terms` without rules have those of a route that says nothing.
  void open(std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
            upstream::Lease lease, TunnelFacts facts, TunnelTerms terms);
  size_t size() const { return size_; }
  RefusedSockets& refused() { return refused_; }
  RouteSockets::Handle sockets_of(std::string_view route);
  // Brings what the metrics say of each route's open sockets up to date, for who reads them now. Sockets
  // outlive the series of a route that goes and comes again, so they are not counted one by one.
  void count_open();
  void set_owner(Owner& owner) { owner_ = &owner; }

  // A reload: those that the new configuration would not have opened leave with 1012, the oldest first, and
  // so does what is opened under an older one from now on. `routes` are the terms of its routes, in any
  // order. Returns how many leave in all.
  size_t adopt(std::vector<uint64_t> routes, const LeavingPace& pace);
  // A shutdown: all of them leave with 1001, and those that are still to come; who is refused is told so at
  // once.
  void leave(const LeavingPace& pace);
  void cut_all();  // at once, without ceremony

 private:
  friend class Tunnel;
  // Looks now and then for routes that have fallen silent.
  struct SilenceWatch final : base::Timer {
    explicit SilenceWatch(TunnelSet& the_set) : set(the_set) {}
    void on_deadline() override { set.look_for_silence(); }
    TunnelSet& set;
  };

  void remove(Tunnel& tunnel);
  websocket::Deflate& deflate(int window_bits);
  void look_for_silence();
  std::map<const RouteSockets*, SilentRoutes::Seen> those_that_wait();
  bool must_leave(const Tunnel& tunnel) const { return stopping_ || (routes_ && tunnel.outdated(*routes_)); }
  void line_up_those_that_must();
  void line_up(Tunnel& tunnel);
  void stay(Tunnel& tunnel);
  void set_pace(const LeavingPace& pace);
  void on_deadline() override;
  void on_refused_gone() override;

  base::Turn& turn_;
  telemetry::AccessLog& access_log_;
  telemetry::Metrics& metrics_;
  std::shared_ptr<SilentRoutes> silent_routes_;
  RefusedSockets refused_{turn_, metrics_, *this};
  base::Link tunnels_;
  base::Link leaving_;  // that are yet to be told
  size_t size_ = 0;
  size_t leaving_count_ = 0;
  LeavingPace pace_;
  double per_step_ = 1;
  double due_ = 0;  // to be told, in tunnels; carries fractions from step to step
  std::map<std::string, RouteSockets::Handle, std::less<>> sockets_;  // by route
  std::map<int, websocket::Deflate> deflate_;  // by window bits; made when the first socket needs it
  SilenceWatch silence_watch_{*this};
  std::optional<std::vector<uint64_t>> routes_;  // sorted; nothing: before the first snapshot
  bool stopping_ = false;
  Owner* owner_ = nullptr;
};

}  // namespace postern::proxy
