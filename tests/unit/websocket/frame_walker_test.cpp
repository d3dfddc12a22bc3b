#include "websocket/frame_walker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "support/frame_recorder.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace postern::websocket;
using namespace postern::websocket::test;
using support::FrameRecorder;
using Pass = FrameWalker::Pass;

TEST_CASE("frame walker: a fresh connection is at a boundary, between messages") {
  FrameWalker walker;
  CHECK(walker.at_boundary());
  CHECK(walker.between_messages());
  CHECK_FALSE(walker.stopped());
}

TEST_CASE("frame walker: what passes is bit for bit what came, in every cut, and is whole at boundaries") {
  for (const bool masked : {true, false}) {
    std::string stream;
    std::vector<size_t> ends = {0};
    for (const size_t size : {0, 1, 125, 126, 127, 300}) {
      stream += frame(binary, std::string(size, '\x88'), {.masked = masked});
      ends.push_back(stream.size());
    }
    stream += frame(ping, "here", {.masked = masked});
    ends.push_back(stream.size());
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      CAPTURE(cut);
      FrameWalker walker;
      FrameRecorder seen;
      walker.walk(base::bytes_of(std::string_view(stream).substr(0, cut)), seen);
      const bool whole = std::find(ends.begin(), ends.end(), seen.passed.size()) != ends.end();
      CHECK(walker.at_boundary() == whole);
      CHECK(stream.starts_with(seen.passed));
      CHECK(cut - seen.passed.size() < 140);  // only a header or a control frame is held back
      walker.walk(base::bytes_of(std::string_view(stream).substr(cut)), seen);
      CHECK(seen.passed == stream);
      CHECK(walker.at_boundary());
      CHECK(seen.frames.size() == 6);
      CHECK(seen.controls == std::vector<std::pair<int, std::string>>{{9, "here"}});
    }
  }
}

TEST_CASE("frame walker: the lengths at which the header changes are walked whole and byte by byte") {
  for (const bool masked : {true, false})
    for (const size_t size : {0, 125, 126, 65535, 65536}) {
      CAPTURE(size);
      const std::string bytes = frame(binary, std::string(size, '\x88'), {.masked = masked});
      for (const size_t piece : {bytes.size(), size_t{1}, size_t{3}}) {
        FrameWalker walker;
        FrameRecorder seen;
        feed_in_pieces(bytes, piece, [&](base::Bytes some) { walker.walk(some, seen); });
        CHECK(walker.at_boundary());
        CHECK(seen.passed == bytes);
        REQUIRE(seen.frames.size() == 1);
        CHECK(seen.frames[0].length == size);
        CHECK(seen.frames[0].masked == masked);
      }
    }
}

TEST_CASE("frame walker: a length of eight bytes with the top bit set never ends") {
  const std::string header("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10);
  FrameWalker walker;
  FrameRecorder seen;
  walker.walk(base::bytes_of(header + std::string(1000, 'x')), seen);
  CHECK_FALSE(walker.at_boundary());
  CHECK(seen.passed.size() == 1010);
}

TEST_CASE("frame walker: a control frame is shown whole and unmasked, in any cut") {
  for (const bool masked : {true, false}) {
    const std::string bytes = frame(text, "before", {.masked = masked}) +
                              frame(goodbye, close_payload(4401, "token"), {.masked = masked});
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      FrameWalker walker;
      FrameRecorder seen;
      walker.walk(base::bytes_of(std::string_view(bytes).substr(0, cut)), seen);
      walker.walk(base::bytes_of(std::string_view(bytes).substr(cut)), seen);
      REQUIRE(seen.controls.size() == 1);
      const CloseBody body = read_close(seen.controls[0].second);
      CHECK(body.code == 4401);
      CHECK(body.reason == "token");
      CHECK(seen.passed == bytes);
    }
  }
}

TEST_CASE("frame walker: a control frame that is too long is shown by its header alone") {
  const std::string bytes = frame(ping, std::string(126, 'p'));
  FrameWalker walker;
  FrameRecorder seen;
  feed_in_pieces(bytes, 5, [&](base::Bytes some) { walker.walk(some, seen); });
  CHECK(seen.controls.empty());
  REQUIRE(seen.frames.size() == 1);
  CHECK(seen.frames[0].is_control());
  CHECK(seen.passed == bytes);
}

