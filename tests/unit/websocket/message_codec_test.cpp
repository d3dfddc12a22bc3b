#include "websocket/message_codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "unit/websocket/frames.h"
#include "websocket/frame.h"

using namespace postern;
using namespace postern::websocket;
using namespace postern::websocket::test;

namespace {

struct Message {
  MessageKind kind;
  std::string text;
  friend bool operator==(const Message&, const Message&) = default;
};

// A codec that records the messages it receives; as an echo it also sends them back.
class End final : private MessageCodec::Receiver {
 public:
  explicit End(const MessageLimits& limits = {}, bool echo = false) : codec(*this, limits), echo_(echo) {}

  void feed(std::string_view bytes, size_t piece) {
    feed_in_pieces(bytes, piece, [&](base::Bytes some) { codec.feed(some); });
  }
  std::string output() {
    std::string all;
    while (codec.has_output()) all += codec.take_output().text();
    return all;
  }

  MessageCodec codec;
  std::vector<Message> heard;

 private:
  void on_message(MessageKind kind, std::string_view message) override {
    heard.push_back({kind, std::string(message)});
    if (echo_) codec.send(kind, message);
  }
  bool echo_;
};

constexpr size_t whole = std::string::npos / 2;
constexpr size_t cuts[] = {whole, 1, 2, 3, 7, 4096};

// Feeds a new end, and expects that it sends a Close with this code and reads nothing afterwards.
void expect_close(std::string_view bytes, uint16_t code, const MessageLimits& limits = {}) {
  for (const size_t piece : cuts) {
    CAPTURE(piece);
    End end(limits);
    end.feed(bytes, piece);
    const size_t heard = end.heard.size();
    end.feed(frame(text, "late") + frame(ping, "late"), whole);
    CHECK(end.heard.size() == heard);
    CHECK(end.codec.state() == MessageCodec::State::over);
    CHECK(end.codec.close_code() == code);
    const std::string said = end.output();
    REQUIRE(said.size() >= 4);
    CHECK(said.starts_with("\x88"));
    CHECK(static_cast<size_t>(said[1]) == said.size() - 2);
    CHECK(said.substr(2, 2) == close_payload(code));
  }
}

}  // namespace

TEST_CASE("message codec: echoes texts and bytes of every length of header, in any pieces") {
  for (const size_t piece : cuts)
    for (const size_t size : {0, 1, 125, 126, 65535, 65536}) {
      CAPTURE(piece);
      CAPTURE(size);
      End end({}, true);
      const std::string letters(size, 'a');
      const std::string octets(size, '\xff');
      end.feed(frame(text, letters) + frame(binary, octets), piece);
      CHECK(end.heard == std::vector<Message>{{MessageKind::text, letters}, {MessageKind::binary, octets}});
      CHECK(end.output() == server_frame(text, letters) + server_frame(binary, octets));
      CHECK(end.codec.state() == MessageCodec::State::open);
    }
}

TEST_CASE("message codec: fragments become one message, with control frames between them") {
  const std::string bytes = frame(text, "gr\xc3", {.last = false}) + frame(ping, "still there?") +
                            frame(continuation, "", {.last = false}) + frame(pong, "unasked") +
                            frame(continuation, "\xbc\xc3\x9f") + frame(binary, "next");
  for (const size_t piece : cuts) {
    CAPTURE(piece);
    End end;
    end.feed(bytes, piece);
    CHECK(end.heard ==
          std::vector<Message>{{MessageKind::text, "gr\xc3\xbc\xc3\x9f"}, {MessageKind::binary, "next"}});
    CHECK(end.output() == server_frame(pong, "still there?"));
  }
}

TEST_CASE("message codec: a message of exactly the limit passes, one byte more ends with 1009") {
  const MessageLimits limits{.message_size = 1000};
  End end(limits);
  end.feed(frame(binary, std::string(1000, 'x')) + frame(binary, std::string(1000, 'y')), whole);
  CHECK(end.heard.size() == 2);
  expect_close(frame(binary, std::string(1001, 'x')), 1009, limits);
  expect_close(
      frame(binary, std::string(600, 'x'), {.last = false}) + frame(continuation, std::string(401, 'x')),
      1009, limits);
}

