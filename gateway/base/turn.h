// What one turn of a loop works through after its callbacks have filled channels and slots: coroutines run
// from the ready queue, writers flush, the graveyard is swept. A callback never calls a coroutine, and
// nothing is freed while it is on the stack. net::Loop drives a turn from libuv; tests drive it by hand. One
// thread.
#pragma once

#include "base/clock.h"
#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "base/timer_wheel.h"

namespace postern::base {

class Wait;

// Something that gathers bytes during a turn and hands them on once, at its end.
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
  // The wait is settled by the next run(), after the loop has looked at its descriptors.
  void defer(LinkIn<Wait>& wait) { deferred_.append(wait); }
  bool has_deferred() const { return deferred_.linked(); }
  void flush_later(Flushable& flushable) {
    if (!flushable.link_.linked()) flushing_.append(flushable.link_);
  }
  void arm(Timer& timer, Duration limit) { timers.arm(timer, now, limit); }
  bool has_work() const {
    return ready_.linked() || deferred_.linked() || flushing_.linked() || !graveyard.empty();
  }

  // Beats two to four: run, flush, sweep, until nothing is left to do.
  void run();

  Instant now;  // moved only between turns
  TimerWheel timers;
  Graveyard graveyard;

 private:
  Link ready_;
  Link deferred_;
  Link flushing_;
};

}  // namespace postern::base