TEST_CASE("frame walker: frames are dropped, taken and passed on by themselves, in any cut") {
  const std::string first = frame(text, "one");
  const std::string last = frame(binary, std::string(200, 'z'));
  const std::string bytes = first + frame(text, "dropped") + frame(ping, "swallowed") +
                            frame(binary, std::string(300, 't')) + frame(text, "") + last;
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    FrameWalker walker;
    FrameRecorder seen;
    seen.decide = [](const FrameHeader& header) {
      if (header.is_control() || header.length == 7) return Pass::drop;
      return header.length == 300 || header.length == 0 ? Pass::take : Pass::on;
    };
    feed_in_pieces(bytes, piece, [&](base::Bytes some) { walker.walk(some, seen); });
    CHECK(seen.passed == first + last);
    CHECK(seen.payloads == std::vector<std::string>{std::string(300, 't'), ""});
    CHECK(walker.at_boundary());
  }
}

TEST_CASE("frame walker: nothing passes from the frame on that stops it") {
  const std::string before = frame(text, "one");
  const std::string bytes = before + frame(binary, "stop") + frame(text, "two");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    FrameWalker walker;
    FrameRecorder seen;
    seen.decide = [](const FrameHeader& header) {
      return header.is(websocket::Opcode::binary) ? Pass::stop : Pass::on;
    };
    feed_in_pieces(bytes, piece, [&](base::Bytes some) { walker.walk(some, seen); });
    CHECK(seen.passed == before);
    CHECK(walker.stopped());
    CHECK(walker.at_boundary());
    CHECK(seen.frames.size() == 2);
  }
}

TEST_CASE("frame walker: is between messages only where no message has begun") {
  FrameWalker walker;
  FrameRecorder seen;
  walker.walk(base::bytes_of(frame(text, "half", {.last = false})), seen);
  CHECK(walker.at_boundary());
  CHECK_FALSE(walker.between_messages());
  walker.walk(base::bytes_of(frame(ping, "")), seen);
  CHECK_FALSE(walker.between_messages());
  walker.walk(base::bytes_of(frame(continuation, "rest")), seen);
  CHECK(walker.between_messages());
}

TEST_CASE("frame walker: a frame that has to wait is asked for again, whole, and nothing overtakes it") {
  const std::string stream = frame(text, "one") + frame(ping, "here") + frame(binary, std::string(300, 'x')) +
                             frame(continuation, "") + frame(pong, "") + frame(text, "two");
  for (const Pass then : {Pass::on, Pass::take}) {
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      CAPTURE(cut);
      FrameWalker walker;
      FrameRecorder seen;
      size_t waits = 0;
      bool wait = false;
      seen.decide = [&](const FrameHeader& header) {
        if (header.is_control()) return Pass::on;
        wait = !wait;
        if (wait) ++waits;
        return wait ? Pass::wait : then;
      };
      std::string left;
      const auto feed = [&](std::string_view some) {
        left += some;
        for (int again = 0; again < 5; ++again) {
          left.erase(0, walker.walk(base::bytes_of(left), seen));
          CHECK(wait == (!left.empty() || walker.has_waiting()));
        }
      };
      feed(std::string_view(stream).substr(0, cut));
      CHECK(stream.starts_with(then == Pass::on ? seen.passed : std::string()));
      feed(std::string_view(stream).substr(cut));
      CHECK(left.empty());
      CHECK(walker.at_boundary());
      CHECK(waits == 4);
      CHECK(seen.frames.size() == 8);
      if (then == Pass::on) CHECK(seen.passed == stream);
      if (then == Pass::take)
        CHECK(seen.payloads == std::vector<std::string>{"one", std::string(300, 'x'), "", "two"});
      CHECK(seen.controls == std::vector<std::pair<int, std::string>>{{9, "here"}, {10, ""}});
    }
  }
}