TEST_CASE("message codec: the limit is 1 MiB by default") {
  End end;
  end.feed(frame(binary, std::string(1024 * 1024, 'x')), whole);
  REQUIRE(end.heard.size() == 1);
  CHECK(end.heard[0].text.size() == 1024 * 1024);
  end.feed(frame(binary, std::string(1024 * 1024 + 1, 'x')), whole);
  CHECK(end.codec.close_code() == 1009);
}

TEST_CASE("message codec: an announced length beyond the limit is refused with its first byte") {
  std::string header = frame(binary, std::string(65536, 'x')).substr(0, 15);
  header[5] = '\x7f';  // announces petabytes
  expect_close(header, 1009);
}

TEST_CASE("message codec: the codes of the register are taken and given back, 1012 to 1014 among them") {
  for (const uint16_t code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4401, 4999})
    for (const size_t piece : cuts) {
      CAPTURE(code);
      End end;
      end.feed(frame(goodbye, close_payload(code, "weil")) + frame(text, "late"), piece);
      CHECK(end.codec.state() == MessageCodec::State::over);
      CHECK(end.codec.close_code() == code);
      CHECK(end.output() == server_frame(goodbye, close_payload(code, "weil")));
      CHECK(end.heard.empty());
    }
}

TEST_CASE("message codec: codes that no frame may carry end with 1002") {
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    CAPTURE(code);
    CHECK_FALSE(is_sendable_close_code(code));
    expect_close(frame(goodbye, close_payload(code)), 1002);
  }
}

TEST_CASE("message codec: a Close without a code is answered without one") {
  End end;
  end.feed(frame(goodbye, ""), 1);
  CHECK(end.codec.close_code() == close_code::none);
  CHECK(end.output() == std::string_view("\x88\x00", 2));
}

TEST_CASE("message codec: a Close of one byte ends with 1002") { expect_close(frame(goodbye, "\x03"), 1002); }

TEST_CASE("message codec: a Close with a reason that is not UTF-8 ends with 1007") {
  expect_close(frame(goodbye, close_payload(1000, "gr\xfc\xdf")), 1007);
  expect_close(frame(goodbye, close_payload(1000, "gr\xc3")), 1007);
}

TEST_CASE("message codec: malformed control frames end with 1002") {
  expect_close(frame(ping, std::string(126, 'x')), 1002);
  expect_close(frame(ping, "", {.last = false}), 1002);
  expect_close(frame(goodbye, close_payload(1000), {.last = false}), 1002);
}

TEST_CASE("message codec: lengths that are not minimal, and those with the top bit, end with 1002") {
  expect_close(std::string_view("\x82\xfe\x00\x7d\x00\x00\x00\x00xxxx", 12), 1002);
  expect_close(std::string_view("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00xxxx", 18), 1002);
  expect_close(std::string_view("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00xxxx", 18), 1002);
}

TEST_CASE("message codec: unmasked frames, reserved bits and reserved opcodes end with 1002") {
  expect_close(frame(text, "hello", {.masked = false}), 1002);
  for (const uint8_t bit : {1, 2, 4}) expect_close(frame(text, "hello", {.reserved = bit}), 1002);
  for (const uint8_t opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) expect_close(frame(opcode, "x"), 1002);
}

TEST_CASE("message codec: a continuation of nothing, and a message inside a message, end with 1002") {
  expect_close(frame(continuation, "x"), 1002);
  expect_close(frame(text, "x") + frame(continuation, "y"), 1002);
  expect_close(frame(text, "x", {.last = false}) + frame(text, "y"), 1002);
}

