#include "upstream/endpoint.h"

#include <algorithm>

namespace postern::upstream {
namespace {

constexpr base::Duration cool_down_time = std::chrono::seconds(1);
constexpr uint64_t whole_weight = 1024;
constexpr uint64_t least_weight = 16;

}  // namespace

void Endpoint::set_limits(const Limits& limits) {
  const bool counted = counts_process();
  limits_ = limits;
  if (counts_process() && !counted) process_load_->add(load_);
  if (!counts_process() && counted) process_load_->remove(load_);
  pool_.set_limits(limits.pool);
}

bool Endpoint::enter() {
  if (limits_.max_requests != 0) {
    if (!process_load_->add_below(limits_.max_requests)) return false;
  } else if (limits_.process_wide) {
    process_load_->add(1);
  }
  ++load_;
  return true;
}

void Endpoint::leave() {
  --load_;
  if (counts_process()) process_load_->remove(1);
  if (watcher_) watcher_->on_permit_left();
}

uint64_t Endpoint::share_of_weight(base::Duration slow_start) const {
  if (!up_since_ || slow_start <= base::Duration::zero()) return whole_weight;
  const base::Duration up = turn_.now - *up_since_;
  if (up >= slow_start) return whole_weight;
  const double grown = static_cast<double>(up.count()) / static_cast<double>(slow_start.count());
  return std::max(least_weight, static_cast<uint64_t>(std::max(grown, 0.0) * whole_weight));
}

void Endpoint::retire() {
  watcher_ = nullptr;
  pool_.retire();
}

telemetry::EndpointState Endpoint::state() const {
  telemetry::EndpointState state;
  state.in_flight = load_;
  state.connections_idle = pool_.idle_count();
  if (down_)
    state.unhealthy = 1;
  else if (ejection_.out(turn_.now))
    state.ejected = 1;
  else if (turn_.now < cools_down_until_)
    state.unreachable = 1;
  else
    state.up = 1;
  state.passed_over_for = ejection_.out_for(turn_.now);
  return state;
}

void Endpoint::cool_down() {
  cools_down_until_ = turn_.now + cool_down_time;
  came_up(cools_down_until_);
}

void Endpoint::set_checked(bool checked, bool starts_down) {
  if (std::exchange(checked_, checked) != checked) set_down(checked && starts_down);
}

void Endpoint::set_down(bool down) {
  if (std::exchange(down_, down) == down || down) return;
  cools_down_until_ = {};  // the checks are newer than the failed attempts
  ejection_.readmit(turn_.now);
  came_up(turn_.now);
}

}  // namespace postern::upstream
