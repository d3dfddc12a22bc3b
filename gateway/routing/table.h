// The routing module knows hosts, paths, methods and conditions; it gives the one route that a request
// belongs to; it must not know connections, nor whether an endpoint of that route is there.
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
  const Route* route = nullptr;            // null: none takes the request
  bool path_matched_other_method = false;  // routes for this address are there, with other methods: 405
  std::string allow;                       // then: their methods, for the Allow field
};

// The method a request is matched by: its own, but for a CORS preflight the one that it asks about, since a
// preflight belongs to the route of the request that will follow it.
std::string_view method_to_match(const http::RequestHead& request);

// All routes, in an order that does not depend on how they were written down. First the host: exact, then the
// longest wildcard, then any. Of one host, first the path: exact, then the longest prefix. Of one host and
// path, which is an address, first the route with the most conditions, then one that names methods, then the
// one that was written first.
//
// A route whose conditions do not fit is not there. Where none is there the next address is looked at; where
// one is, the request goes no further: when no route at this address takes the method, none is looked for
// at a less specific one. A rule for "/admin" that takes only GET must not leave POST to the rule for "/".
//
// Immutable; any thread may ask. A match with a route allocates nothing. Routes live as long as the table and
// keep their place when it is moved.
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
