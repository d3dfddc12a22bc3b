// A turn without a loop, a clock that a test moves by hand, and whatever stands for the network. Nothing here
// sleeps or waits; time is a value. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/check.h"
#include "base/turn.h"

namespace postern::support {

using base::Duration;
using base::Instant;

// What fills a turn from outside, as the network does: called in beat one, between two runs of the turn.
class Filler {
 public:
  Filler() : link_(this) {}
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 protected:
  virtual ~Filler() = default;
  // Delivers a little; false when there was nothing that could be delivered now. It may destroy nothing but
  // itself, and that only through the graveyard.
  virtual bool fill() = 0;

 private:
  friend class TurnFixture;
  base::LinkIn<Filler> link_;
};

class TurnFixture {
 public:
  base::Turn turn{Instant(std::chrono::hours(1))};

  void add(Filler& filler) { fillers_.append(filler.link_); }

  // One beat one, with every filler asked once in the order of their joining, then the turn. False when
  // nothing was to be done any more.
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

  // Until nothing is left to do at this moment.
  void settle() {
    for (int i = 0; step(); ++i) base::check(i < steps_max, "the turns never end");
  }

  // Moves the clock, with a stop at every moment at which a timer may be due.
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

  // Until `done` holds, for at most `limit` of the fixture's own time; false: it never held.
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
