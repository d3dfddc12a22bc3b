// Readiness of data sockets, edge-triggered: a set of our own that is itself watched by the libuv loop. One
// epoll_ctl per connection instead of one per change of interest, and a socket may be closed at any time.
// One thread.
#pragma once

#include <sys/epoll.h>
#include <array>
#include <cstdint>

#include "base/intrusive_list.h"

namespace postern::net {

// A watched descriptor. Every edge is told once; who does not use a readiness up remembers it.
class Pollable {
 public:
  Pollable() : again_(this) {}
  virtual ~Pollable() = default;
  virtual void on_ready(uint32_t events) = 0;  // EPOLL*; 0: asked for by Poller::again
 private:
  friend class Poller;
  base::LinkIn<Pollable> again_;
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  int descriptor() const { return set_; }
  bool add(int descriptor, Pollable& pollable);  // in, out, hang-up
  // Forgets it, also events of this batch that were not told yet. To be called before the descriptor is
  // closed.
  void remove(int descriptor, Pollable& pollable);
  // Tells on_ready(0) in the next turn: readiness is left over.
  void again(Pollable& pollable) {
    if (!pollable.again_.linked()) again_.append(pollable.again_);
  }
  bool has_leftovers() const { return again_.linked(); }

  // Tells all that is ready now, then what was left over before this call.
  void dispatch();

 private:
  static constexpr size_t batch_size = 512;
  int set_;
  base::Link again_;
  std::array<epoll_event, batch_size> batch_;
  int batch_count_ = 0;
  int batch_at_ = 0;
};

}  // namespace postern::net
