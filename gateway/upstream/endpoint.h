// The upstream module knows endpoints, their idle connections and their load; it gives leases of connections;
// it must not know routes, policies or the purpose of a request. Everything in it belongs to one worker.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/local_rc.h"
#include "base/turn.h"
#include "state/process_load.h"
#include "telemetry/metrics.h"
#include "upstream/ejection.h"
#include "upstream/group_model.h"
#include "upstream/pool.h"

namespace postern::upstream {

// The availability of an endpoint, from the best to the last resort. It is only an order: when all endpoints
// of a group are unavailable, the best of them are tried nevertheless.
enum class Availability : uint8_t {
  available,
  cooling_down,  // a connect failed recently, or failures ejected it
  down,          // its health checks fail
};

// Is notified of every permit that is returned at an endpoint, see permit.h.
class PermitWatcher {
 public:
  virtual void on_permit_left() = 0;

 protected:
  ~PermitWatcher() = default;
};

// One address of a group, as one worker sees it. It exists as long as a lease of it exists, which may be
// longer than the snapshot that named it.
class Endpoint final {
 public:
  Endpoint(base::Turn& turn, std::string key, std::shared_ptr<state::ProcessLoad> process_load)
      : turn_(turn), key_(std::move(key)), pool_(turn), process_load_(std::move(process_load)) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const std::string& key() const { return key_; }

  // The limits of the current snapshot.
  struct Limits {
    Pool::Limits pool{};
    uint32_t max_requests = 0;  // of the whole process; 0: no limit
    bool process_wide = false;  // load() counts the whole process; always true with max_requests
  };
  void set_limits(const Limits& limits);

  Pool& pool() { return pool_; }
  // No more requests will come: closes the idle connections.
  void retire();
  bool retired() const { return pool_.retired(); }

  // Counts one more exchange or tunnel until leave(); returns false when max_requests is reached. See
  // permit.h.
  bool enter();
  void leave();
  void watch_permits(PermitWatcher* watcher) { watcher_ = watcher; }  // null: no watcher
  size_t load() const { return counts_process() ? process_load_->count() : load_; }
  bool full() const { return limits_.max_requests != 0 && process_load_->count() >= limits_.max_requests; }

  // The endpoint has joined others that are already warm, or is available again after it was down, ejected or
  // cooling down: its weight grows from this time on. Without any call it has its full weight.
  void came_up(base::Instant since) { up_since_ = since; }
  // The current share of the weight, in 1/1024: full once the endpoint is up for `slow_start`, never zero.
  uint64_t share_of_weight(base::Duration slow_start) const;
  // The credit of the smooth round robin, see balancer.h.
  int64_t& credit() { return credit_; }

  Availability availability() const {
    if (down_) return Availability::down;
    return turn_.now < cools_down_until_ || ejection_.out(turn_.now) ? Availability::cooling_down
                                                                     : Availability::available;
  }
  telemetry::EndpointState state() const;  // as this worker sees it
  // After a failed connect the endpoint is avoided for a moment while others are available.
  void cool_down();
  // Failures and answers: see passive_health.h, which calls came_up().
  Ejection& ejection() { return ejection_; }
  // Sets whether health checks exist. Without them the endpoint is up; when they begin, `starts_down` decides
  // its first state.
  void set_checked(bool checked, bool starts_down);
  void set_down(bool down);

 private:
  bool counts_process() const { return limits_.process_wide || limits_.max_requests != 0; }

  base::Turn& turn_;
  std::string key_;
  Pool pool_;
  Limits limits_;
  std::shared_ptr<state::ProcessLoad> process_load_;  // includes load_ while counts_process()
  uint32_t load_ = 0;
  PermitWatcher* watcher_ = nullptr;
  int64_t credit_ = 0;
  std::optional<base::Instant> up_since_;
  base::Instant cools_down_until_{};
  Ejection ejection_;
  bool checked_ = false;
  bool down_ = false;
};

using EndpointRef = base::LocalRc<Endpoint>;

}  // namespace postern::upstream
