// The upstream room knows endpoints, their idle connections and their load; it gives leases of connections;
// it must not know routes, policies or what a request is for. All of it is one worker's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "base/turn.h"
#include "http1/client_connection.h"
#include "upstream/ejection.h"
#include "upstream/group_model.h"

namespace postern::upstream {

// Whether an endpoint is to be asked, from the best to the last resort. Nothing but an order: when all
// endpoints of a group are unavailable, the least bad of them are tried all the same.
enum class Standing : uint8_t {
  available,
  resting,  // a connect failed a moment ago, or its failures ejected it
  down,     // its health checks fail
};

// One address of a group as this worker sees it. Lives as long as anything leases from it, longer than the
// snapshot that named it.
class Endpoint final : private http1::ClientConnection::Owner, private base::Timer {
 public:
  Endpoint(base::Turn& turn, std::string key) : turn_(turn), key_(std::move(key)), up_since_(turn.now) {}
  ~Endpoint() override = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& key() const { return key_; }

  // Limits of the current snapshot.
  void set_limits(size_t idle_max, base::Duration keepalive);

  // The connection that rested for the shortest time; null when none does, or it rested longer than
  // `longest`.
  std::unique_ptr<http1::ClientConnection> take_idle(base::Duration longest);
  // A connection that is reusable(); the oldest makes room when there are too many.
  void give_back(std::unique_ptr<http1::ClientConnection> connection);
  // No more requests will come: idle connections are closed.
  void retire();

  // Exchanges and tunnels that hold it now.
  void enter() { ++load_; }
  void leave() { --load_; }
  size_t load() const { return load_; }

  Standing standing() const {
    if (down_) return Standing::down;
    return turn_.now < rests_until_ || ejection_.out(turn_.now) ? Standing::resting : Standing::available;
  }
  // When it was added, or last came back from being down or ejected.
  base::Instant up_since() const { return up_since_; }

  // After a failed connect it is passed over for a moment, while others are there.
  void rest_after_failure();
  // Its failures and answers: see passive_health.h, which tells when it came up.
  Ejection& ejection() { return ejection_; }
  void came_up(base::Instant now) { up_since_ = now; }
  // What its health checks say; up while there are none.
  void set_down(bool down);

 private:
  struct Idle {
    std::unique_ptr<http1::ClientConnection> connection;
    base::Instant since;
  };
  void on_idle_closed(http1::ClientConnection& connection) override;
  void on_deadline() override;
  void close_oldest();

  base::Turn& turn_;
  std::string key_;
  std::vector<Idle> idle_;  // oldest first
  size_t idle_max_ = 512;
  base::Duration keepalive_ = std::chrono::seconds(55);
  size_t load_ = 0;
  base::Instant rests_until_{};
  base::Instant up_since_;
  Ejection ejection_;
  bool down_ = false;
  bool retired_ = false;
};

using EndpointRef = base::LocalRc<Endpoint>;

}  // namespace postern::upstream
