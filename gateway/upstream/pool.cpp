#include "upstream/pool.h"

namespace postern::upstream {
namespace {

// The connection is closed this long before the announced end, so that no request is sent to an endpoint that
// closes it.
constexpr base::Duration before_told_end = std::chrono::seconds(1);

}  // namespace

void Pool::set_limits(const Limits& limits) {
  limits_ = limits;
  retired_ = false;
}

Connection* Pool::find(base::Duration longest) {
  if (Connection* shared = first_of(shared_)) return shared;
  Connection* idle = last_of(idle_);
  for (; idle && turn_.now >= end_of(*idle); idle = last_of(idle_)) close(*idle);
  return idle && turn_.now - idle->idle_since_ <= longest ? idle : nullptr;
}

Connection& Pool::add(std::unique_ptr<Connection> connection) {
  Connection& added = *connection;
  added.owner_ = this;
  added.index_ = connections_.size();
  connections_.push_back(std::move(connection));
  return added;
}

http::UpstreamStream& Pool::open_stream(Connection& connection) {
  leave_place(connection);
  ++connection.streams_;
  http::UpstreamStream& stream = connection.open_stream();
  if (connection.has_room()) shared_.append(connection.link_);
  return stream;
}

void Pool::close_stream(Connection& connection, http::UpstreamStream& stream) {
  leave_place(connection);
  connection.close_stream(stream);
  --connection.streams_;
  put_in_place(connection);
}

void Pool::let_go(Connection& connection) {
  connection.retire();
  put_in_place(connection);
}

void Pool::retire() {
  retired_ = true;
  while (Connection* idle = first_of(idle_)) close(*idle);
  while (Connection* shared = first_of(shared_)) let_go(*shared);
}

void Pool::on_room_changed(Connection& connection) { put_in_place(connection); }

// Puts a connection into the list where its streams and its room say that it belongs.
void Pool::put_in_place(Connection& connection) {
  leave_place(connection);
  if (retired_) connection.retire();
  if (!connection.has_room()) {
    if (connection.streams_ == 0) close(connection);
  } else if (connection.streams_ > 0) {
    shared_.append(connection.link_);
  } else {
    set_idle(connection);
  }
}

void Pool::set_idle(Connection& connection) {
  connection.told_end_ = base::Instant::max();
  if (const std::optional<base::Duration> told = connection.idle_limit())
    connection.told_end_ = turn_.now + (*told - before_told_end);
  if (limits_.idle_max == 0 || connection.told_end_ <= turn_.now) return close(connection);
  if (idle_count_ >= limits_.idle_max) close(*first_of(idle_));
  connection.idle_since_ = turn_.now;
  idle_.append(connection.link_);
  ++idle_count_;
  arm_for(end_of(connection));
}

void Pool::leave_place(Connection& connection) {
  if (!connection.link_.linked()) return;
  if (connection.streams_ == 0) --idle_count_;
  connection.link_.unlink();
}

void Pool::close(Connection& connection) {
  leave_place(connection);
  connection.owner_ = nullptr;
  std::unique_ptr<Connection>& place = connections_[connection.index_];
  std::unique_ptr<Connection> closed = std::move(place);
  if (&place != &connections_.back()) {
    place = std::move(connections_.back());
    place->index_ = connection.index_;
  }
  connections_.pop_back();
  turn_.graveyard.bury(std::move(closed));
}

void Pool::arm_for(base::Instant end) {
  if (armed() && armed_for_ <= end) return;
  armed_for_ = end;
  turn_.arm(*this, end - turn_.now);
}

void Pool::on_deadline() {
  for (base::Link* at = idle_.next; at != &idle_;) {
    Connection& idle = *base::LinkIn<Connection>::of(at);
    at = at->next;
    if (end_of(idle) <= turn_.now) close(idle);
  }
  for (base::Link* at = idle_.next; at != &idle_; at = at->next)
    arm_for(end_of(*base::LinkIn<Connection>::of(at)));
}

}  // namespace postern::upstream
