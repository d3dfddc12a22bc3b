// CORS for answers that are made before a route is found: a page may read them if its origin is on the list
// of one of the host's routes, just as it may read the answers of that route.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "policy/cors.h"
#include "policy/origin_list.h"
#include "routing/host_matcher.h"

namespace postern::proxy {

// Immutable once it is filled; amend() may then be called by any thread.
class UnroutedCors {
 public:
  struct Entry {
    std::shared_ptr<const policy::OriginList> list;
    std::shared_ptr<const policy::CorsPolicy> cors;
  };
  // A route of this host uses this list.
  void add(const routing::HostPattern& host, const Entry& entry);
  // `host` has no port and no brackets. The lists are tried from the most specific host on, and the first
  // that contains the origin provides the fields. If there are lists but none contains it, only Vary is
  // added.
  void amend(std::string_view host, const http::RequestHead& request, http::ResponseHead& head) const;

 private:
  routing::HostMatcher hosts_;
  std::vector<std::vector<Entry>> entries_;  // for each pattern of `hosts_`
};

}  // namespace postern::proxy