TEST_CASE("message codec: text that is not UTF-8 ends with 1007") {
  for (const std::string_view broken :
       {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "a\xe2\x82"}) {
    CAPTURE(broken);
    expect_close(frame(text, broken), 1007);
  }
  expect_close(frame(text, "\xe2", {.last = false}) + frame(continuation, "\x28"), 1007);
}

TEST_CASE("message codec: text up to the edges of UTF-8 passes") {
  const std::string edges =
      "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
  for (const size_t piece : cuts) {
    End end;
    end.feed(frame(text, edges), piece);
    CHECK(end.heard == std::vector<Message>{{MessageKind::text, edges}});
  }
}

TEST_CASE("message codec: pings are answered in order, as long as somebody looks at the output") {
  End end;
  for (int i = 0; i < 100; ++i) {
    const std::string payload = std::to_string(i);
    end.feed(frame(ping, payload), whole);
    CHECK(end.output() == server_frame(pong, payload));
  }
}

TEST_CASE("message codec: a flood of pings leaves a bounded output, with the last ping answered") {
  End end({.pongs = 3});
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += frame(ping, std::to_string(i));
  end.feed(flood, whole);
  CHECK(end.output() == server_frame(pong, "0") + server_frame(pong, "1") + server_frame(pong, "2") +
                            server_frame(pong, "999"));
  CHECK_FALSE(end.codec.has_output());
  end.feed(frame(ping, "again"), whole);
  CHECK(end.output() == server_frame(pong, "again"));
}

TEST_CASE("message codec: nothing follows a Close, not even a pong that was owed") {
  End end({.pongs = 0});
  end.feed(frame(ping, "owed") + frame(goodbye, close_payload(1000)), whole);
  CHECK(end.output() == server_frame(goodbye, close_payload(1000)));
  End ours({.pongs = 0});
  ours.feed(frame(ping, "owed"), whole);
  ours.codec.close(1001, "bye");
  ours.codec.send(MessageKind::text, "late");
  ours.codec.close(1002, "twice");
  CHECK(ours.output() == server_frame(goodbye, close_payload(1001, "bye")));
}

TEST_CASE("message codec: after our Close what comes is passed over until the peer's") {
  for (const size_t piece : cuts) {
    End end;
    end.feed(frame(text, "begun", {.last = false}), piece);
    end.codec.close(1001, "bye");
    CHECK(end.codec.state() == MessageCodec::State::closing);
    end.feed(frame(continuation, "ended") + frame(text, "late") + frame(ping, "late"), piece);
    CHECK(end.heard.empty());
    CHECK(end.codec.state() == MessageCodec::State::closing);
    end.feed(frame(goodbye, close_payload(1000)), piece);
    CHECK(end.codec.state() == MessageCodec::State::over);
    CHECK(end.codec.close_code() == 1001);
    CHECK(end.output() == server_frame(goodbye, close_payload(1001, "bye")));
  }
}

TEST_CASE("message codec: a long reason is cut at 123 bytes, between two characters") {
  End end;
  end.codec.close(1000, std::string(122, 'r') + "\xe2\x82\xac");
  CHECK(end.output() == server_frame(goodbye, close_payload(1000, std::string(122, 'r'))));
}

TEST_CASE("message codec: a Close in the middle of a message ends it unheard") {
  End end;
  end.feed(frame(text, "half", {.last = false}) + frame(goodbye, close_payload(1000)), whole);
  CHECK(end.heard.empty());
  CHECK(end.codec.state() == MessageCodec::State::over);
}

TEST_CASE("message codec: a receiver may close from within a message, and hears no more") {
  class Closing final : public MessageCodec::Receiver {
   public:
    Closing() : codec(*this) {}
    void on_message(MessageKind, std::string_view) override {
      ++heard;
      codec.close(1008, "enough");
    }
    MessageCodec codec;
    int heard = 0;
  };
  Closing end;
  end.codec.feed(base::bytes_of(frame(text, "one") + frame(text, "two")));
  CHECK(end.heard == 1);
  CHECK(end.codec.close_code() == 1008);
}
