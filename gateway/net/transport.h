// A byte pipe with a backlog and an end: a TCP socket, TLS over any transport, or a pair in memory for tests.
// The net module knows sockets, TLS and libuv; it gives transports, listeners, names and a loop; it must not
// know what the bytes mean.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/chunk.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "base/transit.h"

namespace postern::net {

using Peer = base::SocketAddress;

class Transport {
 public:
  // Called in beat one (or in the flush beat, for on_drained, on_sent and on_closed after a failed write);
  // must not free the transport, but may bury it.
  class Receiver {
   public:
    virtual void on_bytes(base::Bytes bytes) = 0;  // valid during the call only
    virtual void on_drained() = 0;                 // the backlog fell below low water after having been above
    virtual void on_sent() {}                      // that tell_when_sent() asked for
    virtual void on_end() = 0;                     // the peer will send no more
    // While it is paused: the peer has ended its direction behind bytes that wait here, or has reset the
    // connection. Told once of each. on_end() or on_closed() come all the same, in their place behind the
    // bytes, when it is resumed.
    virtual void on_hang_up(bool reset) { static_cast<void>(reset); }
    // Broken; always the last call. What the peer did not take is still in backlog() and transit().
    virtual void on_closed(base::Error why) = 0;

   protected:
    ~Receiver() = default;
  };

  // Above this backlog a writer should wait for on_drained().
  static constexpr size_t high_water = 64 * 1024;

  virtual ~Transport() = default;  // still open: closes at once

  // Begins to deliver, or delivers to another receiver from now on. Never calls back before the next turn.
  virtual void start(Receiver& receiver) = 0;
  // Never block. A chunk is gathered and sent at the end of the turn; bytes are sent at once, as far as the
  // peer takes them, and only the rest is copied.
  virtual void write(base::Chunk chunk) = 0;
  virtual void write(base::Bytes bytes) = 0;
  virtual size_t backlog() const = 0;  // bytes not yet given to the kernel
  // Asks for one on_sent(), when the backlog is empty: at the end of this turn at the earliest, and then in
  // it where the kernel takes all at once. Never told where the transport breaks before.
  virtual void tell_when_sent() = 0;
  virtual void pause() = 0;  // no more on_bytes or on_end until resume()
  virtual void resume() = 0;
  virtual void abort() = 0;   // the peer is to see a reset when this transport is freed
  virtual void finish() = 0;  // send what is queued, then end our direction
  // Puts bytes back in front of what is still to be received; they are delivered again, never in this call.
  // Pause first, or they come at once again. No bytes at all ask for one delivery of none, so that who has
  // kept something is called for it.
  virtual void unread(base::Chunk bytes) = 0;
  virtual const Peer& peer() const = 0;

  using Transit = base::Transit;
  virtual Transit transit() const { return {0, backlog()}; }

  // Something that is let go together with the connection, whoever owns it then.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  void attach(std::unique_ptr<Attachment> attachment) { attachment_ = std::move(attachment); }

 private:
  std::unique_ptr<Attachment> attachment_;
};

}  // namespace postern::net
