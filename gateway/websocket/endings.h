// Why the gateway ends a WebSocket, or refuses one, by name; and the Close code that each says unless the
// operator says otherwise. Clients differ in which codes they take for final and which they come back from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace postern::websocket {

enum class Ending : uint8_t {
  unauthorized,     // refused: no token, or none that counts
  refused_expired,  // refused: it has expired
  forbidden,        // refused: the claims do not allow it
  not_found,        // refused: no such route
  too_many,         // refused: a rate or a number of sockets
  unavailable,      // refused: no backend for it now
  token_expired,    // what follows ends an open one
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
  end,  // not an ending: how many there are
};

struct EndingRow {
  Ending ending;
  std::string_view name;     // in the configuration
  uint16_t code;             // 0: that of unauthorized
  std::string_view meaning;  // "… the socket", for the reference
};
std::span<const EndingRow> ending_rows();

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
