// The health checks of the process: one prober on the control thread, whose results are logged and sent to
// every worker.
#pragma once

#include <functional>
#include <memory>

#include "app/messages.h"
#include "net/dialer.h"
#include "net/dns_client.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "telemetry/log.h"
#include "upstream/prober.h"

namespace postern::app {

class HealthProber final : private upstream::Prober::Owner {
 public:
  // `loop` is the control thread's; `tell_workers` is called on that thread.
  HealthProber(net::Loop& loop, const telemetry::Logger& log,
               std::function<void(const EndpointHealth&)> tell_workers);

  // Must be called after the snapshot was posted to the workers, so that health messages about its endpoints
  // follow it.
  void adopt(const std::shared_ptr<const proxy::Snapshot>& snapshot);

 private:
  void on_health(const upstream::HealthNews& news) override;

  const telemetry::Logger& log_;
  std::function<void(const EndpointHealth&)> tell_workers_;
  net::DnsClient dns_client_;
  net::Resolver resolver_;
  net::SystemDialer dialer_;
  upstream::Prober prober_;
};

}  // namespace postern::app
