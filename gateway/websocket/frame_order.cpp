#include "websocket/frame_order.h"

#include "websocket/utf8_check.h"

namespace postern::websocket {
namespace {

constexpr uint8_t compressed = 4;  // RSV1
constexpr uint64_t length_max = uint64_t{1} << 63;

Fault broken(std::string_view rule) { return {close_code::protocol_error, rule}; }

}  // namespace

std::optional<Fault> FrameOrder::check(const FrameHeader& header) {
  if (header.masked != (sender_ == Role::client)) return broken("masking");
  if (header.opcode > 10 || (header.opcode > 2 && header.opcode < 8)) return broken("opcode");
  if (!header.shortest || header.length >= length_max) return broken("length");
  if (header.is_control()) {
    if (header.reserved != 0) return broken("reserved_bits");
    if (header.length > control_payload_max || !header.final) return broken("control_frame");
    return std::nullopt;
  }
  const bool continues = header.is(Opcode::continuation);
  if (header.reserved != 0 && (header.reserved != compressed || !compression_ || continues))
    return broken("reserved_bits");
  if (continues != in_message_) return broken("fragments");
  in_message_ = !header.final;
  return std::nullopt;
}

std::optional<Fault> FrameOrder::check_close(std::string_view payload) {
  if (payload.empty()) return std::nullopt;
  const CloseBody body = read_close(payload);
  if (payload.size() == 1 || !is_sendable_close_code(body.code)) return broken("close_code");
  if (!is_utf8(body.reason)) return Fault{close_code::invalid_text, "close_reason"};
  return std::nullopt;
}

}  // namespace postern::websocket
