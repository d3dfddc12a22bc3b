// Why what a side sent closes the socket: a frame that the protocol does not allow, or a message that a rule
// of the route refuses.
#pragma once

#include <cstdint>
#include <string>

#include "base/error_fwd.h"

namespace postern::tunnel {

struct Violation {
  base::Cause cause{};
  uint16_t code = 0;        // the close code for the side that sent it
  uint16_t other_code = 0;  // for the other side; 0: the code for a lost peer
  std::string rule{};       // of the WebSocket protocol, or as the configuration names it
  std::string reason{};     // of the Close frames
};

}  // namespace postern::tunnel
