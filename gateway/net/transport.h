// A byte stream with a backlog and an end: a TCP socket, TLS over any transport, or a pair in memory for
// tests. The net module knows sockets, TLS and libuv; it provides transports, listeners, name resolution and
// a loop. It must not know what the bytes mean.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "base/error_fwd.h"
#include "base/ip_address.h"
#include "base/transit.h"

namespace postern::net {

using Peer = base::SocketAddress;

class Transport {
 public:
  // Called in the first beat of a turn (or in the flush beat, for on_drained, on_sent and on_closed after a
  // failed write). A receiver must not free the transport in these calls, but may bury it in the graveyard.
  class Receiver {
   public:
    virtual void on_bytes(base::Bytes bytes) = 0;  // valid during the call only
    virtual void on_drained() = 0;  // the backlog fell to the low-water mark after it was above high water
    virtual void on_sent() {}       // the call that tell_when_sent() requested
    virtual void on_end() = 0;      // half-close: the peer will send no more bytes
    // Called while the transport is paused: the peer has ended its direction, behind bytes that are still
    // unread here, or has reset the connection. Called once for each. on_end() or on_closed() is still called
    // in its place behind the bytes, when the transport is resumed.
    virtual void on_hang_up(bool reset) { static_cast<void>(reset); }
    // The connection is broken; always the last call. Bytes that the peer did not accept still count in
    // backlog() and transit().
    virtual void on_closed(base::Error why) = 0;

   protected:
    ~Receiver() = default;
  };

  // The high-water mark: above this backlog a writer should wait for on_drained().
  static constexpr size_t high_water = 64 * 1024;

  virtual ~Transport() = default;  // closes at once if still open

  // Begins to deliver, or delivers to another receiver from now on. Never calls the receiver before the next
  // turn.
  virtual void start(Receiver& receiver) = 0;
  // Writes never block. A chunk is queued and sent at the end of the turn. Bytes are sent at once, as far as
  // the peer accepts them, and only the rest is copied.
  virtual void write(base::Chunk chunk) = 0;
  virtual void write(base::Bytes bytes) = 0;
  virtual size_t backlog() const = 0;  // bytes not yet given to the kernel
  // Requests one on_sent() call when the backlog is empty: at the end of this turn at the earliest, and in
  // this turn when the kernel accepts everything at once. The call does not come when the transport breaks
  // first.
  virtual void tell_when_sent() = 0;
  virtual void pause() = 0;  // no more on_bytes or on_end until resume()
  virtual void resume() = 0;
  virtual void abort() = 0;   // the peer will receive a reset when this transport is freed
  virtual void finish() = 0;  // sends what is queued, then ends our direction (half-close)
  // Puts bytes back in front of those still to be received; they are delivered again, but never within this
  // call. Pause first, or they are delivered again at once. An empty chunk requests one delivery of no bytes,
  // so that a receiver that has kept bytes itself is called again.
  virtual void unread(base::Chunk bytes) = 0;
  virtual const Peer& peer() const = 0;
  // The protocol that both sides agreed on by ALPN; empty: none, or there is no TLS.
  virtual std::string_view protocol() const { return {}; }
  // What has broken the connection, in a few words for logs; empty: nothing, or nothing is known of it.
  virtual std::string_view failure() const { return {}; }

  using Transit = base::Transit;
  virtual Transit transit() const { return {0, backlog()}; }

  // An object that is freed together with the connection, whoever owns the connection then.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  void attach(std::unique_ptr<Attachment> attachment) { attachment_ = std::move(attachment); }

 private:
  std::unique_ptr<Attachment> attachment_;
};

}  // namespace postern::net
