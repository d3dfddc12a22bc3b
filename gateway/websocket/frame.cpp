#include "websocket/frame.h"

#include <cstring>

#include "base/check.h"
#include "crypto/random.h"

namespace postern::websocket {
namespace {

constexpr uint8_t final_bit = 0x80;
constexpr uint8_t mask_bit = 0x80;
constexpr uint8_t two_bytes_follow = 126;
constexpr uint8_t eight_bytes_follow = 127;

// Masks must be unpredictable, even for someone who has seen earlier ones (5.3): otherwise a page could
// choose the bytes on the wire to its endpoint (10.3). So they come from the system's random generator, many
// at a time.
MaskKey next_mask() {
  thread_local std::array<uint8_t, 1024> block;
  thread_local size_t used = block.size();
  if (used == block.size()) {
    crypto::fill_random(block);
    used = 0;
  }
  MaskKey mask;
  std::memcpy(mask.data(), block.data() + used, mask.size());
  used += mask.size();
  return mask;
}

// Returns the longest prefix of at most `size` bytes that ends between two characters.
std::string_view cut(std::string_view text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

size_t header_size(uint8_t second) {
  const uint8_t length = second & 0x7f;
  const size_t extended = length == two_bytes_follow ? 2 : length == eight_bytes_follow ? 8 : 0;
  return 2 + extended + (second & mask_bit ? 4 : 0);
}

FrameHeader read_header(const std::byte* bytes) {
  const auto octet = [bytes](size_t index) { return static_cast<uint8_t>(bytes[index]); };
  FrameHeader header;
  header.final = (octet(0) & final_bit) != 0;
  header.reserved = (octet(0) >> 4) & 7;
  header.opcode = octet(0) & 15;
  header.masked = (octet(1) & mask_bit) != 0;
  const uint8_t length = octet(1) & 0x7f;
  size_t at = 2;
  header.length = length;
  if (length >= two_bytes_follow) {
    const size_t extended = length == two_bytes_follow ? 2 : 8;
    header.length = 0;
    for (size_t i = 0; i < extended; ++i) header.length = header.length << 8 | octet(at++);
    header.shortest = extended == 2 ? header.length >= two_bytes_follow : header.length > 0xffff;
  }
  if (header.masked) {
    for (uint8_t& part : header.mask) part = octet(at++);
  }
  header.size = at;
  return header;
}

size_t write_header(const FrameHeader& header, std::span<std::byte, header_size_max> to) {
  size_t at = 0;
  const auto put = [&](uint64_t octet) { to[at++] = static_cast<std::byte>(octet & 0xff); };
  put((header.final ? final_bit : 0u) | static_cast<unsigned>(header.reserved) << 4 | header.opcode);
  const unsigned masked = header.masked ? mask_bit : 0;
  if (header.length < two_bytes_follow) {
    put(masked | header.length);
  } else {
    const size_t extended = header.length <= 0xffff ? 2 : 8;
    put(masked | (extended == 2 ? two_bytes_follow : eight_bytes_follow));
    for (size_t i = extended; i-- > 0;) put(header.length >> (8 * i));
  }
  if (header.masked)
    for (const uint8_t part : header.mask) put(part);
  return at;
}

void apply_mask(std::span<std::byte> bytes, const MaskKey& mask, uint64_t offset) {
  std::array<std::byte, 8> pattern;
  for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = std::byte{mask[(offset + i) % mask.size()]};
  uint64_t word = 0;
  std::memcpy(&word, pattern.data(), sizeof word);
  size_t at = 0;
  for (; at + sizeof word <= bytes.size(); at += sizeof word) {
    uint64_t part = 0;
    std::memcpy(&part, bytes.data() + at, sizeof part);
    part ^= word;
    std::memcpy(bytes.data() + at, &part, sizeof part);
  }
  for (; at < bytes.size(); ++at) bytes[at] ^= pattern[at % pattern.size()];
}

base::Chunk make_frame(Opcode opcode, std::string_view payload, Role sender, uint8_t reserved) {
  FrameHeader header;
  header.opcode = static_cast<uint8_t>(opcode);
  header.reserved = reserved;
  header.length = payload.size();
  header.masked = sender == Role::client;
  if (header.masked) header.mask = next_mask();
  std::array<std::byte, header_size_max> start;
  const size_t size = write_header(header, start);
  base::Chunk frame = base::Chunk::with_capacity(size + payload.size());
  frame.append(std::span(start).first(size));
  std::byte* const body = frame.end();
  frame.append(base::bytes_of(payload));
  if (header.masked) apply_mask({body, payload.size()}, header.mask, 0);
  return frame;
}

base::Chunk close_frame(uint16_t code, std::string_view reason, Role sender) {
  if (code == close_code::none) return make_frame(Opcode::close, {}, sender);
  base::check(is_sendable_close_code(code), "a Close frame cannot carry this code");
  reason = cut(reason, close_reason_max);
  std::array<char, control_payload_max> payload;
  payload[0] = static_cast<char>(code >> 8);
  payload[1] = static_cast<char>(code & 0xff);
  reason.copy(payload.data() + 2, reason.size());
  return make_frame(Opcode::close, {payload.data(), 2 + reason.size()}, sender);
}

bool is_sendable_close_code(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  if (code < 1000 || code > 1014) return false;
  return code != 1004 && code != 1005 && code != 1006;  // reserved, or never sent in a frame
}

CloseBody read_close(std::string_view payload) {
  if (payload.size() < 2) return {};
  const auto code =
      static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8 | static_cast<uint8_t>(payload[1]));
  return {code, payload.substr(2)};
}

}  // namespace postern::websocket
