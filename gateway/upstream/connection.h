// One connection to an endpoint, in any protocol. It carries streams: one at a time, or many. Its pool owns
// it and opens and closes its streams. One thread: the worker's.
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "http/stream.h"

namespace postern::upstream {

class Connection {
 public:
  class Owner {
   public:
    // The result of has_room() has changed, not because a stream was opened or closed, but because the
    // connection broke, or because the endpoint now allows more streams or none. The call may come from the
    // transport's own call: the owner must not free the connection, but may bury it.
    virtual void on_room_changed(Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  Connection() : link_(this) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;  // resets the streams that are open

  // Whether another stream can be opened now.
  virtual bool has_room() const = 0;
  // To be called only with room. The stream belongs to the connection until close_stream().
  virtual http::UpstreamStream& open_stream() = 0;
  // Resets a stream that is unfinished, but never its neighbours.
  virtual void close_stream(http::UpstreamStream& stream) = 0;
  // Opens no more streams from now on; the open streams continue.
  virtual void retire() = 0;
  // Whether a tunnel has taken its transport: closing the stream then frees the connection, and does not end
  // the tunnel. Only for a connection that is one stream: where tunnels need their connection, it is false.
  virtual bool transport_taken() const { return false; }
  virtual const net::Peer& peer() const = 0;
  // How long the endpoint keeps the connection open without a stream, as it announced.
  virtual std::optional<base::Duration> idle_limit() const { return std::nullopt; }

 protected:
  // For implementations: see Owner.
  void tell_room_changed() {
    if (owner_) owner_->on_room_changed(*this);
  }

 private:
  friend class Pool;
  Owner* owner_ = nullptr;
  size_t streams_ = 0;  // number of open streams
  size_t index_ = 0;    // position in the pool
  base::LinkIn<Connection> link_;
  base::Instant idle_since_{};
  base::Instant told_end_{};  // after it, the endpoint may close the idle connection
};

}  // namespace postern::upstream
