// All groups of one worker. Adopting a snapshot keeps the endpoints that are still named, with their
// connections and load, adds new ones, and retires the others, which exist until their last lease is
// returned.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "upstream/group.h"

namespace postern::upstream {

using GroupRef = base::LocalRc<Group>;

// Identifies an endpoint across reloads, workers and the prober: group, address and TLS settings.
std::string endpoint_key(const GroupModel& group, const EndpointModel& endpoint);

class Registry {
 public:
  // All workers share `process_loads`. `seed` is for random choices. `log` records ejected and readmitted
  // endpoints; null: nothing is logged. `process_loads` and `log` must outlive the registry.
  Registry(base::Turn& turn, state::ProcessLoads& process_loads, uint64_t seed,
           const telemetry::Logger* log = nullptr)
      : turn_(turn), process_loads_(process_loads), random_(seed), log_(log) {}

  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Returns the groups in the models' order. The models must outlive the groups: an owner of a group must
  // also own the snapshot.
  std::vector<GroupRef> adopt(const std::vector<GroupModel>& models);

  // The health checks of an endpoint have changed its state. An endpoint that is no longer named is ignored.
  void on_health(const std::string& group, const std::string& key, bool up);

 private:
  base::Turn& turn_;
  state::ProcessLoads& process_loads_;
  Random random_;
  const telemetry::Logger* log_;
  std::map<std::string, GroupStateRef> states_;   // by group name
  std::map<std::string, EndpointRef> endpoints_;  // by group, address and TLS settings
};

}  // namespace postern::upstream
