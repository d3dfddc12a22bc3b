// How many requests each key may make: a token bucket per key, exact over all workers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace postern::policy {

struct RateLimitSettings {
  std::string name;                              // of the limit, as clients and the log see it
  uint32_t count = 1;                            // requests in `per`, once the burst is used up
  base::Duration per = std::chrono::seconds(1);  // per / count is at least 1 ns
  uint32_t burst = 1;                            // requests that may come at once; at least 1
  friend bool operator==(const RateLimitSettings&, const RateLimitSettings&) = default;
};

// The generic cell rate algorithm (ITU-T I.371): of each key only the moment is kept at which its bucket is
// full again. Any thread may ask; a request takes one lock of 64, for as long as eight entries are looked at.
//
// Memory is bounded: 65,536 keys, 16 bytes each, taken as they come. A key whose bucket is full needs no
// entry and makes room first; where all eight places that a key may have are in use, the one that has used
// least makes room and begins anew with a full bucket. Keys are digested with a secret of this process:
// nobody can choose one that shares another's place.
class RateLimiter {
 public:
  using Key = uint64_t;

  struct BucketState {
    bool passes = true;
    uint32_t remaining = 0;       // requests that would still pass at once
    base::Duration wait{};        // until one passes; nothing when this one did
    base::Duration until_full{};  // until the whole burst is there again
  };

  explicit RateLimiter(RateLimitSettings settings);

  const RateLimitSettings& settings() const { return settings_; }
  // "100/s, at most 50 at once"
  std::string description() const;

  // `kind` keeps values of different kinds apart.
  Key key_of(char kind, std::string_view value) const;
  // Takes one request of `key` at `now`, or `amount` of whatever is counted; one that does not pass takes
  // nothing. The clocks of workers may differ.
  BucketState take(Key key, base::Instant now, uint32_t amount = 1);
  // Takes `amount` in advance, and gives how long it has to wait for its turn: who comes later stands behind
  // it. One amount takes what comes back in an hour, or the burst, at most.
  base::Duration book(Key key, base::Instant now, uint32_t amount);
  // Undoes what a take() that passed took, or a book().
  void give_back(Key key, uint32_t amount = 1);

  static constexpr size_t capacity = 65'536;

 private:
  static constexpr size_t stripe_count = 64;
  static constexpr size_t ways = 8;
  static constexpr size_t sets_per_stripe = capacity / stripe_count / ways;

  struct Entry {
    Key key = 0;
    int64_t full_at = 0;  // nanoseconds on the clock of `now`
  };
  using Set = std::array<Entry, ways>;
  struct Stripe {
    std::mutex mutex;
    std::vector<Set> sets;  // empty until the first key comes
  };

  Stripe& stripe_of(Key key) { return stripes_[key % stripe_count]; }
  static Set& set_of(Stripe& stripe, Key key) { return stripe.sets[key / stripe_count % sets_per_stripe]; }
  // Of a stripe that is locked.
  static Entry& entry_of(Stripe& stripe, Key key, int64_t at);
  int64_t bookable(uint32_t amount) const;

  RateLimitSettings settings_;
  int64_t interval_;  // nanoseconds in which one request comes back
  int64_t depth_;     // of the bucket: the burst in time
  std::string secret_;
  std::array<Stripe, stripe_count> stripes_;
};

// The limiters of a process: a reload that changes nothing about a limit keeps what is counted. The control
// thread's.
class RateLimiterStore {
 public:
  std::shared_ptr<RateLimiter> find_or_make(const RateLimitSettings& settings);

 private:
  std::map<std::string, std::weak_ptr<RateLimiter>> limiters_;  // by name; snapshots hold them
};

}  // namespace postern::policy
