#include "tunnel/tunnel_set.h"
#include "base/error.h"

#include <algorithm>

#include "tunnel/tunnel.h"

namespace postern::tunnel {
namespace {

using base::Cause;
using telemetry::Count;

const std::shared_ptr<const routing::SocketRules>& default_rules() {
  static const auto rules = std::make_shared<const routing::SocketRules>();
  return rules;
}

}  // namespace

TunnelSet::~TunnelSet() { cut_all(); }

void TunnelSet::open(std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
                     upstream::Lease lease, TunnelFacts facts, TunnelOptions options) {
  if (facts.logged()) access_log_.tunnel_open(facts.record());
  if (!silence_watch_.armed()) turn_.arm(silence_watch_, state::SilentRoutes::look_every);
  if (!options.rules) options.rules = default_rules();
  auto tunnel = std::make_unique<Tunnel>(*this, std::move(client), std::move(upstream), std::move(lease),
                                         std::move(facts), std::move(options));
  ++size_;
  metrics_.process.add(Count::tunnels_opened);
  metrics_.process.add(Count::tunnels_open);
  tunnels_.append(tunnel->link_);
  drain_line_.join(*tunnel);            // its exchange may have begun before a reload or the shutdown
  token_holders_.join(*tunnel);         // or before its token was revoked
  static_cast<void>(tunnel.release());  // the set owns it through its list until remove()
}

void TunnelSet::remove(Tunnel& tunnel) {
  tunnel.link_.unlink();
  drain_line_.part(tunnel);
  --size_;
  metrics_.process.subtract(Count::tunnels_open);
  turn_.graveyard.bury(std::unique_ptr<Tunnel>(&tunnel));
  if (size_ == 0 && owner_) owner_->on_tunnels_gone();
}

void TunnelSet::leave(const DrainRate& rate) {
  refused_.close_all();
  drain_line_.leave(rate);
}

void TunnelSet::cut_all() {
  refused_.close_all();  // they are not cut, since their Close frames are being sent
  while (tunnels_.linked()) base::LinkIn<Tunnel>::of(tunnels_.next)->cut(Cause::shutting_down);
}

void TunnelSet::on_refused_gone() {
  if (owner_) owner_->on_refused_gone();
}

RouteSockets::Handle TunnelSet::sockets_of(std::string_view route) {
  const auto known = sockets_.find(route);
  if (known != sockets_.end()) return known->second;
  return sockets_.emplace(route, RouteSockets::Handle::make()).first->second;
}

websocket::Deflate& TunnelSet::deflate(int window_bits) {
  return deflate_.try_emplace(window_bits, window_bits).first->second;
}

void TunnelSet::count_open() {
  for (const auto& [name, sockets] : sockets_)
    if (telemetry::RouteSeries* route = metrics_.route(name))
      route->set(telemetry::RouteCount::sockets_open, sockets->open);
}

void TunnelSet::look_for_silence() {
  count_open();
  std::map<const RouteSockets*, state::SilentRoutes::Seen> seen = silent_candidates();
  for (auto at = sockets_.begin(); at != sockets_.end();) {
    const auto& [name, sockets] = *at;
    state::SilentRoutes::Seen& now = seen[&*sockets];
    now.last_message = sockets->last_message;
    const uint32_t before = std::exchange(sockets->waiting, now.waiting);
    const state::SilentRoutes::Finding finding = state_.silent_routes.look(name, before, now, turn_.now);
    if (finding.found) access_log_.silent_route(name, finding.sockets, finding.quiet);
    if (telemetry::RouteSeries* route = metrics_.route(name))
      route->set(telemetry::RouteCount::sockets_silent, finding.silent ? now.waiting : 0);
    at = sockets->open == 0 && !sockets->is_admitting(turn_.now) ? sockets_.erase(at) : std::next(at);
  }
  if (size_ > 0) turn_.arm(silence_watch_, state::SilentRoutes::look_every);
}

std::map<const RouteSockets*, state::SilentRoutes::Seen> TunnelSet::silent_candidates() {
  std::map<const RouteSockets*, state::SilentRoutes::Seen> all;
  for (base::Link* at = tunnels_.next; at != &tunnels_; at = at->next) {
    const Tunnel& tunnel = *base::LinkIn<Tunnel>::of(at);
    if (tunnel.greeted_ == base::Instant{} || turn_.now - tunnel.greeted_ < state::SilentRoutes::silence)
      continue;
    state::SilentRoutes::Seen& seen = all[&*tunnel.route_sockets_];
    seen.since = seen.waiting == 0 ? tunnel.greeted_ : std::min(seen.since, tunnel.greeted_);
    ++seen.waiting;
  }
  return all;
}

}  // namespace postern::tunnel
