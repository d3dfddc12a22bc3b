// Edge-triggered readiness of data sockets: an epoll set of our own, which the libuv loop watches. This costs
// one epoll_ctl per connection instead of one per change of interest, and a socket may be closed at any time.
// For one thread only.
#pragma once

#include <sys/epoll.h>
#include <array>
#include <cstdint>

#include "base/intrusive_list.h"

namespace postern::net {

// A watched descriptor. Each edge is reported once; a pollable that does not use a readiness up must remember
// it.
class Pollable {
 public:
  Pollable() : again_(this) {}
  virtual ~Pollable() = default;
  virtual void on_ready(uint32_t events) = 0;  // EPOLL* bits; 0: called because of Poller::again
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
  // Removes it, together with events of the current batch that were not delivered yet. Must be called before
  // the descriptor is closed.
  void remove(int descriptor, Pollable& pollable);
  // Calls on_ready(0) in the next turn, because readiness is left over.
  void again(Pollable& pollable) {
    if (!pollable.again_.linked()) again_.append(pollable.again_);
  }
  bool has_leftovers() const { return again_.linked(); }

  // Delivers all events that are ready now, then the calls that again() requested before this call.
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
