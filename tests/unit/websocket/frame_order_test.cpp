#include "websocket/frame_order.h"

#include <doctest/doctest.h>

#include "unit/websocket/frames.h"

using namespace postern;
using namespace postern::websocket;
using namespace postern::websocket::test;

namespace {

std::string_view rule_of(FrameOrder& order, const std::string& bytes) {
  const std::optional<Fault> fault = order.check(read_header(base::bytes_of(bytes).data()));
  return fault ? fault->rule : std::string_view("fine");
}

std::string_view first_rule(const std::string& bytes, Role sender = Role::client, bool compression = false) {
  FrameOrder order(sender, compression);
  return rule_of(order, bytes);
}

}  // namespace

TEST_CASE("frame order: each side masks as it must") {
  CHECK(first_rule(frame(text, "x")) == "fine");
  CHECK(first_rule(frame(text, "x", {.masked = false})) == "masking");
  CHECK(first_rule(frame(text, "x"), Role::server) == "masking");
  CHECK(first_rule(server_frame(text, "x"), Role::server) == "fine");
}

TEST_CASE("frame order: reserved opcodes and bits") {
  for (const uint8_t opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    CHECK(first_rule(frame(opcode, "")) == "opcode");
  for (const uint8_t bits : {1, 2, 3, 4, 5, 6, 7})
    CHECK(first_rule(frame(text, "x", {.reserved = bits})) == "reserved_bits");
  CHECK(first_rule(frame(text, "x", {.reserved = 4}), Role::client, true) == "fine");
  CHECK(first_rule(frame(text, "x", {.reserved = 2}), Role::client, true) == "reserved_bits");
  CHECK(first_rule(frame(ping, "x", {.reserved = 4}), Role::client, true) == "reserved_bits");
  FrameOrder order(Role::client, true);
  CHECK(rule_of(order, frame(text, "x", {.last = false, .reserved = 4})) == "fine");
  CHECK(rule_of(order, frame(continuation, "x", {.reserved = 4})) == "reserved_bits");
}

TEST_CASE("frame order: control frames are short and whole") {
  CHECK(first_rule(frame(ping, std::string(125, 'x'))) == "fine");
  CHECK(first_rule(frame(ping, std::string(126, 'x'))) == "control_frame");
  CHECK(first_rule(frame(goodbye, "", {.last = false})) == "control_frame");
}

TEST_CASE("frame order: lengths are minimal and below 2^63") {
  CHECK(first_rule(std::string("\x82\xfe\x00\x05\x00\x00\x00\x00", 8)) == "length");
  CHECK(first_rule(std::string("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 14)) == "length");
}

TEST_CASE("frame order: fragments follow each other, control frames between them") {
  FrameOrder order(Role::client);
  CHECK(rule_of(order, frame(text, "a", {.last = false})) == "fine");
  CHECK(rule_of(order, frame(ping, "")) == "fine");
  CHECK(rule_of(order, frame(continuation, "b", {.last = false})) == "fine");
  CHECK(rule_of(order, frame(continuation, "c")) == "fine");
  CHECK(rule_of(order, frame(continuation, "d")) == "fragments");
  FrameOrder other(Role::client);
  CHECK(rule_of(other, frame(binary, "a", {.last = false})) == "fine");
  CHECK(rule_of(other, frame(text, "b")) == "fragments");
}

TEST_CASE("frame order: a Close has no payload, or a code that may be sent and a reason in UTF-8") {
  CHECK_FALSE(FrameOrder::check_close(""));
  CHECK(FrameOrder::check_close("\x03") == Fault{1002, "close_code"});
  for (const uint16_t code : {1000, 1012, 1013, 1014, 3000, 4999})
    CHECK_FALSE(FrameOrder::check_close(close_payload(code)));
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000})
    CHECK(FrameOrder::check_close(close_payload(code)) == Fault{1002, "close_code"});
  CHECK(FrameOrder::check_close(close_payload(1000, "\xc3")) == Fault{1007, "close_reason"});
}
