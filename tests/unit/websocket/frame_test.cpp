#include "websocket/frame.h"

#include <doctest/doctest.h>

#include "unit/websocket/frames.h"
#include "websocket/endings.h"

using namespace postern;
using namespace postern::websocket;
namespace shape = postern::websocket::test;

TEST_CASE("frame: a header that is written is read as what it was") {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{125}, uint64_t{126}, uint64_t{65535}, uint64_t{65536}, uint64_t{1} << 40})
    for (const bool masked : {true, false}) {
      FrameHeader header;
      header.final = masked;
      header.reserved = 4;
      header.opcode = 2;
      header.masked = masked;
      header.length = length;
      header.mask = {1, 2, 3, 4};
      std::array<std::byte, header_size_max> bytes{};
      const size_t size = write_header(header, bytes);
      CHECK(size == header_size(static_cast<uint8_t>(bytes[1])));
      const FrameHeader read = read_header(bytes.data());
      CHECK(read.size == size);
      CHECK(read.length == length);
      CHECK(read.final == header.final);
      CHECK(read.reserved == 4);
      CHECK(read.opcode == 2);
      CHECK(read.masked == masked);
      CHECK(read.shortest);
      if (masked) CHECK(read.mask == header.mask);
    }
}

TEST_CASE("frame: a length in more bytes than it takes is noticed") {
  const std::string two("\x82\x7e\x00\x05", 4);
  CHECK_FALSE(read_header(base::bytes_of(two).data()).shortest);
  const std::string eight("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10);
  CHECK_FALSE(read_header(base::bytes_of(eight).data()).shortest);
}

TEST_CASE("frame: masking twice gives back what was, from any place in a payload") {
  std::string text(100, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  const MaskKey mask = {0x11, 0xa2, 0x33, 0xc4};
  std::string whole = text;
  apply_mask(std::as_writable_bytes(std::span(whole)), mask, 0);
  CHECK(whole != text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    std::string first = text.substr(0, cut);
    std::string second = text.substr(cut);
    apply_mask(std::as_writable_bytes(std::span(first)), mask, 0);
    apply_mask(std::as_writable_bytes(std::span(second)), mask, cut);
    CHECK(first + second == whole);
  }
}

TEST_CASE("frame: a frame that a client sends is masked, and anew each time") {
  const base::Chunk one = make_frame(Opcode::text, "hello", Role::client);
  const base::Chunk two = make_frame(Opcode::text, "hello", Role::client);
  CHECK(one.text() != two.text());
  FrameHeader header = read_header(one.data());
  CHECK(header.masked);
  std::string payload(one.text().substr(header.size));
  apply_mask(std::as_writable_bytes(std::span(payload)), header.mask, 0);
  CHECK(payload == "hello");
  CHECK(make_frame(Opcode::text, "hello", Role::server).text() == std::string("\x81\x05", 2) + "hello");
}

TEST_CASE("close frame: is unmasked, whole, and carries code and reason") {
  CHECK(close_frame(1012, "restart").text() == std::string("\x88\x09\x03\xf4", 4) + "restart");
  CHECK(close_frame(1000, "").text() == std::string_view("\x88\x02\x03\xe8", 4));
  CHECK(close_frame(close_code::none, "never").text() == std::string_view("\x88\x00", 2));
  CHECK(close_frame(1001, {}).text() == std::string_view("\x88\x02\x03\xe9", 4));
}

TEST_CASE("close frame: a reason is cut at 123 bytes, between two characters") {
  const base::Chunk frame = close_frame(1000, std::string(200, 'r'));
  CHECK(frame.size() == 2 + 125);
  CHECK(static_cast<uint8_t>(frame.text()[1]) == 125);
  std::string accents = "x";
  while (accents.size() < 200) accents += "é";
  CHECK(close_frame(1000, accents).size() == 2 + 2 + 123);
  CHECK(close_frame(1000, accents.substr(1)).size() == 2 + 2 + 122);
}

TEST_CASE("close body: no code, half a code, a code and a reason") {
  CHECK(read_close("").code == 1005);
  CHECK(read_close("\x03").code == 1005);
  CHECK(read_close(shape::close_payload(1013, "later")).code == 1013);
  CHECK(read_close(shape::close_payload(1013, "later")).reason == "later");
}

TEST_CASE("close codes: those of the registry may be sent, those that no frame says may not") {
  for (const uint16_t code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4401, 4999})
    CHECK(is_sendable_close_code(code));
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535})
    CHECK_FALSE(is_sendable_close_code(code));
}

TEST_CASE("close codes: every ending has a code that may be sent, and another when it is set") {
  CloseCodes codes;
  for (size_t i = 0; i < static_cast<size_t>(Ending::end); ++i)
    CHECK(is_sendable_close_code(codes[static_cast<Ending>(i)]));
  CHECK(codes[Ending::token_expired] == 1012);
  codes.set(Ending::token_expired, 4401);
  CHECK(codes[Ending::token_expired] == 4401);
  CHECK(codes[Ending::unauthorized] == 4401);
  codes.set(Ending::unauthorized, 4001);
  CHECK(codes[Ending::refused_expired] == 4001);
}
