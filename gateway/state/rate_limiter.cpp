#include "state/rate_limiter.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "crypto/digest.h"
#include "crypto/random.h"

namespace postern::state {
namespace {

// What `amount` requests cost, in nanoseconds; bounded by 73 years, so that sums do not overflow.
int64_t cost_of(int64_t interval, uint32_t amount) {
  constexpr int64_t longest = std::numeric_limits<int64_t>::max() / 4;
  return amount > longest / interval ? longest : interval * amount;
}

}  // namespace

LocalRateLimiter::LocalRateLimiter(RateLimitSettings settings)
    : RateLimiter(std::move(settings)),
      interval_(this->settings().per.count() / this->settings().count),
      depth_(interval_ * this->settings().burst) {
  std::array<uint8_t, 16> secret;
  crypto::fill_random(secret);
  secret_ = crypto::as_bytes(secret);
}

std::string RateLimiter::description() const {
  const char* unit = settings_.per == std::chrono::hours(1)     ? "/h"
                     : settings_.per == std::chrono::minutes(1) ? "/m"
                                                                : "/s";
  return std::to_string(settings_.count) + unit + ", at most " + std::to_string(settings_.burst) + " at once";
}

RateLimiter::Key RateLimiter::key_of(const base::IpAddress& client) const {
  const base::IpAddress network = client.client_network();
  return key_of(network.is_v6() ? '6' : '4',
                {reinterpret_cast<const char*>(network.bytes().data()), network.bytes().size()});
}

RateLimiter::Key LocalRateLimiter::key_of(char kind, std::string_view value) const {
  const crypto::Sha256Digest digest = crypto::sha256(secret_ + kind, value);
  Key key = 0;
  std::memcpy(&key, digest.data(), sizeof(key));
  return key;
}

LocalRateLimiter::Entry& LocalRateLimiter::entry_of(Stripe& stripe, Key key, int64_t at) {
  if (stripe.sets.empty()) stripe.sets.resize(sets_per_stripe);
  Set& set = set_of(stripe, key);
  auto* entry = std::find_if(set.begin(), set.end(), [&](const Entry& one) { return one.key == key; });
  if (entry == set.end()) {
    entry = std::min_element(set.begin(), set.end(), [](const Entry& one, const Entry& other) {
      return one.full_at < other.full_at;
    });
    *entry = {key, at};
  }
  return *entry;
}

RateLimiter::BucketState LocalRateLimiter::take(Key key, base::Instant now, uint32_t amount) {
  const int64_t at = now.time_since_epoch().count();
  Stripe& stripe = stripe_of(key);
  const std::lock_guard<std::mutex> lock(stripe.mutex);
  Entry& entry = entry_of(stripe, key, at);
  const int64_t used = std::max(entry.full_at - at, int64_t{0});
  const int64_t cost = cost_of(interval_, amount);
  if (used + cost > depth_) return {false, 0, base::Duration(used + cost - depth_), base::Duration(used)};
  entry.full_at = at + used + cost;
  return {true, static_cast<uint32_t>((depth_ - used) / interval_ - amount), {}, base::Duration(used + cost)};
}

int64_t LocalRateLimiter::bookable(uint32_t amount) const {
  return std::min(cost_of(interval_, amount),
                  std::max(depth_, int64_t{base::Duration(std::chrono::hours(1)).count()}));
}

base::Duration LocalRateLimiter::book(Key key, base::Instant now, uint32_t amount) {
  const int64_t at = now.time_since_epoch().count();
  Stripe& stripe = stripe_of(key);
  const std::lock_guard<std::mutex> lock(stripe.mutex);
  Entry& entry = entry_of(stripe, key, at);
  const int64_t used = std::max(entry.full_at - at, int64_t{0}) + bookable(amount);
  entry.full_at = at + used;
  return base::Duration(std::max(used - depth_, int64_t{0}));
}

void LocalRateLimiter::give_back(Key key, uint32_t amount) {
  Stripe& stripe = stripe_of(key);
  const std::lock_guard<std::mutex> lock(stripe.mutex);
  if (stripe.sets.empty()) return;
  for (Entry& entry : set_of(stripe, key))
    if (entry.key == key) entry.full_at -= bookable(amount);
}

}  // namespace postern::state
