#include "upstream/registry.h"

namespace postern::upstream {

std::vector<GroupRef> Registry::adopt(const std::vector<GroupModel>& models) {
  std::map<std::string, EndpointRef> kept;
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
    groups.push_back(GroupRef::make(model, std::move(endpoints)));
  }
  for (auto& [key, endpoint] : endpoints_)
    if (!kept.contains(key)) endpoint->retire();
  endpoints_ = std::move(kept);
  return groups;
}

}  // namespace postern::upstream
