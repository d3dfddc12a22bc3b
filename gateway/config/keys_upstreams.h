// The keys of `upstreams`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<UpstreamDocument>& upstream_keys();

// The Host field that endpoints get; a key of an upstream and of a route.
struct HostSent {
  using Type = routing::HostRule;
  std::optional<routing::HostRule> read(const Value& value) const;
  std::string words() const { return "preserve, upstream or a host name"; }
  std::string shown(const routing::HostRule& host) const;
  std::string json_schema() const { return scalar_schema(); }
};

}  // namespace postern::config
