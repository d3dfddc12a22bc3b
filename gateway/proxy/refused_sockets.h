// Upgrades that are taken for one purpose: a page learns by a Close frame why it gets no socket, since a
// browser keeps the status of a refused handshake to itself. One worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/chunk.h"
#include "base/intrusive_list.h"
#include "base/slot.h"
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

  // At once on one worker, those that wait for their 101 among them. Beyond that a status has to do: a flood
  // of refusals costs no more than that.
  static constexpr size_t most = 1'000;
  bool has_room() const { return size_ + waiting_count_ < most; }

  // An upgrade that waits before it gets its 101; ends at once when the worker does.
  class Waiter final : private base::Timer {
   public:
    Waiter(RefusedSockets& set, base::Duration wait);
    ~Waiter() override;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    base::Slot<bool>::Take end(base::Scope& scope) { return end_.take(scope); }

   private:
    friend class RefusedSockets;
    void on_deadline() override { end_.put(true); }
    RefusedSockets& set_;
    base::Slot<bool> end_;
    base::LinkIn<Waiter> link_{this};
  };

  // `client` has its 101. It gets the Close after a moment, so that a client which takes an open socket for
  // success does not come back at once.
  void add(std::unique_ptr<net::Transport> client, uint16_t code, std::string_view reason);
  // The worker ends: those that wait for their 101 or their Close get it now, and those that are still to
  // come at once.
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
  base::Link waiting_;
  size_t waiting_count_ = 0;
  bool at_once_ = false;  // no moment is waited before a Close
};

}  // namespace postern::proxy
