// What the process remembers for a while of clients that open WebSockets: a client is its address. Workers
// share it, since a client comes now to one and then to another of them. Bounded; any thread. Nothing here is
// asked for a message, nor for a request that is no upgrade, but for the negotiate of SignalR.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/recent_map.h"

namespace postern::proxy {

class SocketMemory {
 public:
  static constexpr size_t clients_max = 20'000;  // in each of the tables
  static constexpr base::Duration refusals_kept = std::chrono::minutes(2);
  static constexpr base::Duration negotiation_kept = std::chrono::minutes(2);
  static constexpr base::Duration reconnecting_for = std::chrono::minutes(1);
  static constexpr base::Duration longest_pause = std::chrono::seconds(10);
  static constexpr uint32_t pauses_at_once = 32;  // of one client on one route
  static constexpr uint32_t closes_max = 8;       // in a row; who comes back all the same gets the status

  // --- Refusals by Close. An open socket takes clients back to the beginning of their back-off, so each one
  // that is opened only to be closed is opened later than the one before it.

  // How long the 101 waits. Nothing: a status has to do, since this client does not take the Close for final,
  // and would never come to an end of its attempts, or since too many of it wait already. Each pause that is
  // begun is ended.
  std::optional<base::Duration> begin_pause(std::string_view client, std::string_view route,
                                            base::Instant now);
  void end_pause(std::string_view client, std::string_view route, base::Instant now);
  // One of its sockets was let in: what was refused before is forgotten.
  void let_in(std::string_view client, std::string_view route);

  // --- SignalR: what a client asks for before it opens the socket tells that it is one.
  void negotiated(std::string_view client, std::string_view path, base::Instant now);
  bool has_negotiated(std::string_view client, std::string_view path, base::Instant now);

  // --- Is a client that comes loading its page, or coming back to a socket that it has lost? In the first
  // case its other sockets are yet to be opened, in the second they are open.
  void ended(std::string_view client, bool by_client, base::Instant now);
  bool is_coming_back(std::string_view client, base::Instant now);

  // --- Admission: a client stands in a route's line once; what it opens behind that shares the limit, and
  // gets places in the first half of the line only: the other half is for those that have none.

  // How long an upgrade may stand in line of those `most` that the route allows.
  base::Duration left_to_wait(std::string_view client, std::string_view route, base::Duration most,
                              base::Instant now);
  void stood_in_line(std::string_view client, std::string_view route, base::Duration most, base::Instant now);
  void left_line(std::string_view client, std::string_view route);

 private:
  struct Refusals {
    uint32_t count = 0;
    uint32_t pauses = 0;
  };
  struct Last {
    bool left_by_itself = false;
  };

  std::mutex mutex_;
  base::RecentMap<Refusals> refusals_{clients_max, refusals_kept};
  base::RecentMap<Last> last_ends_{clients_max, reconnecting_for};
  base::RecentMap<bool> negotiations_{clients_max, negotiation_kept};
  base::RecentMap<base::Instant> lines_{clients_max, std::chrono::minutes(2)};
};

}  // namespace postern::proxy
