// What a balance may look at when it chooses an endpoint. Views of the exchange: nothing is read or computed
// before a balance asks.
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
  const http::Headers& headers;     // as an endpoint will get them
  std::string_view query;           // without "?"
  std::optional<size_t> session{};  // the endpoint that a sticky cookie or a learned value names
};

// Of what the group hashes by; nothing when the request has no such field, cookie or parameter, or an empty
// one.
std::optional<uint64_t> hash_key(const HashSource& source, const RequestView& request);

}  // namespace postern::upstream
