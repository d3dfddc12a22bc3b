// What a peer may send, and how long it may take for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace postern::http {

// Of one message, without its body.
struct MessageLimits {
  size_t head_size = 32 * 1024;
  size_t target_size = 8 * 1024;
  size_t fields = 100;
  size_t trailer_size = 8 * 1024;
};

// Of one connection of a client.
struct ServerLimits {
  MessageLimits message;
  base::Duration request_head = std::chrono::seconds(15);  // from the first byte of the head
  base::Duration keepalive = std::chrono::seconds(75);     // idle between two requests
  base::Duration linger = std::chrono::seconds(5);         // for the client to receive our last bytes
  base::Duration idle = std::chrono::seconds(60);  // for a client that receives none of our last bytes
  uint32_t requests = 10'000;                      // on one connection; 0: no limit
};

}  // namespace postern::http
