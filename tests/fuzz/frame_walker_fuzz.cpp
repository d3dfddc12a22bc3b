// The walker says the same for every cut, and what it passes on, takes and drops is what a second reading of
// the bytes says, frame by frame (RFC 6455 5.2). What becomes of a frame follows from its header.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "support/frame_recorder.h"

namespace {

using namespace postern;
using namespace postern::websocket;
using support::FrameRecorder;
using Pass = FrameWalker::Pass;

Pass decide(const FrameHeader& header) {
  if (header.opcode == 15) return Pass::stop;
  if (header.opcode == 10 || header.opcode == 3) return Pass::drop;
  if (header.opcode == 2) return Pass::take;
  return Pass::on;
}

// What has to come out of `bytes`.
struct Expected {
  std::string passed;
  std::vector<std::string> payloads;
  size_t controls = 0;
};

Expected read(std::string_view bytes) {
  Expected expected;
  while (bytes.size() >= 2) {
    const size_t size = header_size(static_cast<uint8_t>(bytes[1]));
    if (bytes.size() < size) break;
    const FrameHeader header = read_header(base::bytes_of(bytes).data());
    const bool control = header.is_control() && header.length <= 125 && header.shortest;
    // A control frame is looked at when it is whole. One whose short length is written in more bytes counts
    // as too long.
    const bool short_length = (static_cast<uint8_t>(bytes[1]) & 0x7f) <= 125;
    if (header.is_control() && short_length && bytes.size() < size + header.length) break;
    const Pass pass = decide(header);
    if (control) ++expected.controls;
    if (pass == Pass::stop) break;
    const bool whole = header.length <= bytes.size() - size;
    const size_t length = whole ? static_cast<size_t>(header.length) : bytes.size() - size;
    if (pass == Pass::on || (pass == Pass::take && control))
      expected.passed += bytes.substr(0, size + length);
    if (pass == Pass::take && !control && whole) {
      std::string payload(bytes.substr(size, length));
      if (header.masked) apply_mask(std::as_writable_bytes(std::span(payload)), header.mask, 0);
      expected.payloads.push_back(std::move(payload));
    }
    if (!whole) break;
    bytes.remove_prefix(size + length);
  }
  return expected;
}

void check(const FrameRecorder& seen, const Expected& expected) {
  base::check(seen.passed == expected.passed, "what passes is what should");
  base::check(seen.payloads == expected.payloads, "what is taken is what should be");
  base::check(seen.controls.size() == expected.controls, "control frames are seen");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const base::Bytes input(reinterpret_cast<const std::byte*>(data), size);
  const Expected expected = read(base::text_of(input));
  FrameRecorder whole;
  whole.decide = decide;
  FrameWalker walker;
  walker.walk(input, whole);
  check(whole, expected);
  FrameRecorder slow;
  slow.decide = decide;
  FrameWalker slow_walker;
  for (size_t at = 0; at < size; ++at) slow_walker.walk(input.subspan(at, 1), slow);
  check(slow, expected);
  base::check(slow_walker.at_boundary() == walker.at_boundary(), "the cut makes no difference");
  base::check(slow_walker.stopped() == walker.stopped(), "the cut makes no difference");
  return 0;
}
