// Counts how many requests each key may make: one token bucket per key, exact over all workers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"

namespace postern::state {

struct RateLimitSettings {
  std::string name;                              // of the limit, as clients and the log see it
  uint32_t count = 1;                            // requests per `per`, after the burst is used up
  base::Duration per = std::chrono::seconds(1);  // per / count is at least 1 ns
  uint32_t burst = 1;                            // requests that may come at the same time; at least 1
  friend bool operator==(const RateLimitSettings&, const RateLimitSettings&) = default;
};

// Counts the requests of each key under one limit. Any thread may use it. An implementation may count for
// this process alone, or share its counts with other processes; in both cases these functions never wait.
class RateLimiter {
 public:
  using Key = uint64_t;

  struct BucketState {
    bool passes = true;
    uint32_t remaining = 0;       // requests that would still pass now
    base::Duration wait{};        // until a request passes; zero when this one passed
    base::Duration until_full{};  // until the whole burst is available again
  };

  explicit RateLimiter(RateLimitSettings settings) : settings_(std::move(settings)) {}
  virtual ~RateLimiter() = default;
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  const RateLimitSettings& settings() const { return settings_; }
  // A text like "100/s, at most 50 at once".
  std::string description() const;

  // `kind` keeps values of different kinds apart.
  virtual Key key_of(char kind, std::string_view value) const = 0;
  // The key of a client: its address, or the /64 of an IPv6 address.
  Key key_of(const base::IpAddress& client) const;
  // Takes one request of `key` at `now`, or `amount` of whatever is counted; takes nothing when it does not
  // pass. The workers' values of `now` may differ.
  virtual BucketState take(Key key, base::Instant now, uint32_t amount) = 0;
  BucketState take(Key key, base::Instant now) { return take(key, now, 1); }
  // Takes `amount` in advance and returns how long the caller has to wait; later calls wait behind it. One
  // call takes at most the amount that returns in one hour, or the burst if that is more.
  virtual base::Duration book(Key key, base::Instant now, uint32_t amount) = 0;
  // Returns what a take() that passed, or a book(), has taken.
  virtual void give_back(Key key, uint32_t amount) = 0;
  void give_back(Key key) { give_back(key, 1); }

 private:
  RateLimitSettings settings_;
};

// Counts for this process: the generic cell rate algorithm (ITU-T I.371). For each key only the time at which
// its bucket is full again is stored. A request holds one of 64 locks while it looks at eight entries.
//
// Memory is bounded: 65,536 keys of 16 bytes, allocated when needed. A key whose bucket is full needs no
// entry, so its entry is replaced first. When all eight entries that a key may use are taken, the key that
// has used the least is replaced, and begins again with a full bucket. Keys are hashed with a secret of this
// process, so that no client can choose a key that uses the same entries as another.
class LocalRateLimiter final : public RateLimiter {
 public:
  explicit LocalRateLimiter(RateLimitSettings settings);

  using RateLimiter::give_back;
  using RateLimiter::key_of;
  using RateLimiter::take;
  Key key_of(char kind, std::string_view value) const override;
  BucketState take(Key key, base::Instant now, uint32_t amount) override;
  base::Duration book(Key key, base::Instant now, uint32_t amount) override;
  void give_back(Key key, uint32_t amount) override;

  static constexpr size_t capacity = 65'536;

 private:
  static constexpr size_t stripe_count = 64;
  static constexpr size_t ways = 8;
  static constexpr size_t sets_per_stripe = capacity / stripe_count / ways;

  struct Entry {
    Key key = 0;
    int64_t full_at = 0;  // nanoseconds, on the clock of `now`
  };
  using Set = std::array<Entry, ways>;
  struct Stripe {
    std::mutex mutex;
    std::vector<Set> sets;  // empty until the first key is used
  };

  Stripe& stripe_of(Key key) { return stripes_[key % stripe_count]; }
  static Set& set_of(Stripe& stripe, Key key) { return stripe.sets[key / stripe_count % sets_per_stripe]; }
  // The stripe must be locked.
  static Entry& entry_of(Stripe& stripe, Key key, int64_t at);
  int64_t bookable(uint32_t amount) const;

  int64_t interval_;  // nanoseconds until one request is available again
  int64_t depth_;     // of the bucket: the burst in nanoseconds
  std::string secret_;
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace postern::state
