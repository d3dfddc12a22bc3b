// Which routes have fallen silent: their sockets were told something once, and nothing since. Each worker
// looks at its own sockets now and then; here is what they have seen put together, so that a few sockets on
// each of them are not overlooked, and what one hears speaks for all. Any thread.
//
// One socket that is told nothing for five minutes is nothing to speak of: three on a route are, and so is
// one page alone, when it waits for much longer, or when it was left and opened again and waited each time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace postern::proxy {

class SilentRoutes {
 public:
  static constexpr uint32_t sockets_min = 3;  // so many have to wait
  static constexpr base::Duration silence = std::chrono::minutes(5);
  static constexpr base::Duration long_silence = std::chrono::minutes(20);  // of fewer
  static constexpr uint32_t visits_min = 3;  // or so many times somebody waited
  static constexpr base::Duration visits_kept = std::chrono::hours(2);
  static constexpr base::Duration look_every = std::chrono::seconds(30);  // each worker, while it has sockets

  // What one worker sees of a route.
  struct Seen {
    uint32_t waiting = 0;          // sockets that heard their first message `silence` ago, or longer
    base::Instant since{};         // the first of them, when there is one
    base::Instant last_message{};  // to any socket, first ones aside; Instant{}: there was none
  };
  struct Finding {
    bool silent = false;
    bool found = false;    // just now: it is to be told
    uint32_t sockets = 0;  // that wait, of all workers
    base::Duration quiet{};
  };

  // `waiting_before`: what the same worker saw of them when it looked last.
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
    // A message that another worker has passed on since it looked last is not known here yet.
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
      routes_.erase(at);  // nothing is known of it any more
    return finding;
  }

 private:
  struct Route {
    uint32_t waiting = 0;
    std::optional<base::Instant> since{};
    base::Instant last_message{};
    uint32_t visits = 0;   // one after the other: sockets that waited, until all of them had left
    base::Instant left{};  // the last of these
    bool silent = false;
  };

  std::mutex mutex_;
  std::map<std::string, Route, std::less<>>
      routes_;  // with sockets that wait, or that heard something lately
};

}  // namespace postern::proxy
