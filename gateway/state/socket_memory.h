// What the process remembers for a while about clients that open WebSockets; a client is identified by its
// address. All workers share it, since the connections of a client are spread over them. Its size is bounded;
// any thread may use it. It is not used per message, nor for requests other than upgrades and SignalR's
// negotiate.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/recent_map.h"

namespace postern::state {

class SocketMemory {
 public:
  static constexpr size_t clients_max = 20'000;  // in each of the tables
  static constexpr base::Duration refusals_kept = std::chrono::minutes(2);
  static constexpr base::Duration negotiation_kept = std::chrono::minutes(2);
  static constexpr base::Duration reconnecting_for = std::chrono::minutes(1);
  static constexpr base::Duration longest_pause = std::chrono::seconds(10);
  static constexpr uint32_t pauses_at_once = 32;  // of one client on one route
  static constexpr uint32_t closes_max = 8;       // consecutive; after that, a status is sent

  // --- Refusals by Close. An open socket resets the back-off of clients, so each socket that is opened only
  // to be closed is opened later than the one before it.

  // How long the 101 is delayed. Nullopt: the refusal must be a status, since this client does not take the
  // Close as final and would retry forever, or since too many of its upgrades are delayed already. Each
  // begin_pause() that returns a value needs an end_pause().
  std::optional<base::Duration> begin_pause(std::string_view client, std::string_view route,
                                            base::Instant now);
  void end_pause(std::string_view client, std::string_view route, base::Instant now);
  // One of the client's sockets was admitted: its earlier refusals are forgotten.
  void let_in(std::string_view client, std::string_view route);

  // --- SignalR: a client is recognised by the negotiate request that it sends before it opens the socket.
  void negotiated(std::string_view client, std::string_view path, base::Instant now);
  bool has_negotiated(std::string_view client, std::string_view path, base::Instant now);

  // --- Is a client loading its page, or is it reconnecting a socket that it has lost? In the first case its
  // other sockets are not open yet, in the second they are.
  void ended(std::string_view client, bool by_client, base::Instant now);
  bool is_coming_back(std::string_view client, base::Instant now);

  // --- Admission: a client waits in a route's queue once. Further sockets that it opens share that time
  // limit, and are placed in the first half of the queue only; the other half is for clients that have no
  // socket waiting.

  // How much of `most`, the route's limit, an upgrade may wait in the queue.
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

}  // namespace postern::state
