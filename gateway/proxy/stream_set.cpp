#include "proxy/stream_set.h"

namespace postern::proxy {

StreamSet::Open::Open(StreamSet& set, std::string_view route)
    : set_(set), route_(set.open_.try_emplace(std::string(route)).first) {
  ++route_->second;
  ++set_.size_;
  set_.metrics_.process.add(telemetry::Count::streams_opened);
  set_.metrics_.process.add(telemetry::Count::streams_open);
}

StreamSet::Open::~Open() {
  --route_->second;
  --set_.size_;
  set_.metrics_.process.subtract(telemetry::Count::streams_open);
}

void StreamSet::count_open() {
  for (auto at = open_.begin(); at != open_.end();) {
    if (telemetry::RouteSeries* route = metrics_.route(at->first))
      route->set(telemetry::RouteCount::streams_open, at->second);
    at = at->second == 0 ? open_.erase(at) : std::next(at);
  }
}

}  // namespace postern::proxy
