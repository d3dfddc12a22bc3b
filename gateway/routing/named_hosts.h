// The hosts that a configuration names, in its routes and in its own list.
#pragma once

#include "policy/origin.h"
#include "routing/host_matcher.h"

namespace postern::routing {

class NamedHosts final : public policy::HostNames {
 public:
  // A pattern for any host adds no name.
  void add(const HostPattern& pattern);
  bool contain(std::string_view host) const override;

 private:
  HostMatcher matcher_;
};

}  // namespace postern::routing
