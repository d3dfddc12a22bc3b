// What control and workers say to each other: the closed set.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "proxy/snapshot.h"
#include "server/acceptor.h"
#include "telemetry/metrics.h"

namespace postern::app {

// --- control to worker ---
struct AdoptSnapshot {
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::vector<server::BoundListener> listeners;  // in the snapshot's order
};
struct DrainNow {
  base::Duration limit;
};
struct CountNow {  // asks for NumbersCounted
  uint64_t round;
};
struct Stop {};
using ToWorker = std::variant<AdoptSnapshot, DrainNow, CountNow, Stop>;

// --- worker to control ---
struct SnapshotAdopted {
  uint64_t version;
};
struct WorkerDrained {};
struct NumbersCounted {
  uint64_t round;
  telemetry::Totals totals;
};
using ToControl = std::variant<SnapshotAdopted, WorkerDrained, NumbersCounted>;

}  // namespace postern::app
