#include "routing/named_hosts.h"

namespace postern::routing {

void NamedHosts::add(const HostPattern& pattern) {
  if (pattern.kind != HostPattern::Kind::any) matcher_.add(pattern);
}

bool NamedHosts::contain(std::string_view host) const {
  return HostMatcher::Walk(matcher_, host).next().has_value();
}

}  // namespace postern::routing
