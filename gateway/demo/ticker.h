// A periodic tick that a coroutine can wait for. Missed ticks are not made up for: at most one is pending.
#pragma once

#include "base/slot.h"
#include "base/timer_wheel.h"
#include "base/turn.h"

namespace postern::demo {

class Ticker final : private base::Timer {
 public:
  struct Tick {};

  // The first tick comes after `every`.
  Ticker(base::Turn& turn, base::Duration every) : turn_(turn), every_(every) { turn_.arm(*this, every_); }
  base::Slot<Tick>& ticks() { return ticks_; }

 private:
  void on_deadline() override {
    if (!ticks_.filled()) ticks_.put(Tick{});
    turn_.arm(*this, every_);
  }

  base::Turn& turn_;
  base::Duration every_;
  base::Slot<Tick> ticks_;
};

}  // namespace postern::demo
