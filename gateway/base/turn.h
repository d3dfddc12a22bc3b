// The work of one turn of an event loop after its callbacks have filled channels and slots: coroutines run
// from the ready queue, writers flush, the graveyard is swept. A callback never resumes a coroutine, and
// nothing is freed while one of its functions is on the stack. net::Loop drives the turns from libuv; tests
// drive them directly. For one thread only.
#pragma once

#include "base/clock.h"
#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "base/timer_wheel.h"

namespace postern::base {

class Wait;

// An object that collects bytes during a turn and passes them on once, at its end.
class Flushable {
 public:
  Flushable() : link_(this) {}

 protected:
  ~Flushable() = default;
  virtual void flush() = 0;

 private:
  friend class Turn;
  LinkIn<Flushable> link_;
};

class Turn {
 public:
  explicit Turn(Instant start) : now(start), timers(start) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void ready(LinkIn<Wait>& wait) {
    wait.unlink();
    ready_.append(wait);
  }
  // Settles the wait in the next run(), after the loop has polled its descriptors.
  void defer(LinkIn<Wait>& wait) { deferred_.append(wait); }
  bool has_deferred() const { return deferred_.linked(); }
  void flush_later(Flushable& flushable) {
    if (!flushable.link_.linked()) flushing_.append(flushable.link_);
  }
  void arm(Timer& timer, Duration limit) { timers.arm(timer, now, limit); }
  bool has_work() const {
    return ready_.linked() || deferred_.linked() || flushing_.linked() || !graveyard.empty();
  }

  // Runs beats two to four (run coroutines, flush, sweep) until nothing is left to do.
  void run();

  Instant now;  // changes only between turns
  TimerWheel timers;
  Graveyard graveyard;

 private:
  Link ready_;
  Link deferred_;
  Link flushing_;
};

}  // namespace postern::base
