// How many WebSockets, or event streams, a route may have open, in all and for one client.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "policy/policy.h"
#include "policy/socket_counts.h"

namespace postern::policy {

struct SocketLimits {
  uint32_t all = 0;          // of the route; 0: any
  uint32_t per_client = 0;   // its address, or the /64 of an IPv6 address
  uint32_t per_subject = 0;  // the token's sub claim; who has none is counted by the client alone

  bool any() const { return all != 0 || per_client != 0 || per_subject != 0; }
};

// Takes a permit under each of the limits, into context.socket_permits; or none, and says who has as many
// open as it may.
tl::expected<void, std::string> take_places(const SocketLimits& limits,
                                            const std::shared_ptr<SocketCounts>& counts,
                                            RequestContext& context);

// Refuses upgrades beyond the limits (429). Behind the tokens. The permits that it takes are in the context,
// for the socket to hold.
class SocketLimitPolicy final : public Policy {
 public:
  SocketLimitPolicy(SocketLimits limits, std::shared_ptr<SocketCounts> counts)
      : limits_(limits), counts_(std::move(counts)) {}
  std::string_view name() const override { return "socket_limit"; }
  Verdict judge(RequestContext& context) const override;

 private:
  SocketLimits limits_;
  std::shared_ptr<SocketCounts> counts_;
};

}  // namespace postern::policy
