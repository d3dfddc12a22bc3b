// A tick again and again, for a coroutine to wait for. Ticks that the coroutine did not come to take are not
// made up for: there is one at most.
#pragma once

#include "base/slot.h"
#include "base/timer_wheel.h"
#include "base/turn.h"

namespace postern::demo {

class Ticker final : private base::Timer {
 public:
  struct Tick {};

  // The first one comes after `every`.
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
