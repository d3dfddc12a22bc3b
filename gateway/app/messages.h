// All messages between the control thread and the workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "proxy/snapshot.h"
#include "server/acceptor.h"
#include "server/drain.h"
#include "telemetry/metrics.h"

namespace postern::app {

// --- control to worker ---
struct AdoptSnapshot {
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::vector<server::BoundListener> listeners;  // in the order of the snapshot's listeners
};
// An endpoint's health checks have changed its state.
struct EndpointHealth {
  std::string group;
  std::string key;  // see upstream/registry.h
  bool up;
};
// A fetch of a provider's keys has ended.
struct KeysFetched {
  std::string name;
  bool removed;  // a key is gone: what hangs on it must end
};
struct DrainNow {
  base::Duration limit;
};
struct CountNow {  // asks for NumbersCounted
  uint64_t round;
};
struct Stop {};
using ToWorker = std::variant<AdoptSnapshot, EndpointHealth, KeysFetched, DrainNow, CountNow, Stop>;

// --- worker to control ---
struct SnapshotAdopted {
  uint64_t version;
};
struct DrainBegun {
  server::OpenWork open;
};
struct WorkerDrained {};
struct NumbersCounted {
  uint64_t round;
  telemetry::Totals totals;
};
struct KeysWanted {  // a request waits for them; answered by KeysFetched
  std::string name;
};
using ToControl = std::variant<SnapshotAdopted, DrainBegun, WorkerDrained, NumbersCounted, KeysWanted>;

}  // namespace postern::app
