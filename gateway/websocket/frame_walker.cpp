#include "websocket/frame_walker.h"

#include <algorithm>
#include <array>

namespace postern::websocket {
namespace {

constexpr size_t unit_max = header_size_max + control_payload_max;

// A unit is what the visitor sees at once: the header of a data frame, or a control frame with its payload.
// Returns the size of the unit in bytes, as far as its first bytes determine it.
size_t unit_size(base::Bytes bytes) {
  if (bytes.size() < 2) return 2;
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto second = static_cast<uint8_t>(bytes[1]);
  const size_t payload = second & 0x7f;
  const bool control = (first & 8) != 0 && payload <= control_payload_max;
  return header_size(second) + (control ? payload : 0);
}

}  // namespace

size_t FrameWalker::walk(base::Bytes bytes, Visitor& visitor) {
  size_t at = 0;
  size_t done = 0;  // bytes before this position were forwarded or discarded
  const auto pass_on = [&](size_t end) {
    if (end > done) visitor.on_passed(bytes.subspan(done, end - done));
    done = end;
  };
  while ((at < bytes.size() || has_waiting()) && pass_ != Pass::stop) {
    if (remaining_ > 0) {
      const size_t size = std::min<uint64_t>(remaining_, bytes.size() - at);
      const uint64_t offset = header_.length - remaining_;
      remaining_ -= size;
      if (pass_ == Pass::take) visitor.on_payload(header_, bytes.subspan(at, size), offset, remaining_ == 0);
      at += size;
      if (pass_ != Pass::on) done = at;
      continue;
    }
    Pass pass{};
    if (held_.empty()) {
      const size_t size = unit_size(bytes.subspan(at));
      if (size > bytes.size() - at) {
        pass_on(at);
        held_ = base::Chunk::with_capacity(unit_max);
        held_.append(bytes.subspan(at));
        return bytes.size();
      }
      pass = begin_unit(bytes.data() + at, visitor);
      if (pass != Pass::on) pass_on(at);
      if (pass == Pass::wait) return at;
      at += size;
      if (pass != Pass::on) done = at;
    } else {
      const size_t missing = unit_size(held_.bytes()) - held_.size();
      const size_t size = std::min(missing, bytes.size() - at);
      held_.append(bytes.subspan(at, size));
      done = at += size;
      if (!has_waiting()) continue;
      base::Chunk unit = std::move(held_);
      pass = begin_unit(unit.data(), visitor);
      if (pass == Pass::on) visitor.on_passed(unit.bytes());
      if (pass == Pass::wait) {
        held_ = std::move(unit);
        return at;
      }
    }
    if (pass == Pass::take && remaining_ == 0) visitor.on_payload(header_, {}, 0, true);
  }
  if (pass_ != Pass::stop) pass_on(at);
  return bytes.size();
}

bool FrameWalker::has_waiting() const { return !held_.empty() && unit_size(held_.bytes()) <= held_.size(); }

// Returns the visitor's decision about the unit.
FrameWalker::Pass FrameWalker::begin_unit(const std::byte* unit, Visitor& visitor) {
  const FrameHeader header = read_header(unit);
  if (header.is_control() && header.length <= control_payload_max && header.shortest) {
    std::array<std::byte, control_payload_max> payload;
    std::copy_n(unit + header.size, header.length, payload.begin());
    const std::span<std::byte> text(payload.data(), header.length);
    if (header.masked) apply_mask(text, header.mask, 0);
    const Pass pass = visitor.on_control(header, base::text_of(text));
    pass_ = pass == Pass::stop ? Pass::stop : Pass::on;  // for the next bytes: this frame is complete
    return pass;
  }
  const Pass pass = visitor.on_frame(header);
  if (pass == Pass::wait) return pass;
  pass_ = pass;
  if (pass == Pass::stop) return pass;
  header_ = header;
  remaining_ = header.length;
  if (pass_ == Pass::on && !header.is_control()) in_message_ = !header.final;
  return pass_;
}

}  // namespace postern::websocket
