#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace postern::base {

void TimerWheel::arm(Timer& timer, Instant now, Duration limit) {
  timer.link_.unlink();
  if (limit > std::chrono::hours(24 * 365)) return;
  timer.deadline_ = now + std::max(limit, Duration::zero());
  // The tick after the one of the deadline, so that the timer never fires early; never a tick that has passed
  // already.
  const int64_t tick = std::max(tick_of(timer.deadline_) + 1, reached_ + 1);
  const size_t slot = static_cast<size_t>(tick) % slot_count;
  slots_[slot].append(timer.link_);
  occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
}

void TimerWheel::fire_slot(size_t slot, Instant now) {
  Link waiting;
  waiting.take_all(slots_[slot]);
  while (waiting.linked()) {
    Timer* timer = LinkIn<Timer>::of(waiting.next);
    timer->link_.unlink();
    if (timer->deadline_ <= now)
      timer->on_deadline();
    else
      slots_[slot].append(timer->link_);  // it fires in a later round
  }
  if (!slots_[slot].linked()) occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
}

void TimerWheel::advance(Instant now) {
  const int64_t target = tick_of(now);
  if (target <= reached_) return;
  const int64_t first = std::max(reached_ + 1, target - static_cast<int64_t>(slot_count) + 1);
  reached_ = target;
  for (int64_t tick = first; tick <= target; ++tick) {
    const size_t slot = static_cast<size_t>(tick) % slot_count;
    if (occupied_[slot / 64] & (uint64_t{1} << (slot % 64))) fire_slot(slot, now);
  }
}

std::optional<Instant> TimerWheel::next() const {
  for (int64_t ahead = 1; ahead <= static_cast<int64_t>(slot_count);) {
    const size_t slot = static_cast<size_t>(reached_ + ahead) % slot_count;
    const uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word == 0) {
      ahead += 64 - static_cast<int64_t>(slot % 64);
      continue;
    }
    ahead += std::countr_zero(word);
    if (ahead > static_cast<int64_t>(slot_count)) break;
    const size_t found = static_cast<size_t>(reached_ + ahead) % slot_count;
    if (slots_[found].linked()) return Instant(Duration((reached_ + ahead) * tick_nanoseconds));
    occupied_[found / 64] &= ~(uint64_t{1} << (found % 64));
    ++ahead;
  }
  return std::nullopt;
}

}  // namespace postern::base
