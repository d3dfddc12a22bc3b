// The named reasons for which the gateway ends or refuses a WebSocket, each with its default close code,
// which the operator can change. Clients differ in which codes they treat as final and after which they
// reconnect.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace postern::websocket {

enum class Ending : uint8_t {
  unauthorized,     // refused: the token is missing or invalid
  refused_expired,  // refused: the token has expired
  forbidden,        // refused: the token's claims do not allow it
  not_found,        // refused: no route matches
  too_many,         // refused: a rate or a number of sockets is exceeded
  unavailable,      // refused: no backend is available now
  token_expired,    // this and the following end an open socket
  token_revoked,
  max_age,
  reload,
  shutdown,
  backend_lost,
  silent,
  idle,
  rate,
  violation,
  too_large,
  wrong_kind,
  slow_reader,
  end,  // not an ending: the number of endings
};

// The close code of each ending. One of 0 is the code of unauthorized.
class CloseCodes {
 public:
  CloseCodes();
  uint16_t operator[](Ending ending) const {
    const uint16_t code = codes_[static_cast<size_t>(ending)];
    return code != 0 ? code : codes_[static_cast<size_t>(Ending::unauthorized)];
  }
  void set(Ending ending, uint16_t code) { codes_[static_cast<size_t>(ending)] = code; }

 private:
  std::array<uint16_t, static_cast<size_t>(Ending::end)> codes_{};
};

}  // namespace postern::websocket
