// The upstream module knows endpoints, their idle connections and their load; it gives leases of connections;
// it must not know routes, policies or what a request is for. All of it is one worker's.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "base/turn.h"
#include "http1/client_connection.h"
#include "telemetry/metrics.h"
#include "upstream/ejection.h"
#include "upstream/group_model.h"
#include "upstream/process_load.h"

namespace postern::upstream {

// Whether an endpoint is to be asked, from the best to the last resort. Nothing but an order: when all
// endpoints of a group are unavailable, the least bad of them are tried all the same.
enum class Availability : uint8_t {
  available,
  cooling_down,  // a connect failed a moment ago, or its failures ejected it
  down,          // its health checks fail
};

// Hears of every permit that is given back at an endpoint, see permit.h.
class PermitWatcher {
 public:
  virtual void on_permit_left() = 0;

 protected:
  ~PermitWatcher() = default;
};

// One address of a group as this worker sees it. Lives as long as anything leases from it, longer than the
// snapshot that named it.
class Endpoint final : private http1::ClientConnection::Owner, private base::Timer {
 public:
  Endpoint(base::Turn& turn, std::string key, std::shared_ptr<ProcessLoad> process_load)
      : turn_(turn), key_(std::move(key)), process_load_(std::move(process_load)) {}
  ~Endpoint() override = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& key() const { return key_; }

  // Limits of the current snapshot.
  struct Limits {
    size_t idle_max = 512;
    base::Duration keepalive = std::chrono::seconds(55);
    uint32_t max_requests = 0;  // of the whole process; 0: no limit
    bool process_wide = false;  // load() is the whole process's; always so with max_requests
  };
  void set_limits(const Limits& limits);

  // The connection that was idle for the shortest time; null when there is none, or it was idle for longer
  // than `longest`.
  std::unique_ptr<http1::ClientConnection> take_idle(base::Duration longest);
  // A connection that is reusable(); the oldest makes room when there are too many. It is kept for as long as
  // the limits say, and shorter where the endpoint has said that it closes sooner.
  void give_back(std::unique_ptr<http1::ClientConnection> connection);
  // No more requests will come: idle connections are closed.
  void retire();
  bool retired() const { return retired_; }

  // One more exchange or tunnel holds it, until leave(); false when it has as many as it may. See permit.h.
  bool enter();
  void leave();
  void watch_permits(PermitWatcher* watcher) { watcher_ = watcher; }  // null: nobody
  size_t load() const { return counts_process() ? process_load_->count() : load_; }
  bool full() const { return limits_.max_requests != 0 && process_load_->count() >= limits_.max_requests; }

  // It was added to others that are warm, or came back from being down, ejected or cooling down: from this
  // moment on its weight grows. Never called: it was up all along.
  void came_up(base::Instant since) { up_since_ = since; }
  // Of a weight, in 1/1024: all of it once it is up for `slow_start`, never nothing.
  uint64_t share_of_weight(base::Duration slow_start) const;
  // Kept for the smooth round robin, see balancer.h.
  int64_t& credit() { return credit_; }

  Availability availability() const {
    if (down_) return Availability::down;
    return turn_.now < cools_down_until_ || ejection_.out(turn_.now) ? Availability::cooling_down
                                                                     : Availability::available;
  }
  telemetry::EndpointState state() const;  // of this worker
  // After a failed connect it is passed over for a moment, while others are there.
  void cool_down();
  // Its failures and answers: see passive_health.h, which tells when it came up.
  Ejection& ejection() { return ejection_; }
  // Whether there are health checks, and what they say. Without them it is up; with the first of them it
  // begins as `starts_down` says.
  void set_checked(bool checked, bool starts_down);
  void set_down(bool down);

 private:
  struct Idle {
    std::unique_ptr<http1::ClientConnection> connection;
    base::Instant since;
    base::Instant told_end;  // the endpoint may close it soon after
  };
  void on_idle_closed(http1::ClientConnection& connection) override;
  void on_deadline() override;
  void close_oldest();
  void arm_for(base::Instant end);
  base::Instant end_of(const Idle& idle) const {
    return std::min(idle.told_end, idle.since + limits_.keepalive);
  }
  bool counts_process() const { return limits_.process_wide || limits_.max_requests != 0; }

  base::Turn& turn_;
  std::string key_;
  std::vector<Idle> idle_;  // oldest first
  base::Instant armed_for_{};
  Limits limits_;
  std::shared_ptr<ProcessLoad> process_load_;  // has load_ in it while counts_process()
  uint32_t load_ = 0;
  PermitWatcher* watcher_ = nullptr;
  int64_t credit_ = 0;
  std::optional<base::Instant> up_since_;
  base::Instant cools_down_until_{};
  Ejection ejection_;
  bool checked_ = false;
  bool down_ = false;
  bool retired_ = false;
};

using EndpointRef = base::LocalRc<Endpoint>;

}  // namespace postern::upstream
