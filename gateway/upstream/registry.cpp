#include "upstream/registry.h"

namespace postern::upstream {

std::vector<GroupRef> Registry::adopt(const std::vector<GroupModel>& models) {
  std::map<std::string, EndpointRef> kept;
  std::map<std::string, GroupStateRef> states;
  std::vector<GroupRef> groups;
  for (const GroupModel& model : models) {
    std::vector<EndpointRef> endpoints;
    for (const EndpointModel& endpoint : model.endpoints) {
      const std::string key = model.name + ' ' + endpoint.text + ' ' + model.tls_identity;
      EndpointRef& place = kept[key];
      if (!place) {
        const auto known = endpoints_.find(key);
        place = known != endpoints_.end() ? known->second : EndpointRef::make(turn_, key);
      }
      place->set_limits(model.keepalive_connections, model.keepalive);
      endpoints.push_back(place);
    }
    GroupStateRef& state = states[model.name];
    const auto known = states_.find(model.name);
    state = known != states_.end() ? known->second : GroupStateRef::make(turn_, log_);
    groups.push_back(GroupRef::make(model, state, std::move(endpoints)));
  }
  for (auto& [key, endpoint] : endpoints_)
    if (!kept.contains(key)) endpoint->retire();
  endpoints_ = std::move(kept);
  states_ = std::move(states);
  return groups;
}

}  // namespace postern::upstream
