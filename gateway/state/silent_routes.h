// Finds silent routes: routes whose sockets received a first message and none since. Each worker examines its
// own sockets periodically; this class combines what all workers have seen, so that a few sockets on each of
// them are not overlooked, and a message on one worker counts for all. Any thread.
//
// A single socket that receives nothing for five minutes is not reported. Three such sockets on a route are,
// and so is a single one that waits much longer, or that was closed and opened again and waited each time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace postern::state {

class SilentRoutes {
 public:
  static constexpr uint32_t sockets_min = 3;  // sockets that have to wait
  static constexpr base::Duration silence = std::chrono::minutes(5);
  static constexpr base::Duration long_silence = std::chrono::minutes(20);  // for fewer sockets
  static constexpr uint32_t visits_min = 3;  // or this number of consecutive visits with waiting sockets
  static constexpr base::Duration visits_kept = std::chrono::hours(2);
  // The interval between the looks of each worker, while it has sockets.
  static constexpr base::Duration look_every = std::chrono::seconds(30);

  // What one worker has seen of a route.
  struct Seen {
    uint32_t waiting = 0;          // sockets whose first message came at least `silence` ago
    base::Instant since{};         // when the first message of the earliest of them came
    base::Instant last_message{};  // to any socket, except first messages; Instant{} if there was none
  };
  struct Finding {
    bool silent = false;
    bool found = false;    // it has just become silent: the caller reports it
    uint32_t sockets = 0;  // waiting sockets of all workers
    base::Duration quiet{};
  };

  // Drops what is remembered of routes that are not among `names` and have no sockets that wait.
  void keep_only(const std::set<std::string_view>& names) {
    const std::lock_guard guard(mutex_);
    std::erase_if(routes_, [&](const auto& known) {
      return known.second.waiting == 0 && !names.contains(known.first);
    });
  }

  // Adds what one worker has seen of a route, and returns the state of the route. `waiting_before` is
  // Seen::waiting of the same worker's last look at it.
  Finding look(std::string_view name, uint32_t waiting_before, const Seen& seen, base::Instant now) {
    const std::lock_guard guard(mutex_);
    auto at = routes_.find(name);
    if (at == routes_.end()) at = routes_.emplace(name, Route{}).first;
    Route& route = at->second;
    const uint32_t waiting_in_all = route.waiting;
    route.waiting += seen.waiting - waiting_before;
    route.last_message = std::max(route.last_message, seen.last_message);
    if (seen.waiting > 0) route.since = std::min(route.since.value_or(seen.since), seen.since);
    if (route.waiting == 0) route.since.reset();
    Finding finding;
    finding.sockets = route.waiting;
    if (route.since) finding.quiet = now - std::max(*route.since, route.last_message);
    // A message that another worker has forwarded since its last look is not known here yet.
    const bool unheard =
        route.last_message == base::Instant{} || now - route.last_message >= silence + look_every;
    if (!unheard || now - route.left >= visits_kept) route.visits = 0;
    if (unheard && waiting_in_all > 0 && route.waiting == 0) {
      ++route.visits;
      route.left = now;
    }
    const bool enough =
        route.waiting >= sockets_min || finding.quiet >= long_silence || route.visits + 1 >= visits_min;
    finding.silent = route.waiting > 0 && enough && unheard;
    finding.found = finding.silent && !route.silent;
    route.silent = finding.silent;
    if (route.waiting == 0 && unheard && route.visits == 0)
      routes_.erase(at);  // nothing needs to be remembered
    return finding;
  }

 private:
  struct Route {
    uint32_t waiting = 0;
    std::optional<base::Instant> since{};
    base::Instant last_message{};
    uint32_t visits = 0;   // consecutive periods with waiting sockets that ended when all of these had left
    base::Instant left{};  // when the last such period ended
    bool silent = false;
  };

  std::mutex mutex_;
  std::map<std::string, Route, std::less<>>
      routes_;  // with sockets that wait, or that received something or left recently
};

}  // namespace postern::state
