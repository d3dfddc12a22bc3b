#include "tunnel/side.h"

#include "tunnel/tunnel.h"

namespace postern::tunnel {

bool Side::has_become_due() {
  if (!guard) return false;
  const base::Instant now_due = guard->due().value_or(base::Instant{});
  return std::exchange(due, now_due) != now_due && now_due != base::Instant{};
}

void Side::pause(Reading why) {
  if (reading != why) advance(reading, why);
  transport->pause();
}

void Side::resume() {
  if (reading != Reading::flowing) advance(reading, Reading::flowing);
  transport->resume();
}

void Side::on_bytes(base::Bytes bytes) { tunnel.pass(*this, bytes); }
void Side::on_drained() { tunnel.drained(*this); }
void Side::on_end() { tunnel.side_ended(*this); }
void Side::on_closed(base::Error) { tunnel.side_broke(*this); }

Side::Pass Side::on_frame(const websocket::FrameHeader& header) {
  return tunnel.decide(*this, header, nullptr);
}

Side::Pass Side::on_control(const websocket::FrameHeader& header, std::string_view payload) {
  return tunnel.decide(*this, header, &payload);
}

void Side::on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) {
  if (!violation) guard->on_payload(header, piece, offset, end);
}

void Side::on_passed(base::Bytes bytes) {
  passed += bytes.size();
  tunnel.other(*this).transport->write(bytes);
}

void Side::on_message(websocket::Opcode kind, std::string_view message, const websocket::MessageView& view) {
  tunnel.send_message(tunnel.other(*this), kind, message, view);
}

bool Side::on_token(std::string_view token) { return tunnel.renew_by(token); }

void Side::on_violation(Violation what) {
  if (!violation) violation = std::make_unique<Violation>(std::move(what));
}

}  // namespace postern::tunnel
