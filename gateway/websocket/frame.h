// The websocket module knows frames, messages and the rules for them; it gives walkers and readers that are
// fed with bytes; it must not know tunnels, sockets or HTTP.
//
// This file has one frame of RFC 6455 5.2: its header, and the small frames that the gateway itself makes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/chunk.h"

namespace postern::websocket {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr size_t control_payload_max = 125;
inline constexpr size_t close_reason_max = control_payload_max - 2;
inline constexpr size_t header_size_max = 14;

using MaskKey = std::array<uint8_t, 4>;

struct FrameHeader {
  bool final = true;
  uint8_t reserved = 0;  // the three RSV bits; RSV1 is 4
  uint8_t opcode = 0;    // 0 to 15; see Opcode
  bool masked = false;
  bool shortest = true;  // the length uses the shortest encoding
  uint64_t length = 0;   // of the payload
  MaskKey mask{};
  size_t size = 0;  // of the header

  bool is(Opcode one) const { return opcode == static_cast<uint8_t>(one); }
  bool is_control() const { return (opcode & 8) != 0; }
};

// The size of the header in bytes, from its second byte.
size_t header_size(uint8_t second);
// `bytes` contains at least a complete header.
FrameHeader read_header(const std::byte* bytes);
// Writes the header and returns its size. header.size and header.shortest are ignored.
size_t write_header(const FrameHeader& header, std::span<std::byte, header_size_max> to);

// Masks or unmasks in place. `offset` is the position of the first byte in the payload.
void apply_mask(std::span<std::byte> bytes, const MaskKey& mask, uint64_t offset);

// The role of the sender: a client masks what it sends (5.3), with a random mask.
enum class Role : uint8_t { server, client };

// Makes a whole message in one frame, or a control frame.
base::Chunk make_frame(Opcode opcode, std::string_view payload, Role sender, uint8_t reserved = 0);
// Makes a Close frame. The reason must be UTF-8; it is cut to 123 bytes, between two characters. `code` 1005
// makes a Close frame without a code.
base::Chunk close_frame(uint16_t code, std::string_view reason, Role sender = Role::server);

// The close codes that the gateway itself uses (RFC 6455 7.4.1, IANA registry of close codes).
namespace close_code {
inline constexpr uint16_t normal = 1000;
inline constexpr uint16_t going_away = 1001;
inline constexpr uint16_t protocol_error = 1002;
inline constexpr uint16_t unsupported = 1003;
inline constexpr uint16_t none = 1005;      // never sent: means a Close frame without a code
inline constexpr uint16_t abnormal = 1006;  // never sent: means that no Close frame came
inline constexpr uint16_t invalid_text = 1007;
inline constexpr uint16_t policy = 1008;
inline constexpr uint16_t too_big = 1009;
inline constexpr uint16_t internal = 1011;
inline constexpr uint16_t restart = 1012;
inline constexpr uint16_t try_later = 1013;
inline constexpr uint16_t bad_gateway = 1014;
}  // namespace close_code

// Whether a Close frame is allowed to carry this code.
bool is_sendable_close_code(uint16_t code);

// The content of a Close frame's unmasked payload; the code is 1005 when the frame has none. The reason is
// valid as long as the payload.
struct CloseBody {
  uint16_t code = close_code::none;
  std::string_view reason{};
};
CloseBody read_close(std::string_view payload);

}  // namespace postern::websocket
