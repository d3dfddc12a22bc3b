#include "routing/table.h"

#include <algorithm>

#include "policy/cors.h"

namespace postern::routing {

std::string_view method_to_match(const http::RequestHead& request) {
  return policy::is_preflight(request) ? request.headers.get(http::FieldId::access_control_request_method)
                                       : request.method_text;
}

Table::Table(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (size_t i = 0; i < routes_.size(); ++i) {
    const size_t host = hosts_.add(routes_[i].host);
    by_host_.resize(hosts_.size());
    Host& entry = by_host_[host];
    const size_t path = entry.paths.add(routes_[i].path, routes_[i].exact);
    entry.routes.resize(entry.paths.size());
    entry.routes[path].push_back(i);
  }
}

Match Table::match(const Address& address) const {
  HostMatcher::Walk walk(hosts_, address.host);
  while (const std::optional<size_t> host = walk.next()) {
    const Host& entry = by_host_[*host];
    if (const std::optional<size_t> path = entry.paths.match(address.path))
      return choose(entry.routes[*path], address.method);
  }
  return {};
}

Match Table::choose(const std::vector<size_t>& candidates, std::string_view method) const {
  Match match;
  for (size_t index : candidates) {
    const Route& route = routes_[index];
    const std::vector<std::string>& methods = route.methods;
    if (methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end()) {
      match.route = &route;
      return match;
    }
  }
  match.path_matched_other_method = true;
  std::vector<std::string_view> named;
  for (size_t index : candidates) {
    for (const std::string& allowed : routes_[index].methods) {
      if (std::find(named.begin(), named.end(), allowed) != named.end()) continue;
      named.push_back(allowed);
      match.allow += (match.allow.empty() ? "" : ", ") + allowed;
    }
  }
  return match;
}

}  // namespace postern::routing
