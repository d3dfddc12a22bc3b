// A hashed timer wheel with intrusive timers: deadlines without allocation. Arming and disarming are O(1). A
// timer fires within one tick (16 ms) after its deadline, never before it. For one thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace postern::base {

class TimerWheel;

class Timer {
 public:
  Timer() : link_(this) {}
  virtual ~Timer() = default;
  bool armed() const { return link_.linked(); }
  void disarm() { link_.unlink(); }

 protected:
  virtual void on_deadline() = 0;  // the timer is disarmed already, and may be armed again

 private:
  friend class TimerWheel;
  LinkIn<Timer> link_;
  Instant deadline_{};
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant now) : reached_(tick_of(now)) {}

  // Arms the timer, or moves its deadline. A limit of `no_limit` disarms it.
  void arm(Timer& timer, Instant now, Duration limit);

  // Fires every timer whose deadline is not after `now`.
  void advance(Instant now);

  // The earliest time at which advance() may have a timer to fire.
  std::optional<Instant> next() const;

 private:
  static constexpr int64_t tick_nanoseconds = 16'000'000;
  static constexpr size_t slot_count = 2048;  // 33 s per round; later deadlines stay for their round

  static int64_t tick_of(Instant instant) { return instant.time_since_epoch().count() / tick_nanoseconds; }
  void fire_slot(size_t slot, Instant now);

  int64_t reached_;  // the last tick that was processed
  std::array<Link, slot_count> slots_;
  mutable std::array<uint64_t, slot_count / 64> occupied_{};  // a set bit may be outdated
};

}  // namespace postern::base
