#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::bench {

using FrameMask = std::array<std::uint8_t, 4>;

/// A frame's header as RFC 6455 section 5.2 lays it out. An unmasked frame has no `mask`.
struct FrameHeader {
  std::uint8_t first_byte = 0;  ///< FIN, reserved bits and opcode
  std::uint64_t payload_size = 0;
  std::optional<FrameMask> mask;
  std::size_t header_size = 0;

  int opcode() const { return first_byte & 0x0f; }
};

inline constexpr std::uint8_t final_text = 0x81;
inline constexpr std::uint8_t final_binary = 0x82;
inline constexpr int close_opcode = 8;

/// The header at the start of `input`, or nothing while bytes of it are missing.
std::optional<FrameHeader> parse_frame_header(std::string_view input);

/// Appends the bytes of `header`; its header_size is not looked at.
void append_frame_header(std::string& output, const FrameHeader& header);

/// Masks or unmasks in place: the operation is its own inverse.
void apply_mask(char* payload, std::size_t size, const FrameMask& mask);

/// The Sec-WebSocket-Accept value for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string accept_value(std::string_view key);

}  // namespace postern::bench
