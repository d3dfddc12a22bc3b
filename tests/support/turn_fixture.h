// A turn without an event loop, a clock that a test sets, and the objects that replace the network. Nothing
// here sleeps or waits; time is a value. For one thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/check.h"
#include "base/turn.h"

namespace postern::support {

using base::Duration;
using base::Instant;

// Fills a turn from outside, as the network does: called in the first beat, between two runs of the turn.
class Filler {
 public:
  Filler() : link_(this) {}
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 protected:
  virtual ~Filler() = default;
  // Delivers a little; false when there was nothing to deliver now. It may destroy nothing but itself, and
  // only through the graveyard.
  virtual bool fill() = 0;

 private:
  friend class TurnFixture;
  base::LinkIn<Filler> link_;
};

class TurnFixture {
 public:
  base::Turn turn{Instant(std::chrono::hours(1))};

  void add(Filler& filler) { fillers_.append(filler.link_); }

  // Runs one first beat, in which every filler is called once in the order of joining, and then the turn.
  // Returns false when nothing was left to do.
  bool step() {
    bool busy = turn.has_work();
    turn.run();
    base::Link asked;
    while (fillers_.linked()) {
      Filler* filler = base::LinkIn<Filler>::of(fillers_.next);
      filler->link_.unlink();
      asked.append(filler->link_);
      busy = filler->fill() || busy;
    }
    fillers_.take_all(asked);
    turn.run();
    return busy;
  }

  // Runs until nothing is left to do at this time.
  void settle() {
    for (int i = 0; step(); ++i) base::check(i < steps_max, "the turns never end");
  }

  // Moves the clock, with a stop at every time at which a timer may be due.
  void advance(Duration duration) {
    settle();
    const Instant target = turn.now + duration;
    for (auto next = turn.timers.next(); next && *next <= target; next = turn.timers.next()) {
      turn.now = std::max(turn.now, *next);
      turn.timers.advance(turn.now);
      settle();
    }
    turn.now = target;
    turn.timers.advance(turn.now);
    settle();
  }

  // Moves the clock until `done` holds, by at most `limit`. Returns false when `done` never held.
  bool advance_until(const std::function<bool()>& done, Duration limit = std::chrono::minutes(5)) {
    settle();
    const Instant target = turn.now + limit;
    while (!done()) {
      const auto next = turn.timers.next();
      if (!next || *next > target) return false;
      advance(std::max(*next - turn.now, Duration::zero()));
    }
    return true;
  }

 private:
  static constexpr int steps_max = 10'000'000;
  base::Link fillers_;
};

}  // namespace postern::support
