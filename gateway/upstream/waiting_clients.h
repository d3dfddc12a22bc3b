// Clients whose upgrades wait, or have waited, for one upstream to come up. A browser opens one WebSocket to
// a host at a time: were each of a page's sockets held for its full time, one after the other, its last would
// be answered after minutes, and those for healthy upstreams with it. So a client waits once until the
// upstream is back. Of all workers, since a page's sockets come to any of them; bounded; any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string_view>

#include "base/recent_map.h"

namespace postern::upstream {

class WaitingClients {
 public:
  static constexpr size_t clients_max = 20'000;
  static constexpr base::Duration kept = std::chrono::minutes(10);

  // Until when an upgrade of `client` may be held that would wait until `wanted`: not longer than those
  // before it.
  base::Instant until(std::string_view client, base::Instant wanted, base::Instant now) {
    const std::lock_guard guard(mutex_);
    base::Instant* known = ends_.find(client, now);
    if (!known) ends_.touch(client, now) = wanted;
    any_.store(true, std::memory_order_relaxed);
    return known ? std::min(*known, wanted) : wanted;
  }
  // An upgrade of `client` has waited since the upstream was there last.
  bool knows(std::string_view client, base::Instant now) {
    if (!any_.load(std::memory_order_relaxed)) return false;
    const std::lock_guard guard(mutex_);
    return ends_.find(client, now) != nullptr;
  }
  // The upstream is back. Asked for every response: it costs a look while nobody waits.
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

}  // namespace postern::upstream
