// The properties of a request that load balancing may use. They are views of the exchange's data: nothing is
// read or computed before the balancer needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip_address.h"
#include "http/headers.h"
#include "upstream/group_model.h"

namespace postern::upstream {

struct RequestView {
  const base::IpAddress& client;
  const http::Headers& headers;     // as the endpoint receives them
  std::string_view query;           // without "?"
  std::optional<size_t> session{};  // the endpoint that a sticky cookie or a learned value names
};

// Hashes the value that the group is configured to hash; returns nothing when the request has no such field,
// cookie or parameter, or an empty one.
std::optional<uint64_t> hash_key(const HashSource& source, const RequestView& request);

}  // namespace postern::upstream
