#include "proxy/snapshot.h"

namespace postern::proxy {

tunnel::CurrentRoutes current_routes(const Pinned& pinned) {
  tunnel::CurrentRoutes current;
  for (const routing::Route& route : pinned.snapshot->routes.routes()) {
    for (const uint64_t settings : {route.socket_fingerprint, route.stream_fingerprint}) {
      current.routes.push_back(settings);
      for (const size_t keys : route.keys)
        for (const uint64_t key : pinned.state.keys[keys]->gone())
          current.gone_keys.push_back(routing::fingerprint_under(settings, key));
    }
  }
  for (const ListenerModel& listener : pinned.snapshot->listeners)
    if (listener.tls && listener.tls->clients()) current.verifiers.push_back(listener.tls->clients());
  return current;
}

Pin pin(std::shared_ptr<const Snapshot> snapshot, upstream::Registry& registry,
        state::ProcessState& process_state, telemetry::Metrics& metrics) {
  telemetry::SeriesNames names;
  for (const routing::Route& route : snapshot->routes.routes()) names.routes.push_back(route.name);
  for (const upstream::GroupModel& group : snapshot->groups) {
    telemetry::SeriesNames::Upstream& upstream = names.upstreams.emplace_back();
    upstream.name = group.name;
    for (const upstream::EndpointModel& endpoint : group.endpoints)
      upstream.endpoints.push_back(endpoint.text);
  }
  names.providers = snapshot->state.keys;
  std::vector<upstream::GroupRef> groups = registry.adopt(snapshot->groups);
  state::Bindings state = process_state.bind(snapshot->state);
  return Pin::make(std::move(snapshot), std::move(groups), std::move(state), metrics.adopt(names));
}

void note_endpoints(const Pinned& pinned, telemetry::Metrics& metrics) {
  metrics.endpoint_states.clear();
  for (const upstream::GroupRef& group : pinned.groups)
    for (size_t i = 0; i < group->size(); ++i)
      metrics.endpoint_states[{group->model().name, group->model().endpoints[i].text}] =
          group->endpoint(i)->state();
}

}  // namespace postern::proxy
