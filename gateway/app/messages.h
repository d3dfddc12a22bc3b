// What control and workers say to each other: the closed set.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "proxy/snapshot.h"
#include "server/acceptor.h"

namespace postern::app {

// --- control to worker ---
struct AdoptSnapshot {
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::vector<server::BoundListener> listeners;  // in the snapshot's order
};
struct DrainNow {
  base::Duration limit;
};
struct Stop {};
using ToWorker = std::variant<AdoptSnapshot, DrainNow, Stop>;

// --- worker to control ---
struct SnapshotAdopted {
  uint64_t version;
};
struct WorkerDrained {};
using ToControl = std::variant<SnapshotAdopted, WorkerDrained>;

}  // namespace postern::app
