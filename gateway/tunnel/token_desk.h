// Where a WebSocket takes a token that its client has sent in a message.
#pragma once

#include <string_view>

#include "tunnel/token_holders.h"

namespace postern::tunnel {

class TokenDesk {
 public:
  virtual ~TokenDesk() = default;
  // Verifies the token, and lets it take the place of the holder's older one if it may. What comes of it is
  // logged and counted.
  virtual void renew(TokenHolder& holder, std::string_view token) = 0;
};

}  // namespace postern::tunnel
