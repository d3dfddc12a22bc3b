#include "tunnel/frame_rates.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace postern::tunnel {

using routing::OnViolation;

std::string key_of_side(base::Side sender, std::string_view key) {
  return (sender == base::Side::client ? "from_client." : "from_upstream.") + std::string(key);
}

double FrameRates::Bucket::add(const routing::MessageRate& rate, double amount, base::Instant now) {
  const double passed = std::chrono::duration<double>(now - at).count();
  level = std::max(0.0, level - passed * rate.per_second) + amount;
  at = now;
  return level - rate.burst;
}

FrameRates::FrameRates(const routing::MessageRules& rules, base::Side sender, base::Turn& turn,
                       const std::vector<SharedLimit>& limits)
    : rules_(rules), sender_(sender), turn_(turn), limits_(limits) {
  messages_.at = bytes_.at = turn.now;
}

FrameRates::~FrameRates() {
  if (!booked_) return;
  for (const SharedLimit& limit : limits_)
    if (const uint32_t amount = booked_->of(limit); amount != 0) limit.limiter->give_back(limit.key, amount);
}

FrameRates::Charge FrameRates::charge(uint32_t messages, uint64_t bytes, bool droppable) {
  if (messages != 0 && rules_.messages.per_second != 0) {
    const Charge charged = charge_rate(rules_.messages, messages_, messages, droppable, "rate");
    if (charged != Charge::passes) return charged;
  }
  if (rules_.bytes.per_second != 0) {
    const Charge charged =
        charge_rate(rules_.bytes, bytes_, static_cast<double>(bytes), droppable, "byte_rate");
    if (charged != Charge::passes) return charged;
  }
  return limits_.empty() ? Charge::passes : charge_limits(messages, bytes, droppable);
}

FrameRates::Charge FrameRates::charge_passing(uint64_t bytes) {
  const Charge charged = charge(0, bytes, true);
  booked_.reset();
  return charged == Charge::early ? Charge::passes : charged;
}

FrameRates::Charge FrameRates::charge_rate(const routing::MessageRate& rate, Bucket& bucket, double amount,
                                           bool droppable, std::string_view key) {
  const double over = bucket.add(rate, amount, turn_.now);
  if (over <= 0) return Charge::passes;
  const std::chrono::duration<double> wait(std::min(over / rate.per_second, 3600.0));
  const Charge charged = exceed(std::chrono::duration_cast<base::Duration>(wait), droppable);
  if (charged == Charge::drop) bucket.level -= amount;
  if (charged == Charge::refused) broken_rule_ = key_of_side(sender_, key);
  return charged;
}

// Limits that are shared with other sockets are charged in whole KiB; the rest of the last KiB is used for
// the next frames.
FrameRates::Charge FrameRates::charge_limits(uint32_t messages, uint64_t bytes, bool droppable) {
  constexpr uint64_t unit = 1024;
  const uint64_t unpaid = bytes - std::min<uint64_t>(bytes, paid_bytes_);
  const uint64_t units = std::min<uint64_t>((unpaid + unit - 1) / unit, 1'000'000);
  const Amounts amounts{.messages = messages, .kibibytes = static_cast<uint32_t>(units)};
  const uint32_t paid_before = paid_bytes_;
  paid_bytes_ = static_cast<uint32_t>(std::max(paid_bytes_ + units * unit, bytes) - bytes);
  if (rules_.on_rate == OnViolation::slow) return book(amounts);
  for (const SharedLimit& limit : limits_) {
    const uint32_t amount = amounts.of(limit);
    if (amount == 0) continue;
    const auto bucket = limit.limiter->take(limit.key, turn_.now, amount);
    if (bucket.passes) continue;
    const Charge charged = exceed(bucket.wait, droppable);
    if (charged == Charge::drop) paid_bytes_ = paid_before;
    if (charged == Charge::refused)
      broken_rule_ = (limit.of_bytes ? "byte_limit: " : "message_limit: ") + limit.limiter->settings().name;
    return charged;
  }
  return Charge::passes;
}

// Each socket has at most one place in the queue of a limit, and its frame passes when its turn comes:
// however many sockets there are, together they get what the limit allows.
FrameRates::Charge FrameRates::book(const Amounts& amounts) {
  base::Duration wait{};
  for (const SharedLimit& limit : limits_)
    if (const uint32_t amount = amounts.of(limit); amount != 0)
      wait = std::max(wait, limit.limiter->book(limit.key, turn_.now, amount));
  if (wait == base::Duration::zero()) return Charge::passes;
  booked_ = amounts;
  wait_until_ = std::max(wait_until_, turn_.now + wait);
  return Charge::early;
}

// Called when a rate is exceeded; it will no longer be exceeded after `wait`.
FrameRates::Charge FrameRates::exceed(base::Duration wait, bool droppable) {
  switch (rules_.on_rate) {
    case OnViolation::slow: wait_until_ = std::max(wait_until_, turn_.now + wait); return Charge::passes;
    case OnViolation::drop: return droppable ? Charge::drop : Charge::refused;
    case OnViolation::close: break;
  }
  return Charge::refused;
}

}  // namespace postern::tunnel
