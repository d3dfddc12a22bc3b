// Upgrades that are taken for one purpose: a page learns by a Close frame why it gets no socket, since a
// browser keeps the status of a refused handshake to itself. One worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/chunk.h"
#include "base/intrusive_list.h"
#include "base/turn.h"
#include "net/transport.h"
#include "telemetry/metrics.h"

namespace postern::proxy {

class RefusedSockets {
 public:
  class Owner {
   public:
    virtual void on_refused_gone() = 0;  // the last one has ended

   protected:
    ~Owner() = default;
  };

  RefusedSockets(base::Turn& turn, telemetry::Metrics& metrics, Owner& owner)
      : turn_(turn), metrics_(metrics), owner_(owner) {}
  ~RefusedSockets();
  RefusedSockets(const RefusedSockets&) = delete;
  RefusedSockets& operator=(const RefusedSockets&) = delete;

  // At once on one worker. Beyond that a status has to do: a flood of refusals costs no more than that.
  static constexpr size_t most = 1'000;
  bool has_room() const { return size_ < most; }

  // `client` has its 101. It gets the Close after a moment, so that a client which takes an open socket for
  // success does not come back at once.
  void add(std::unique_ptr<net::Transport> client, uint16_t code, std::string_view reason);
  // The worker ends: those that wait for their Close get it now, and those that are still to come at once.
  void close_all();
  size_t size() const { return size_; }

 private:
  struct Socket;
  void remove(Socket& socket);

  base::Turn& turn_;
  telemetry::Metrics& metrics_;
  Owner& owner_;
  base::Link sockets_;
  size_t size_ = 0;
  bool at_once_ = false;  // no moment is waited before a Close
};

}  // namespace postern::proxy
