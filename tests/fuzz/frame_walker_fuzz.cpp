// The walker says the same for every cut, and the same as a second reading of the bytes that follows RFC
// 6455 5.2 frame by frame.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "websocket/frame_walker.h"

namespace {

using namespace postern;
using namespace postern::websocket;

struct Reading {
  bool at_boundary = true;
  bool close_seen = false;
  std::optional<uint16_t> close_code;
  friend bool operator==(const Reading&, const Reading&) = default;
};

Reading read(const uint8_t* data, size_t size) {
  Reading reading;
  for (size_t at = 0; at < size;) {
    reading.at_boundary = false;
    if (size - at < 2) return reading;
    const uint8_t opcode = data[at] & 0x0f;
    const bool masked = (data[at + 1] & 0x80) != 0;
    uint64_t length = data[at + 1] & 0x7f;
    const size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    const size_t header = 2 + extended + (masked ? 4 : 0);
    if (size - at < header) return reading;
    if (extended > 0) length = 0;
    for (size_t i = 0; i < extended; ++i) length = length << 8 | data[at + 2 + i];
    const uint8_t* mask = data + at + 2 + extended;
    const uint8_t* payload = data + at + header;
    const size_t there = size - at - header;
    if (opcode == 8 && !reading.close_seen) {
      reading.close_seen = true;
      if (extended == 0 && length >= 2 && there >= 2)
        reading.close_code = static_cast<uint16_t>((payload[0] ^ (masked ? mask[0] : 0)) << 8 |
                                                   (payload[1] ^ (masked ? mask[1] : 0)));
      // Half a code is not asked for: what the walker then says is nobody's business yet.
    }
    if (there < length) return reading;
    at += header + static_cast<size_t>(length);
    reading.at_boundary = true;
  }
  return reading;
}

Reading reading_of(const FrameWalker& walker) {
  return {walker.at_boundary(), walker.close_seen(), walker.close_code()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const base::Bytes input(reinterpret_cast<const std::byte*>(data), size);
  FrameWalker whole;
  whole.walk(input);
  const Reading expected = read(data, size);
  base::check(whole.at_boundary() == expected.at_boundary, "the boundary is where the frame ends");
  base::check(whole.close_seen() == expected.close_seen, "a Close is seen");
  if (expected.at_boundary) base::check(whole.close_code() == expected.close_code, "a code is read");
  FrameWalker slow;
  for (size_t at = 0; at < size; ++at) slow.walk(input.subspan(at, 1));
  base::check(reading_of(slow) == reading_of(whole), "the cut makes no difference");
  return 0;
}
