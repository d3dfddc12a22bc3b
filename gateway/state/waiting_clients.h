// Clients whose upgrades wait, or have waited, for one upstream to come up. A browser opens one WebSocket to
// a host at a time: if each socket of a page were held for the full time, one after the other, the last one
// would be answered after minutes, also those for healthy upstreams. So a client waits only once until the
// upstream is back. All workers share it, since the sockets of a page come to any of them. Its size is
// bounded; any thread may use it.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string_view>

#include "base/recent_map.h"

namespace postern::state {

class WaitingClients {
 public:
  static constexpr size_t clients_max = 20'000;
  static constexpr base::Duration kept = std::chrono::minutes(10);

  // Returns until when an upgrade of `client` may be held: at most `wanted`, and not longer than the earlier
  // upgrades of that client.
  base::Instant until(std::string_view client, base::Instant wanted, base::Instant now) {
    const std::lock_guard guard(mutex_);
    base::Instant* known = ends_.find(client, now);
    if (!known) ends_.touch(client, now) = wanted;
    any_.store(true, std::memory_order_relaxed);
    return known ? std::min(*known, wanted) : wanted;
  }
  // Whether an upgrade of `client` has waited since the upstream was last available.
  bool knows(std::string_view client, base::Instant now) {
    if (!any_.load(std::memory_order_relaxed)) return false;
    const std::lock_guard guard(mutex_);
    return ends_.find(client, now) != nullptr;
  }
  // The upstream is available again. This is called for every response, and is cheap while no client waits.
  void forget() {
    if (!any_.load(std::memory_order_relaxed)) return;
    const std::lock_guard guard(mutex_);
    ends_.clear();
    any_.store(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  base::RecentMap<base::Instant> ends_{clients_max, kept};
};

}  // namespace postern::state
