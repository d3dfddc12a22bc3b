// Limits the number of open WebSockets, or event streams, of a route and of each client and subject.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "policy/policy.h"
#include "state/socket_counts.h"

namespace postern::policy {

struct SocketLimits {
  uint32_t all = 0;          // of the route; 0: no limit
  uint32_t per_client = 0;   // its address, or the /64 of an IPv6 address
  uint32_t per_subject = 0;  // the token's sub claim; without one only the client is counted

  bool any() const { return all != 0 || per_client != 0 || per_subject != 0; }
};

// Takes a permit under each of the limits, into context.socket_permits. On failure it takes none and returns
// a sentence that says which limit is reached.
tl::expected<void, std::string> take_places(const SocketLimits& limits,
                                            const std::shared_ptr<state::SocketCounts>& counts,
                                            RequestContext& context);

// Refuses upgrades beyond the limits (429). Runs after the token check. The permits that it takes are stored
// in the context, and the socket keeps them.
class SocketLimitPolicy final : public Policy {
 public:
  // `counts`: index into state::Names::socket_counts.
  SocketLimitPolicy(SocketLimits limits, size_t counts) : limits_(limits), counts_(counts) {}
  std::string_view name() const override { return "socket_limit"; }
  Verdict judge(RequestContext& context) const override;

 private:
  SocketLimits limits_;
  size_t counts_;
};

}  // namespace postern::policy
