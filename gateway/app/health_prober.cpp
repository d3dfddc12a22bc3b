#include "app/health_prober.h"

#include <random>

namespace postern::app {

HealthProber::HealthProber(net::Loop& loop, net::Dialer& dialer, const telemetry::Logger& log,
                           std::function<void(const EndpointHealth&)> tell_workers)
    : log_(log),
      tell_workers_(std::move(tell_workers)),
      prober_(loop.turn(), dialer, *this, std::random_device()()) {}

void HealthProber::adopt(const std::shared_ptr<const proxy::Snapshot>& snapshot) {
  prober_.adopt(snapshot->groups, snapshot);
}

void HealthProber::on_health(const upstream::HealthNews& news) {
  if (news.up)
    log_.info("endpoint_up", {{"upstream", news.group},
                              {"endpoint", news.endpoint},
                              {"reason", news.account},
                              {"checks", news.checks}});
  else
    log_.warn("endpoint_down", {{"upstream", news.group},
                                {"endpoint", news.endpoint},
                                {"reason", news.account},
                                {"checks", news.checks}});
  tell_workers_(EndpointHealth{news.group, news.key, news.up});
}

}  // namespace postern::app
