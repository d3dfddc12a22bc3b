// The health checks of the process: one prober on the control thread, whose results are logged and sent to
// every worker.
#pragma once

#include <functional>
#include <memory>

#include "app/messages.h"
#include "net/dialer.h"
#include "net/loop.h"
#include "telemetry/log.h"
#include "upstream/prober.h"

namespace postern::app {

class HealthProber final : private upstream::Prober::Owner {
 public:
  // `loop` is the control thread's; `tell_workers` is called on that thread. `dialer` outlives the prober.
  HealthProber(net::Loop& loop, net::Dialer& dialer, const telemetry::Logger& log,
               std::function<void(const EndpointHealth&)> tell_workers);

  // Must be called after the snapshot was posted to the workers, so that health messages about its endpoints
  // follow it.
  void adopt(const std::shared_ptr<const proxy::Snapshot>& snapshot);

 private:
  void on_health(const upstream::HealthNews& news) override;

  const telemetry::Logger& log_;
  std::function<void(const EndpointHealth&)> tell_workers_;
  upstream::Prober prober_;
};

}  // namespace postern::app
