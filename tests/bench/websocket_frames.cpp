#include "bench/websocket_frames.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

namespace postern::bench {
namespace {

constexpr std::uint8_t masked_bit = 0x80;
constexpr std::uint8_t two_byte_length = 126;
constexpr std::uint8_t eight_byte_length = 127;

std::size_t length_bytes(std::uint8_t short_length) {
  return short_length == eight_byte_length ? 8 : short_length == two_byte_length ? 2 : 0;
}

}  // namespace

std::optional<FrameHeader> parse_frame_header(std::string_view input) {
  if (input.size() < 2) return std::nullopt;
  const auto byte_at = [&](std::size_t index) { return static_cast<std::uint8_t>(input[index]); };
  const bool masked = (byte_at(1) & masked_bit) != 0;
  const std::uint8_t short_length = byte_at(1) & ~masked_bit;
  const std::size_t mask_offset = 2 + length_bytes(short_length);

  FrameHeader header;
  header.first_byte = byte_at(0);
  header.header_size = mask_offset + (masked ? 4 : 0);
  if (input.size() < header.header_size) return std::nullopt;
  if (mask_offset == 2) header.payload_size = short_length;
  for (std::size_t index = 2; index < mask_offset; ++index) {
    header.payload_size = header.payload_size << 8 | byte_at(index);
  }
  if (masked) {
    header.mask.emplace();
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(mask_offset), 4, header.mask->begin());
  }
  return header;
}

void append_frame_header(std::string& output, const FrameHeader& header) {
  const std::uint8_t short_length = header.payload_size < two_byte_length ? header.payload_size
                                    : header.payload_size <= 0xffff       ? two_byte_length
                                                                          : eight_byte_length;
  output.push_back(static_cast<char>(header.first_byte));
  output.push_back(static_cast<char>(short_length | (header.mask ? masked_bit : 0)));
  for (std::size_t left = length_bytes(short_length); left > 0; --left) {
    output.push_back(static_cast<char>(header.payload_size >> (8 * (left - 1))));
  }
  if (header.mask) output.append(header.mask->begin(), header.mask->end());
}

void apply_mask(char* payload, std::size_t size, const FrameMask& mask) {
  // Eight bytes at a time: the backend shares a core with the load and must not be what is measured.
  std::array<std::uint8_t, 8> doubled{};
  std::copy_n(mask.begin(), 4, doubled.begin());
  std::copy_n(mask.begin(), 4, doubled.begin() + 4);
  std::uint64_t wide_mask = 0;
  std::memcpy(&wide_mask, doubled.data(), sizeof wide_mask);

  std::size_t index = 0;
  for (; index + sizeof wide_mask <= size; index += sizeof wide_mask) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload + index, sizeof word);
    word ^= wide_mask;
    std::memcpy(payload + index, &word, sizeof word);
  }
  for (; index < size; ++index) payload[index] = static_cast<char>(payload[index] ^ mask[index % 4]);
}

std::string accept_value(std::string_view key) {
  const std::string input = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  std::array<unsigned char, 32> text{};
  const int size = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size));
}

}  // namespace postern::bench
