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
    for (const HostPattern& pattern : routes_[i].hosts) {
      const size_t host = hosts_.add(pattern);
      by_host_.resize(hosts_.size());
      Host& entry = by_host_[host];
      for (const std::string& prefix : routes_[i].paths) {
        const size_t path = entry.paths.add(prefix, routes_[i].exact);
        entry.routes.resize(entry.paths.size());
        entry.routes[path].push_back(i);
      }
    }
  }
  for (Host& host : by_host_)
    for (std::vector<size_t>& candidates : host.routes) order(candidates);
}

void Table::order(std::vector<size_t>& candidates) const {
  const auto rank = [this](size_t index) {
    const Route& route = routes_[index];
    return std::pair(route.conditions ? route.conditions->count() : 0, !route.methods.empty());
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](size_t one, size_t other) { return rank(one) > rank(other); });
}

Match Table::match(const Address& address) const {
  Match match;
  HostMatcher::Walk hosts(hosts_, address.host);
  while (const std::optional<size_t> host = hosts.next()) {
    const Host& entry = by_host_[*host];
    PathMatcher::Walk paths(entry.paths, address.path);
    while (const std::optional<size_t> path = paths.next())
      if (choose(entry.routes[*path], address, match)) return match;
  }
  return match;
}

// Returns false when none of the candidates' conditions fit, whatever the method.
bool Table::choose(const std::vector<size_t>& candidates, const Address& address, Match& match) const {
  const auto is_there = [&](const Route& route) {
    return !route.conditions || route.conditions->fit(address);
  };
  for (size_t index : candidates) {
    const Route& route = routes_[index];
    const std::vector<std::string>& methods = route.methods;
    if (!methods.empty() && std::find(methods.begin(), methods.end(), address.method) == methods.end())
      continue;
    if (!is_there(route)) continue;
    match.route = &route;
    return true;
  }
  std::vector<std::string_view> named;
  for (size_t index : candidates) {
    if (!is_there(routes_[index])) continue;
    for (const std::string& method : routes_[index].methods) {
      if (std::find(named.begin(), named.end(), method) != named.end()) continue;
      named.push_back(method);
      match.allow += (named.size() == 1 ? "" : ", ") + method;
    }
  }
  match.path_matched_other_method = !named.empty();
  return match.path_matched_other_method;
}

}  // namespace postern::routing
