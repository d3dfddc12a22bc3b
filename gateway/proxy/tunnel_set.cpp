#include "proxy/tunnel_set.h"

#include <algorithm>

namespace postern::proxy {
namespace {

using base::Cause;
using telemetry::Count;
using websocket::Ending;

constexpr base::Duration step = std::chrono::milliseconds(100);

const std::shared_ptr<const routing::SocketRules>& usual_rules() {
  static const auto rules = std::make_shared<const routing::SocketRules>();
  return rules;
}

}  // namespace

TunnelSet::~TunnelSet() { cut_all(); }

void TunnelSet::open(std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
                     upstream::Lease lease, TunnelFacts facts, TunnelTerms terms) {
  if (facts.logged()) access_log_.tunnel_open(facts.record());
  if (!silence_watch_.armed()) turn_.arm(silence_watch_, SilentRoutes::look_every);
  if (!terms.rules) terms.rules = usual_rules();
  auto tunnel = std::make_unique<Tunnel>(*this, std::move(client), std::move(upstream), std::move(lease),
                                         std::move(facts), std::move(terms));
  ++size_;
  metrics_.process.add(Count::tunnels_opened);
  metrics_.process.add(Count::tunnels_open);
  tunnels_.append(tunnel->place_);
  // Its exchange may have begun before a reload, or before the end.
  if (must_leave(*tunnel)) {
    line_up(*tunnel);
    set_pace(pace_);
  }
  tunnel.release();  // the set owns it through its place in a list, until remove()
}

void TunnelSet::remove(Tunnel& tunnel) {
  tunnel.place_.unlink();
  if (tunnel.leaving_) --leaving_count_;
  --size_;
  metrics_.process.subtract(Count::tunnels_open);
  turn_.graveyard.bury(std::unique_ptr<Tunnel>(&tunnel));
  if (size_ == 0 && owner_) owner_->on_tunnels_gone();
}

size_t TunnelSet::adopt(std::vector<uint64_t> routes, const LeavingPace& pace) {
  std::sort(routes.begin(), routes.end());
  routes_ = std::move(routes);
  for (base::Link *at = leaving_.next, *next = at->next; at != &leaving_; at = next, next = at->next) {
    Tunnel* tunnel = base::LinkIn<Tunnel>::of(at);
    if (!must_leave(*tunnel) || tunnel->is_ending()) stay(*tunnel);  // the change was taken back
  }
  line_up_those_that_must();
  if (!stopping_) set_pace(pace);
  return leaving_count_;
}

void TunnelSet::leave(const LeavingPace& pace) {
  stopping_ = true;
  refused_.close_all();
  line_up_those_that_must();
  set_pace(pace);
}

void TunnelSet::line_up_those_that_must() {
  for (base::Link *at = tunnels_.next, *next = at->next; at != &tunnels_; at = next, next = at->next) {
    Tunnel* tunnel = base::LinkIn<Tunnel>::of(at);
    if (!tunnel->is_ending() && must_leave(*tunnel)) line_up(*tunnel);
  }
}

void TunnelSet::line_up(Tunnel& tunnel) {
  tunnel.place_.unlink();
  leaving_.append(tunnel.place_);
  tunnel.leaving_ = true;
  ++leaving_count_;
}

void TunnelSet::stay(Tunnel& tunnel) {
  tunnel.place_.unlink();
  tunnels_.append(tunnel.place_);
  tunnel.leaving_ = false;
  --leaving_count_;
}

void TunnelSet::set_pace(const LeavingPace& pace) {
  pace_ = pace;
  if (leaving_count_ == 0) return;
  const double wanted = pace.per_second(leaving_count_) * std::chrono::duration<double>(step).count();
  per_step_ = armed() ? std::max(per_step_, wanted) : wanted;
  if (armed()) return;
  due_ = std::max(1.0, per_step_);
  turn_.arm(*this, base::Duration::zero());
}

void TunnelSet::on_deadline() {
  while (due_ >= 1 && leaving_.linked()) {
    Tunnel* tunnel = base::LinkIn<Tunnel>::of(leaving_.next);
    stay(*tunnel);  // until it has ended
    if (tunnel->is_ending()) continue;
    --due_;
    if (stopping_)
      tunnel->close(Cause::shutting_down, Ending::shutdown, "the gateway is shutting down");
    else
      tunnel->close(Cause::route_changed, Ending::reload, "the gateway has a new configuration");
  }
  if (!leaving_.linked()) return;
  due_ += per_step_;
  turn_.arm(*this, step);
}

void TunnelSet::cut_all() {
  refused_.close_all();  // with nothing cut: their last words are on the way
  for (base::Link* list : {&leaving_, &tunnels_})
    while (list->linked()) base::LinkIn<Tunnel>::of(list->next)->cut(Cause::shutting_down);
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
  std::map<const RouteSockets*, SilentRoutes::Seen> seen = those_that_wait();
  for (auto at = sockets_.begin(); at != sockets_.end();) {
    const auto& [name, sockets] = *at;
    SilentRoutes::Seen& now = seen[&*sockets];
    now.last_message = sockets->last_message;
    const uint32_t before = std::exchange(sockets->waiting, now.waiting);
    const SilentRoutes::Verdict verdict = silent_routes_->look(name, before, now, turn_.now);
    if (verdict.found) access_log_.silent_route(name, verdict.sockets, verdict.quiet);
    if (telemetry::RouteSeries* route = metrics_.route(name))
      route->set(telemetry::RouteCount::sockets_silent, verdict.silent ? now.waiting : 0);
    at = sockets->open == 0 && !sockets->is_admitting(turn_.now) ? sockets_.erase(at) : std::next(at);
  }
  if (size_ > 0) turn_.arm(silence_watch_, SilentRoutes::look_every);
}

std::map<const RouteSockets*, SilentRoutes::Seen> TunnelSet::those_that_wait() {
  std::map<const RouteSockets*, SilentRoutes::Seen> all;
  for (const base::Link* list : {&leaving_, &tunnels_}) {
    for (base::Link* at = list->next; at != list; at = at->next) {
      const Tunnel& tunnel = *base::LinkIn<Tunnel>::of(at);
      if (tunnel.greeted_ == base::Instant{} || turn_.now - tunnel.greeted_ < SilentRoutes::silence) continue;
      SilentRoutes::Seen& seen = all[&*tunnel.route_sockets_];
      seen.since = seen.waiting == 0 ? tunnel.greeted_ : std::min(seen.since, tunnel.greeted_);
      ++seen.waiting;
    }
  }
  return all;
}

}  // namespace postern::proxy
