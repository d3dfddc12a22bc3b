// Runs the health checks of all endpoints, once for the whole process. Each endpoint has its own coroutine,
// so that a slow check delays no other and checks never pile up. State is matched by key and survives
// reloads. It is used on one thread.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/slot.h"
#include "base/task.h"
#include "net/dialer.h"
#include "upstream/group_model.h"
#include "upstream/health.h"

namespace postern::upstream {

// The notification that an endpoint's state has changed.
struct HealthNews {
  std::string group;
  std::string endpoint;  // as configured
  std::string key;       // see registry.h
  bool up = true;
  std::string account;  // what the last check saw
  uint32_t checks = 0;  // consecutive checks with that result
};

class Prober {
 public:
  class Owner {
   public:
    virtual void on_health(const HealthNews& news) = 0;

   protected:
    ~Owner() = default;
  };

  // `seed` randomises the times of the checks. The arguments must outlive the prober.
  Prober(base::Turn& turn, net::Dialer& dialer, Owner& owner, uint32_t seed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Uses these models from now on; `keep` keeps them alive.
  void adopt(const std::vector<GroupModel>& models, const std::shared_ptr<const void>& keep);

  // The interval between checks of an endpoint that is down or in doubt, unless the configured interval is
  // shorter.
  static constexpr base::Duration soon = std::chrono::seconds(1);

 private:
  class Probe;
  double fraction() { return std::uniform_real_distribution<>(0, 1)(random_); }

  base::Turn& turn_;
  net::Dialer& dialer_;
  Owner& owner_;
  std::minstd_rand random_;
  std::map<std::string, std::unique_ptr<Probe>> probes_;  // by key
};

}  // namespace postern::upstream
