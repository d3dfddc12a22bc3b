#include "websocket/frame_walker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "unit/websocket/frames.h"

using namespace postern;
using namespace postern::websocket;
using namespace postern::websocket::test;

TEST_CASE("frame walker: a fresh connection is at a boundary and has seen no Close") {
  FrameWalker walker;
  CHECK(walker.at_boundary());
  CHECK_FALSE(walker.close_seen());
  CHECK_FALSE(walker.close_code());
}

TEST_CASE("frame walker: every cut of every length is at a boundary exactly between frames") {
  for (const bool masked : {true, false}) {
    std::string stream;
    std::vector<size_t> ends;
    for (const size_t size : {0, 1, 125, 126, 127, 300}) {
      stream += frame(binary, std::string(size, 'x'), {.masked = masked});
      ends.push_back(stream.size());
    }
    for (size_t cut = 0; cut <= stream.size(); ++cut) {
      CAPTURE(cut);
      FrameWalker walker;
      walker.walk(base::bytes_of(std::string_view(stream).substr(0, cut)));
      const bool between = cut == 0 || std::find(ends.begin(), ends.end(), cut) != ends.end();
      CHECK(walker.at_boundary() == between);
      walker.walk(base::bytes_of(std::string_view(stream).substr(cut)));
      CHECK(walker.at_boundary());
      CHECK_FALSE(walker.close_seen());
    }
  }
}

TEST_CASE("frame walker: the lengths at which the header changes are walked whole and byte by byte") {
  for (const bool masked : {true, false})
    for (const size_t size : {0, 125, 126, 65535, 65536}) {
      CAPTURE(size);
      const std::string bytes = frame(binary, std::string(size, '\x88'), {.masked = masked});
      FrameWalker whole;
      whole.walk(base::bytes_of(bytes));
      CHECK(whole.at_boundary());
      FrameWalker slow;
      size_t boundaries = 0;
      for (const char& byte : bytes) {
        slow.walk(base::bytes_of({&byte, 1}));
        boundaries += slow.at_boundary() ? 1 : 0;
      }
      CHECK(boundaries == 1);
      CHECK(slow.at_boundary());
      CHECK_FALSE(slow.close_seen());
    }
}

TEST_CASE("frame walker: a length of eight bytes with the top bit set never ends") {
  const std::string header("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10);
  FrameWalker walker;
  walker.walk(base::bytes_of(header));
  walker.walk(base::bytes_of(std::string(1000, 'x')));
  CHECK_FALSE(walker.at_boundary());
}

TEST_CASE("frame walker: the code of a Close is read, masked and not, in any cut") {
  for (const bool masked : {true, false}) {
    const std::string bytes = frame(text, "before", {.masked = masked}) +
                              frame(goodbye, close_payload(4401, "token"), {.masked = masked});
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      FrameWalker walker;
      walker.walk(base::bytes_of(std::string_view(bytes).substr(0, cut)));
      walker.walk(base::bytes_of(std::string_view(bytes).substr(cut)));
      CHECK(walker.close_seen());
      CHECK(walker.close_code() == 4401);
      CHECK(walker.at_boundary());
    }
  }
}

TEST_CASE("frame walker: a Close without a code, or with half of one, has none") {
  for (const std::string_view payload : {"", "\x03"}) {
    FrameWalker walker;
    walker.walk(base::bytes_of(frame(goodbye, payload)));
    CHECK(walker.close_seen());
    CHECK_FALSE(walker.close_code());
    CHECK(walker.at_boundary());
  }
}

TEST_CASE("frame walker: the first Close counts") {
  FrameWalker walker;
  walker.walk(base::bytes_of(frame(goodbye, close_payload(1000)) + frame(goodbye, close_payload(1011))));
  CHECK(walker.close_code() == 1000);
  CHECK(walker.at_boundary());
}

TEST_CASE("frame walker: a ping whose payload looks like a Close is none") {
  FrameWalker walker;
  walker.walk(base::bytes_of(server_frame(ping, server_frame(goodbye, close_payload(1000)))));
  CHECK_FALSE(walker.close_seen());
}

TEST_CASE("close frame: is unmasked, whole, and carries code and reason") {
  CHECK(close_frame(1012, "restart").text() == std::string("\x88\x09\x03\xf4", 4) + "restart");
  CHECK(close_frame(1000, "").text() == std::string_view("\x88\x02\x03\xe8", 4));
}

TEST_CASE("close frame: a reason is cut at 123 bytes") {
  const base::Chunk frame = close_frame(1000, std::string(200, 'r'));
  CHECK(frame.size() == 2 + 125);
  CHECK(static_cast<uint8_t>(frame.text()[1]) == 125);
}
