#include "websocket/frame_walker.h"

#include <algorithm>

namespace postern::websocket {
namespace {

constexpr uint8_t close_opcode = 8;
constexpr uint8_t mask_bit = 0x80;
constexpr size_t control_payload_max = 125;

size_t header_length(const std::array<uint8_t, 14>& header) {
  const uint8_t length = header[1] & 0x7f;
  const size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + (header[1] & mask_bit ? 4 : 0);
}

}  // namespace

void FrameWalker::walk(base::Bytes bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (remaining_ > 0) {
      if (code_bytes_ > 0) {
        const size_t index = 2u - code_bytes_--;
        uint8_t octet = static_cast<uint8_t>(bytes[at++]);
        if (header_[1] & mask_bit) octet ^= header_[2 + index];
        code_ = static_cast<uint16_t>(code_ << 8 | octet);
        if (code_bytes_ == 0) close_code_ = code_;
        --remaining_;
        continue;
      }
      const uint64_t skipped = std::min<uint64_t>(remaining_, bytes.size() - at);
      at += skipped;
      remaining_ -= skipped;
      continue;
    }
    header_[header_size_++] = static_cast<uint8_t>(bytes[at++]);
    if (header_size_ >= 2 && header_size_ == header_length(header_)) header_complete();
  }
}

void FrameWalker::header_complete() {
  header_size_ = 0;
  const uint8_t length = header_[1] & 0x7f;
  const int extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  remaining_ = extended == 0 ? length : 0;
  for (int i = 0; i < extended; ++i) remaining_ = remaining_ << 8 | header_[static_cast<size_t>(2 + i)];
  if ((header_[0] & 0x0f) != close_opcode || close_seen_) return;
  close_seen_ = true;
  code_bytes_ = remaining_ >= 2 && extended == 0 ? 2 : 0;
}

base::Chunk close_frame(uint16_t code, std::string_view reason) {
  reason = reason.substr(0, control_payload_max - 2);
  base::Chunk frame = base::Chunk::with_capacity(4 + reason.size());
  const std::array<uint8_t, 4> start = {0x80 | close_opcode, static_cast<uint8_t>(2 + reason.size()),
                                        static_cast<uint8_t>(code >> 8), static_cast<uint8_t>(code & 0xff)};
  frame.append(std::as_bytes(std::span(start)));
  frame.append(base::bytes_of(reason));
  return frame;
}

}  // namespace postern::websocket
