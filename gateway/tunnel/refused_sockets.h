// WebSockets of one worker that are opened only to be closed: the Close frame tells a page why it is refused,
// since a browser does not show a page the status of a refused handshake.
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

namespace postern::tunnel {

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

  // The limit of such sockets at a time on one worker, including those that wait for their 101. Beyond it,
  // the refusal is answered with a status, so that a flood of refusals has a bounded cost.
  static constexpr size_t most = 1'000;
  bool has_room() const { return size_ + waiting_count_ < most; }

  // An upgrade that waits before its 101 is sent. The wait ends at once when the worker shuts down.
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

  // `client` has received its 101. The Close is sent after a short delay, so that a client that takes an open
  // socket for success does not reconnect at once.
  void add(std::unique_ptr<net::Transport> client, uint16_t code, std::string_view reason);
  // The worker shuts down: those that wait for their 101 or their Close get it now, and later ones get it
  // without a delay.
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
  bool at_once_ = false;  // no delay before a Close
};

}  // namespace postern::tunnel
