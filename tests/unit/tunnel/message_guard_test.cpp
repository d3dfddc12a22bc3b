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

struct Ignored final : MessageGuard::Receiver {
  void on_message(Opcode, std::string_view, const websocket::MessageView&) override {}
  bool on_token(std::string_view) override { return false; }
  void on_violation(Violation) override {}
};

}  // namespace

TEST_CASE("message guard: where a rate drops, it drops control frames too, but no Close") {
  support::TurnFixture turns;
  routing::SocketRules rules;
  rules.mode = routing::FrameMode::walk;
  rules.from_client.bytes = {100, 100};
  rules.from_client.on_rate = routing::OnViolation::drop;
  Ignored receiver;
  MessageGuard guard(receiver, rules, base::Side::client, false, nullptr, turns.turn, {});
  const auto control = [&](Opcode opcode, std::string_view payload) {
    return guard.check(header_of(opcode, payload.size()), &payload);
  };
  CHECK(control(Opcode::ping, std::string(84, 'x')) == Pass::on);
  CHECK(control(Opcode::ping, "12345") == Pass::drop);
  CHECK(control(Opcode::pong, "1234") == Pass::on);  // a dropped frame costs nothing
  CHECK(guard.check(header_of(Opcode::text, 0), nullptr) == Pass::drop);
  CHECK(control(Opcode::close, "") == Pass::on);
  CHECK(guard.take_dropped() == 1);  // messages
}
