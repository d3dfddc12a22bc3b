#include "upstream/endpoint.h"

#include <algorithm>

namespace postern::upstream {
namespace {

constexpr base::Duration cool_down_time = std::chrono::seconds(1);
// The connection is closed this long before the announced end, so that no request is sent to an endpoint that
// closes it.
constexpr base::Duration before_told_end = std::chrono::seconds(1);
constexpr uint64_t whole_weight = 1024;
constexpr uint64_t least_weight = 16;

}  // namespace

void Endpoint::set_limits(const Limits& limits) {
  const bool counted = counts_process();
  limits_ = limits;
  if (counts_process() && !counted) process_load_->add(load_);
  if (!counts_process() && counted) process_load_->remove(load_);
  retired_ = false;
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

std::unique_ptr<http1::ClientConnection> Endpoint::take_idle(base::Duration longest) {
  while (!idle_.empty() && turn_.now >= end_of(idle_.back())) {
    turn_.graveyard.bury(std::move(idle_.back().connection));
    idle_.pop_back();
  }
  if (idle_.empty() || turn_.now - idle_.back().since > longest) return nullptr;
  std::unique_ptr<http1::ClientConnection> connection = std::move(idle_.back().connection);
  idle_.pop_back();
  return connection;
}

void Endpoint::give_back(std::unique_ptr<http1::ClientConnection> connection) {
  if (retired_ || limits_.idle_max == 0) return turn_.graveyard.bury(std::move(connection));
  base::Instant told_end = base::Instant::max();
  if (const std::optional<base::Duration> told = connection->idle_limit())
    told_end = turn_.now + (*told - before_told_end);
  if (told_end <= turn_.now) return turn_.graveyard.bury(std::move(connection));
  if (idle_.size() >= limits_.idle_max) close_oldest();
  connection->park(*this);
  idle_.push_back({std::move(connection), turn_.now, told_end});
  arm_for(end_of(idle_.back()));
}

void Endpoint::arm_for(base::Instant end) {
  if (armed() && armed_for_ <= end) return;
  armed_for_ = end;
  turn_.arm(*this, end - turn_.now);
}

void Endpoint::retire() {
  retired_ = true;
  watcher_ = nullptr;
  while (!idle_.empty()) close_oldest();
}

void Endpoint::close_oldest() {
  turn_.graveyard.bury(std::move(idle_.front().connection));
  idle_.erase(idle_.begin());
}

telemetry::EndpointState Endpoint::state() const {
  telemetry::EndpointState state;
  state.in_flight = load_;
  state.connections_idle = idle_.size();
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

void Endpoint::on_idle_closed(http1::ClientConnection& connection) {
  const auto found = std::find_if(idle_.begin(), idle_.end(),
                                  [&](const Idle& idle) { return idle.connection.get() == &connection; });
  if (found == idle_.end()) return;
  turn_.graveyard.bury(std::move(found->connection));
  idle_.erase(found);
}

void Endpoint::on_deadline() {
  for (Idle& idle : idle_)
    if (end_of(idle) <= turn_.now) turn_.graveyard.bury(std::move(idle.connection));
  std::erase_if(idle_, [](const Idle& idle) { return idle.connection == nullptr; });
  for (const Idle& idle : idle_) arm_for(end_of(idle));
}

}  // namespace postern::upstream
