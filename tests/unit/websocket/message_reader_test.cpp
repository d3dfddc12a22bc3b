#include "websocket/message_reader.h"

#include <doctest/doctest.h>

#include <random>
#include "support/frame_recorder.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace postern::websocket;
using namespace postern::websocket::test;

namespace {

struct Reading final : FrameWalker::Visitor {
  explicit Reading(uint64_t size_max = 0, Deflate* deflate = nullptr) : reader(size_max, deflate) {}
  FrameWalker::Pass on_frame(const FrameHeader& header) override {
    reader.begin(header);
    return FrameWalker::Pass::take;
  }
  FrameWalker::Pass on_control(const FrameHeader&, std::string_view) override {
    return FrameWalker::Pass::drop;
  }
  void on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) override {
    if (fault) return;
    fault = reader.add(header, piece, offset, end);
    if (fault || !reader.complete()) return;
    messages.emplace_back(reader.message());
    reader.next();
  }
  void on_passed(base::Bytes) override {}

  MessageReader reader;
  FrameWalker walker;
  std::vector<std::string> messages;
  std::optional<Fault> fault;
  void feed(const std::string& bytes, size_t piece) {
    feed_in_pieces(bytes, piece, [this](base::Bytes some) { walker.walk(some, *this); });
  }
};

std::string compressed(Deflate& deflate, std::string_view message) {
  return std::string(deflate.compress(message));
}

}  // namespace

TEST_CASE("message reader: fragments become one message, with pings between them, in any cut") {
  const std::string bytes = frame(text, "gr\xc3", {.last = false}) + frame(ping, "p") +
                            frame(continuation, "\xbc\xc3\x9f", {.last = false}) + frame(continuation, "e") +
                            frame(binary, "\xff\xfe") + frame(text, "");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    Reading reading;
    reading.feed(bytes, piece);
    CHECK(reading.messages == std::vector<std::string>{"grüße", "\xff\xfe", ""});
    CHECK_FALSE(reading.fault);
  }
}

TEST_CASE("message reader: text that is not UTF-8 is noticed at its byte, and at the end") {
  for (const std::string_view bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "abc\xc3"}) {
    Reading reading;
    reading.feed(frame(text, bad), 1);
    CHECK(reading.fault == Fault{1007, "utf8"});
  }
  Reading early;
  early.feed(frame(text, "\xff" + std::string(1000, 'x')).substr(0, 12), 12);
  CHECK(early.fault);
}

TEST_CASE("message reader: a compressed message is expanded, whatever its fragments") {
  Deflate deflate;
  const std::string message(5000, 'a');
  const std::string payload = compressed(deflate, message);
  REQUIRE(payload.size() < 100);
  for (const size_t cut : {size_t{0}, size_t{1}, payload.size() / 2, payload.size()}) {
    Reading reading(0, &deflate);
    reading.feed(frame(text, payload.substr(0, cut), {.last = false, .reserved = 4}) +
                     frame(continuation, payload.substr(cut)) + frame(text, "plain"),
                 7);
    CHECK(reading.messages == std::vector<std::string>{message, "plain"});
  }
}

