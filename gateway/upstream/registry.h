// Every group of one worker. Adopting a snapshot keeps the endpoints that are still named, with their
// connections and load, adds new ones and lets the others go when the last lease does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "upstream/group.h"

namespace postern::upstream {

using GroupRef = base::LocalRc<Group>;

// What tells an endpoint apart across reloads, workers and the prober: group, address and TLS settings.
std::string endpoint_key(const GroupModel& group, const EndpointModel& endpoint);

class Registry {
 public:
  // `process_loads` is every worker's. `seed` is for choices by lot. `log` hears of endpoints that are
  // ejected and readmitted; null: nobody does. Both outlive the registry.
  Registry(base::Turn& turn, ProcessLoads& process_loads, uint64_t seed,
           const telemetry::Logger* log = nullptr)
      : turn_(turn), process_loads_(process_loads), random_(seed), log_(log) {}

  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Groups in the models' order. The models must outlive the groups: whoever holds a group holds the
  // snapshot.
  std::vector<GroupRef> adopt(const std::vector<GroupModel>& models);

  // An endpoint's checks have changed its state. One that is not named any more is passed over.
  void on_health(const std::string& group, const std::string& key, bool up);

 private:
  base::Turn& turn_;
  ProcessLoads& process_loads_;
  Random random_;
  const telemetry::Logger* log_;
  std::map<std::string, GroupStateRef> states_;   // by group
  std::map<std::string, EndpointRef> endpoints_;  // by group, address and TLS settings
};

}  // namespace postern::upstream
