// CORS for the answers that are made before there is a route: a page whose origin is on a list of one of the
// host's routes may read them, as it could read the answers of that route.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "policy/cors.h"
#include "policy/origin_list.h"
#include "routing/host_matcher.h"

namespace postern::proxy {

// Immutable once it is filled; any thread may ask.
class UnroutedCors {
 public:
  struct Entry {
    std::shared_ptr<const policy::OriginList> list;
    std::shared_ptr<const policy::CorsPolicy> cors;
  };
  // A route of this host goes by this list.
  void add(const routing::HostPattern& host, const Entry& entry);
  // `host`: without port and brackets. The first list, of the most specific host, that has the origin gives
  // the fields. Where lists are but none has it, Vary alone is added.
  void amend(std::string_view host, const http::RequestHead& request, http::ResponseHead& head) const;

 private:
  routing::HostMatcher hosts_;
  std::vector<std::vector<Entry>> entries_;  // for each pattern of `hosts_`
};

}  // namespace postern::proxy
