#include "tunnel/message_guard.h"

#include <doctest/doctest.h>

#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::tunnel;
using websocket::Opcode;
using Pass = websocket::FrameWalker::Pass;

namespace {

websocket::FrameHeader header_of(Opcode opcode, uint64_t length) {
  return {.opcode = static_cast<uint8_t>(opcode), .masked = true, .length = length, .size = 6};
}

}  // namespace

TEST_CASE("message guard: where a rate drops, it drops control frames too, but no Close") {
  support::TurnFixture turns;
  routing::SocketRules rules;
  rules.mode = routing::FrameMode::walk;
  rules.from_client.bytes = {100, 100};
  rules.from_client.on_rate = routing::OnViolation::drop;
  MessageGuard guard(rules, base::Side::client, false, nullptr, turns.turn, {});
  CHECK(guard.on_control(header_of(Opcode::ping, 84), std::string(84, 'x')) == Pass::on);
  CHECK(guard.on_control(header_of(Opcode::ping, 5), "12345") == Pass::drop);
  CHECK(guard.on_control(header_of(Opcode::pong, 4), "1234") == Pass::on);  // a dropped frame costs nothing
  CHECK(guard.on_frame(header_of(Opcode::text, 0)) == Pass::drop);
  CHECK(guard.on_control(header_of(Opcode::close, 0), "") == Pass::on);
  CHECK(guard.take_dropped() == 1);  // messages
}