TEST_CASE("message reader: a bomb is stopped at the limit, and what is no deflate is 1007") {
  Deflate deflate;
  const std::string bomb = compressed(deflate, std::string(10'000'000, '\0'));
  REQUIRE(bomb.size() < 60'000);
  Reading reading(1'000'000, &deflate);
  reading.feed(frame(binary, bomb, {.reserved = 4}), bomb.size());
  CHECK(reading.fault == Fault{1009, "message_size"});
  Reading broken(0, &deflate);
  broken.feed(frame(binary, "\xff\xff\xff\xff", {.reserved = 4}), 100);
  CHECK(broken.fault == Fault{1007, "deflate"});
  Reading text_reading(0, &deflate);
  text_reading.feed(frame(text, compressed(deflate, std::string(300, '\xff')), {.reserved = 4}), 100);
  CHECK(text_reading.fault == Fault{1007, "utf8"});
}

TEST_CASE("deflate: offers are met without context and with the window that is asked for, or not at all") {
  const std::string usual = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const auto answer = [](std::string_view offers) {
    const auto parameters = agree_on_deflate(offers);
    return parameters ? parameters->answer : "none";
  };
  CHECK(answer("permessage-deflate") == usual);
  CHECK(answer("permessage-deflate; client_max_window_bits") == usual);  // the offer of Chromium
  CHECK(answer("x-other, permessage-deflate; client_max_window_bits=12") == usual);
  CHECK(answer("permessage-deflate; client_max_window_bits=8; server_no_context_takeover") == usual);
  CHECK(answer("x-webkit-deflate-frame") == "none");
  CHECK(answer("") == "none");
  for (int bits = window_bits_min; bits <= window_bits_max; ++bits) {
    const std::string asked = "; server_max_window_bits=" + std::to_string(bits);
    const auto parameters = agree_on_deflate("permessage-deflate" + asked);
    REQUIRE(parameters);
    CHECK(parameters->answer == usual + asked);
    CHECK(parameters->window_bits == bits);
  }
  CHECK(answer("permessage-deflate; server_max_window_bits=\"10\"") == usual + "; server_max_window_bits=10");
  CHECK(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate") == usual);
  for (const std::string_view bad :
       {"server_max_window_bits", "server_max_window_bits=8", "server_max_window_bits=16",
        "server_max_window_bits=09", "server_max_window_bits=", "server_max_window_bits=-9",
        "client_max_window_bits=7", "client_max_window_bits=", "server_no_context_takeover=1", "x",
        "server_max_window_bits=10; server_max_window_bits=10"}) {
    CAPTURE(bad);
    CHECK(answer("permessage-deflate; " + std::string(bad)) == "none");
  }
}

TEST_CASE("deflate: a small window does not reach back further than it is") {
  std::minstd_rand random(1);
  std::string message;
  for (int i = 0; i < 2000; ++i) message += static_cast<char>('a' + random() % 16);
  for (int i = 0; i < 2; ++i) message += message;
  Deflate large;
  Deflate small(9);
  CHECK(2 * large.compress(message).size() < small.compress(message).size());
  std::string expanded;
  CHECK_FALSE(large.expand(compressed(small, message), 0, expanded));
  CHECK(expanded == message);
}

TEST_CASE("deflate: what is compressed comes back, and what would grow is left") {
  Deflate deflate;
  std::string expanded;
  for (const std::string& message :
       {std::string(300, 'x'), std::string(100'000, 'y'), std::string("{\"a\":1}") + std::string(400, ' ')}) {
    const std::string payload = compressed(deflate, message);
    REQUIRE_FALSE(payload.empty());
    CHECK_FALSE(deflate.expand(payload, message.size(), expanded));
    CHECK(expanded == message);
    CHECK(deflate.expand(payload, message.size() - 1, expanded) == Deflate::Problem::too_large);
  }
  CHECK(deflate.compress("ab").empty());
  // The examples of RFC 7692 7.2.3.4 (a final block) and 7.2.3.1.
  CHECK_FALSE(deflate.expand(std::string_view("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8), 0, expanded));
  CHECK(expanded == "Hello");
  CHECK_FALSE(deflate.expand(std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x00", 7), 0, expanded));
  CHECK(expanded == "Hello");
  CHECK_FALSE(deflate.expand(std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x04", 7), 0, expanded));
  CHECK(expanded == "Hello");
}

TEST_CASE("deflate: a payload that breaks off is no shorter message, and nothing is an empty one") {
  Deflate deflate;
  std::string message;
  for (int i = 0; i < 400; ++i) message += std::to_string(i * i);
  for (const std::string& payload :
       {compressed(deflate, message), std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7),
        std::string("\xf3\x48\xcd\xc9\xc9\x07", 6)}) {
    for (size_t size = 1; size < payload.size(); ++size) {
      CAPTURE(size);
      std::string expanded = "untouched";
      CHECK(deflate.expand(payload.substr(0, size), 0, expanded) == Deflate::Problem::malformed);
      CHECK(expanded == "untouched");
    }
  }
  std::string expanded = "x";
  for (const std::string_view nothing :
       {std::string_view(), std::string_view("\0", 1), std::string_view("\x03\0", 2)}) {
    CHECK_FALSE(deflate.expand(nothing, 0, expanded));
    CHECK(expanded.empty());
  }
  // The sender did not remove the tail, as 7.2.1 requires.
  CHECK_FALSE(deflate.expand(std::string_view("\xf2\x48\xcd\xc9\xc9\x07\0\0\0\xff\xff", 11), 0, expanded));
  CHECK(expanded == "Hello");
}
