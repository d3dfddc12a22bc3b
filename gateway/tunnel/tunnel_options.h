// The settings of a tunnel. The set of tunnels can be used with them without the tunnel itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "net/client_certificate.h"
#include "routing/socket_rules.h"
#include "state/socket_counts.h"
#include "tunnel/shared_limit.h"
#include "tunnel/token_desk.h"
#include "tunnel/token_holders.h"

namespace postern::tunnel {

// The settings under which a tunnel was opened.
struct TunnelOptions {
  base::Duration idle_limit = std::chrono::hours(1);
  std::optional<uint64_t> route{};      // routing::Route::socket_fingerprint; nullopt: no reload ends it
  std::unique_ptr<HeldToken> token{};   // that authorised it; null: there is none
  std::unique_ptr<TokenDesk> tokens{};  // for SocketRules::renewal_message; null: none is taken
  std::shared_ptr<const net::ClientCertificate> certificate{};  // of the client; null: it has shown none
  std::shared_ptr<const routing::SocketRules> rules{};          // never null once the tunnel is open
  bool first_is_judged = false;                                 // its token came in the first message
  bool frames_compressed = false;  // permessage-deflate between client and endpoint
  int client_window_bits = 0;      // of compression between the client and the gateway; 0: none
  std::vector<state::SocketCounts::Permit> permits{};  // of the route's limits
  std::vector<SharedLimit> limits{};                   // that the client's messages count against
};

}  // namespace postern::tunnel
