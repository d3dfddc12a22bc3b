#include "upstream/endpoint.h"

#include <algorithm>

namespace postern::upstream {
namespace {

constexpr base::Duration rest_after_connect_failure = std::chrono::seconds(1);

}  // namespace

void Endpoint::set_limits(size_t idle_max, base::Duration keepalive) {
  idle_max_ = idle_max;
  keepalive_ = keepalive;
  retired_ = false;
}

std::unique_ptr<http1::ClientConnection> Endpoint::take_idle(base::Duration longest) {
  if (idle_.empty() || turn_.now - idle_.back().since > longest) return nullptr;
  std::unique_ptr<http1::ClientConnection> connection = std::move(idle_.back().connection);
  idle_.pop_back();
  return connection;
}

void Endpoint::give_back(std::unique_ptr<http1::ClientConnection> connection) {
  if (retired_ || idle_max_ == 0) return turn_.graveyard.bury(std::move(connection));
  if (idle_.size() >= idle_max_) close_oldest();
  connection->rest(*this);
  idle_.push_back({std::move(connection), turn_.now});
  if (!armed()) turn_.arm(*this, keepalive_);
}

void Endpoint::retire() {
  retired_ = true;
  while (!idle_.empty()) close_oldest();
}

void Endpoint::close_oldest() {
  turn_.graveyard.bury(std::move(idle_.front().connection));
  idle_.erase(idle_.begin());
}

void Endpoint::rest_after_failure() { rests_until_ = turn_.now + rest_after_connect_failure; }

void Endpoint::set_down(bool down) {
  if (std::exchange(down_, down) == down || down) return;
  rests_until_ = {};  // the checks know better than attempts made before it came up
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
  while (!idle_.empty() && turn_.now - idle_.front().since >= keepalive_) close_oldest();
  if (!idle_.empty()) turn_.arm(*this, keepalive_ - (turn_.now - idle_.front().since));
}

}  // namespace postern::upstream
