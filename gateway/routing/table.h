// The routing module knows hosts, paths, methods and conditions; it gives the one route that matches a
// request; it must not know connections, or whether an endpoint of that route is available.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "routing/address.h"
#include "routing/host_matcher.h"
#include "routing/path_matcher.h"
#include "routing/route.h"

namespace postern::routing {

struct Match {
  const Route* route = nullptr;            // null: no route matches the request
  bool path_matched_other_method = false;  // only routes for other methods match: 405
  std::string allow;                       // in that case their methods, for the Allow field
};

// Returns the method that a request is matched by: its own, but for a CORS preflight the method that it asks
// for, since a preflight belongs to the route of the request that will follow it.
std::string_view method_to_match(const http::RequestHead& request);

// All routes, in an order that does not depend on the order of the configuration. First the host decides:
// exact, then the longest wildcard, then any. For one host the path decides: exact, then the longest prefix.
// Host and path together are an address. At one address the route with the most conditions comes first, then
// one that names methods, then the one that was written first.
//
// A route whose conditions do not fit is skipped. Where all routes of an address are skipped, the next
// address is tried. Otherwise the search ends there: when no remaining route at this address allows the
// method, no less specific address is tried. A rule for "/admin" that allows only GET must not leave POST to
// the rule for "/".
//
// Immutable; any thread may use it. A match with a route allocates nothing. Routes exist as long as the
// table, and keep their address in memory when it is moved.
class Table {
 public:
  Table() = default;
  explicit Table(std::vector<Route> routes);
  Table(Table&&) = default;
  Table& operator=(Table&&) = default;

  Match match(const Address& address) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Host {
    PathMatcher paths;
    std::vector<std::vector<size_t>> routes;  // for each entry of `paths`, the most specific first
  };

  void order(std::vector<size_t>& candidates) const;
  bool choose(const std::vector<size_t>& candidates, const Address& address, Match& match) const;

  std::vector<Route> routes_;
  HostMatcher hosts_;
  std::vector<Host> by_host_;  // for each pattern of `hosts_`
};

}  // namespace postern::routing
