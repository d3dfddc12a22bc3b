// The websocket room knows frames; it gives what the gateway must know of a tunnel's frames without touching
// them; it must not know tunnels, sockets or HTTP.
//
// Walks over one direction of a WebSocket connection (RFC 6455 5.2) and knows at each moment whether the
// bytes so far end with a whole frame, and whether a Close frame has passed. Costs a few instructions per
// frame; payloads are skipped, not read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/chunk.h"

namespace postern::websocket {

class FrameWalker {
 public:
  void walk(base::Bytes bytes);

  // A frame of our own may be put in here.
  bool at_boundary() const { return header_size_ == 0 && remaining_ == 0; }
  bool close_seen() const { return close_seen_; }
  std::optional<uint16_t> close_code() const { return close_code_; }

 private:
  void header_complete();

  std::array<uint8_t, 14> header_{};
  uint8_t header_size_ = 0;
  bool close_seen_ = false;
  uint8_t code_bytes_ = 0;  // of the close code, still to come
  uint16_t code_ = 0;
  uint64_t remaining_ = 0;  // payload bytes of the current frame
  std::optional<uint16_t> close_code_;
};

// A Close frame as a server sends it; the reason, ASCII, is cut at 123 bytes (RFC 6455 5.5).
base::Chunk close_frame(uint16_t code, std::string_view reason);

}  // namespace postern::websocket
