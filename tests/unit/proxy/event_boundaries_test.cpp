#include "proxy/event_boundaries.h"

#include <doctest/doctest.h>

#include "support/feed_every_way.h"

using namespace postern;
using postern::proxy::EventBoundaries;

namespace {

struct Seen {
  std::vector<size_t> boundaries;  // those reported, counted from the first byte
  bool between = true;
  uint64_t events = 0;
};

Seen fed(const std::vector<std::string_view>& pieces) {
  EventBoundaries events;
  Seen seen;
  size_t before = 0;
  for (const std::string_view piece : pieces) {
    if (const auto last = events.feed(base::bytes_of(piece))) seen.boundaries.push_back(before + *last);
    before += piece.size();
  }
  seen.between = events.between_events();
  seen.events = events.events();
  return seen;
}

struct Case {
  std::string_view bytes;
  size_t last;  // boundary; 0: none
  bool between;
  uint64_t events;
};

constexpr Case cases[] = {
    {"", 0, true, 0},
    {"data: x\n\n", 9, true, 1},
    {"data: x\r\n\r\n", 11, true, 1},
    {"data: x\r\r", 9, true, 1},
    {"data: x\n\r\n", 10, true, 1},
    {"data: x\r\n\n", 10, true, 1},
    {"data: x\r\n", 0, false, 0},
    {"data: x\r", 0, false, 0},
    {"data: x\n", 0, false, 0},
    {"data: x", 0, false, 0},
    {"data: x\n\ndata: y\n", 9, false, 1},
    {"data: x\n\ndata: y\n\n", 18, true, 2},
    {"\n\n\n", 3, true, 0},
    {":\n", 2, true, 0},
    {": comment\n", 10, true, 0},
    {": comment", 0, false, 0},
    {"data: x\n:\n", 0, false, 0},
    {"data: x\n: comment\n\n", 19, true, 1},
    {"id: 1\nevent: tick\ndata: x\n\n: still here\n\n", 41, true, 1},
    {"data: :\n\n", 9, true, 1},
    {"retry: 10\n\n", 11, true, 1},
    {"\xef\xbb\xbf"
     "data: x\n\n",
     12, true, 1},
};

}  // namespace

TEST_CASE("event boundaries: an empty line ends an event, whichever way lines end and bytes come") {
  for (const Case& one : cases) {
    CAPTURE(one.bytes);
    support::feed_every_way(
        one.bytes, [](const auto& pieces) { return fed(pieces); },
        [&](const Seen& seen) {
          CHECK((seen.boundaries.empty() ? 0 : seen.boundaries.back()) == one.last);
          CHECK(seen.between == one.between);
          CHECK(seen.events == one.events);
        });
  }
}

TEST_CASE("event boundaries: what is cut there and what comes after it make the same events") {
  const std::string stream = ": hello\r\n\r\nid: 1\r\ndata: a\r\n\r\ndata: b\n\ndata: c\r\rdata: d\n\n";
  const uint64_t whole = fed({stream}).events;
  CHECK(whole == 4);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    const std::string_view first = std::string_view(stream).substr(0, cut);
    const std::string_view rest = std::string_view(stream).substr(cut);
    if (!fed({first}).between) continue;
    CAPTURE(cut);
    const std::string with_comment = std::string(first) + ":\n\n" + std::string(rest);
    CHECK(fed({with_comment}).events == whole);
    CHECK(fed({first}).events + fed({rest}).events == whole);
  }
}
