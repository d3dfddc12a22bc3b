#include "upstream/registry.h"

namespace postern::upstream {
namespace {

Endpoint::Limits limits_of(const GroupModel& group, const EndpointModel& endpoint) {
  const bool by_load =
      group.balance == Balance::least_connections || group.balance == Balance::power_of_two_choices;
  return {{group.keepalive_connections, group.keepalive}, endpoint.max_requests, by_load};
}

}  // namespace

Registry::~Registry() {
  for (auto& [key, endpoint] : endpoints_) endpoint->watch_permits(nullptr);  // leases may outlive the queues
}

std::string endpoint_key(const GroupModel& group, const EndpointModel& endpoint) {
  return group.name + ' ' + endpoint.text + ' ' + group.tls_identity;
}

std::vector<GroupRef> Registry::adopt(const std::vector<GroupModel>& models) {
  std::map<std::string, EndpointRef> kept;
  std::map<std::string, GroupStateRef> states;
  std::vector<GroupRef> groups;
  for (const GroupModel& model : models) {
    GroupStateRef& state = states[model.name];
    const auto known_state = states_.find(model.name);
    const bool is_new_group = known_state == states_.end();
    state = is_new_group ? GroupStateRef::make(turn_, log_, process_loads_.of(model.name),
                                               process_loads_.clients_of(model.name))
                         : known_state->second;
    state->learned = model.learn ? process_loads_.learned_of(model.name) : nullptr;
    std::vector<EndpointRef> endpoints;
    for (const EndpointModel& endpoint : model.endpoints) {
      const std::string key = endpoint_key(model, endpoint);
      EndpointRef& endpoint_ref = kept[key];
      if (!endpoint_ref) {
        const auto known = endpoints_.find(key);
        if (known != endpoints_.end()) {
          endpoint_ref = known->second;
        } else {
          endpoint_ref = EndpointRef::make(turn_, key, process_loads_.of(key));
          if (!is_new_group) endpoint_ref->came_up(turn_.now);  // the others are warm already
        }
      }
      endpoint_ref->set_limits(limits_of(model, endpoint));
      endpoint_ref->watch_permits(model.queue ? &state->permits : nullptr);
      endpoint_ref->set_checked(model.health.has_value(), model.health && model.health->starts_down);
      endpoints.push_back(endpoint_ref);
    }
    groups.push_back(GroupRef::make(model, state, std::move(endpoints), random_.next()));
  }
  for (auto& [key, endpoint] : endpoints_)
    if (!kept.contains(key)) endpoint->retire();
  endpoints_ = std::move(kept);
  states_ = std::move(states);
  process_loads_.forget_unused();
  return groups;
}

void Registry::on_health(const std::string& group, const std::string& key, bool up) {
  const auto endpoint = endpoints_.find(key);
  if (endpoint == endpoints_.end()) return;
  endpoint->second->set_down(!up);
  if (const auto state = states_.find(group); up && state != states_.end()) state->second->is_back();
}

}  // namespace postern::upstream
