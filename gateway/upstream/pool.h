// The connections to one endpoint. A connection without a stream stays idle for as long as the limits allow,
// and is then closed.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/turn.h"
#include "upstream/connection.h"

namespace postern::upstream {

class Pool final : private Connection::Owner, private base::Timer {
 public:
  struct Limits {
    size_t idle_max = 512;
    base::Duration keepalive = std::chrono::seconds(55);
  };

  explicit Pool(base::Turn& turn) : turn_(turn) {}
  ~Pool() override = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void set_limits(const Limits& limits);

  // Returns a connection that has room for a stream: one that carries streams already, or else the one that
  // was idle for the shortest time. Null when there is none, or when it was idle for longer than `longest`.
  Connection* find(base::Duration longest);
  // Takes over a new connection.
  Connection& add(std::unique_ptr<Connection> connection);
  http::UpstreamStream& open_stream(Connection& connection);
  // Keeps the connection, if it can carry further streams, for as long as the limits allow, or shorter if the
  // endpoint has announced an earlier end. When the pool is full, the oldest idle connection is closed.
  void close_stream(Connection& connection, http::UpstreamStream& stream);
  // The connection gets no more streams; it is closed when it has none.
  void let_go(Connection& connection);

  // No more streams will be opened: closes the idle connections now, the others when their streams end.
  void retire();
  bool retired() const { return retired_; }
  size_t idle_count() const { return idle_count_; }
  size_t connection_count() const { return connections_.size(); }  // also those with streams

 private:
  void on_room_changed(Connection& connection) override;
  void on_deadline() override;
  void put_in_place(Connection& connection);
  void set_idle(Connection& connection);
  void leave_place(Connection& connection);
  void close(Connection& connection);
  void arm_for(base::Instant end);
  base::Instant end_of(const Connection& idle) const {
    return std::min(idle.told_end_, idle.idle_since_ + limits_.keepalive);
  }
  static Connection* first_of(const base::Link& list) {
    return list.linked() ? base::LinkIn<Connection>::of(list.next) : nullptr;
  }
  static Connection* last_of(const base::Link& list) {
    return list.linked() ? base::LinkIn<Connection>::of(list.previous) : nullptr;
  }

  base::Turn& turn_;
  Limits limits_;
  std::vector<std::unique_ptr<Connection>> connections_;
  base::Link idle_;    // connections without a stream, the oldest first
  base::Link shared_;  // connections with streams that have room for more
  size_t idle_count_ = 0;
  base::Instant armed_for_{};
  bool retired_ = false;
};

}  // namespace postern::upstream
