// Frames as a client sends them, for the tests of the websocket module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/chunk.h"

namespace postern::websocket::test {

enum Opcode : uint8_t { continuation = 0, text = 1, binary = 2, goodbye = 8, ping = 9, pong = 10 };

struct FrameShape {
  bool last = true;
  bool masked = true;
  uint8_t reserved = 0;  // the three reserved bits
};

inline std::string frame(uint8_t opcode, std::string_view payload, FrameShape shape = {}) {
  constexpr uint8_t mask[4] = {0x11, 0xa2, 0x33, 0xc4};
  std::string out;
  const auto put = [&](uint64_t octet) { out += static_cast<char>(octet & 0xff); };
  put((shape.last ? 0x80u : 0u) | static_cast<unsigned>(shape.reserved << 4) | opcode);
  const unsigned mask_bit = shape.masked ? 0x80 : 0;
  const uint64_t size = payload.size();
  if (size < 126) {
    put(mask_bit | size);
  } else if (size < 65536) {
    put(mask_bit | 126);
    for (int shift = 8; shift >= 0; shift -= 8) put(size >> shift);
  } else {
    put(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) put(size >> shift);
  }
  if (!shape.masked) return out.append(payload);
  for (const uint8_t octet : mask) put(octet);
  for (size_t i = 0; i < payload.size(); ++i) put(static_cast<uint8_t>(payload[i]) ^ mask[i % 4]);
  return out;
}

inline std::string server_frame(uint8_t opcode, std::string_view payload) {
  return frame(opcode, payload, {.masked = false});
}

// The payload of a Close frame.
inline std::string close_payload(uint16_t code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return payload.append(reason);
}

// A whole Close frame, sent by a client and by a server.
inline std::string close_of(uint16_t code, std::string_view reason = {}) {
  return frame(goodbye, close_payload(code, reason));
}
inline std::string server_close(uint16_t code, std::string_view reason = {}) {
  return server_frame(goodbye, close_payload(code, reason));
}

// Feeds `bytes` in pieces of `piece` bytes each.
template <class Feed>
void feed_in_pieces(std::string_view bytes, size_t piece, Feed&& feed) {
  for (; bytes.size() > piece; bytes.remove_prefix(piece)) feed(base::bytes_of(bytes.substr(0, piece)));
  feed(base::bytes_of(bytes));
}

}  // namespace postern::websocket::test
