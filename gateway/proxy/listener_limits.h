// What the clients of one listener may send, and how long they may take for it.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "http/limits.h"
#include "routing/transfer_limits.h"

namespace postern::proxy {

struct ListenerLimits {
  http::ServerLimits server;
  base::Duration tls_handshake = std::chrono::seconds(10);
  uint32_t connections_per_client = 2'000;  // of the whole process; 0: no limit
  routing::TransferLimits transfer;
};

}  // namespace postern::proxy
