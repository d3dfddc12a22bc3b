#include "state/socket_memory.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace std::chrono_literals;
using state::SocketMemory;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

}  // namespace

TEST_CASE(
    "socket memory: a pause grows with each refusal of a client on a route, and a socket let in ends that") {
  SocketMemory memory;
  const auto pause = [&](const char* client, const char* route) {
    const auto begun = memory.begin_pause(client, route, start);
    if (begun) memory.end_pause(client, route, start);
    return begun;
  };
  for (const base::Duration expected : {0ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10000ms, 10000ms})
    CHECK(pause("a", "one") == expected);
  CHECK_FALSE(pause("a", "one").has_value());
  CHECK(pause("a", "two") == 0ms);
  CHECK(pause("b", "one") == 0ms);
  memory.let_in("a", "one");
  CHECK(pause("a", "one") == 0ms);
  CHECK(pause("a", "one") == 500ms);
  CHECK(memory.begin_pause("a", "one", start + SocketMemory::refusals_kept) == 0ms);
}

TEST_CASE("socket memory: who lost a socket comes back; who has left one, or is not known, does not") {
  SocketMemory memory;
  CHECK_FALSE(memory.is_coming_back("a", start));
  memory.ended("a", false, start);
  CHECK(memory.is_coming_back("a", start + 59s));
  CHECK_FALSE(memory.is_coming_back("b", start));
  memory.ended("a", true, start + 10s);
  CHECK_FALSE(memory.is_coming_back("a", start + 10s));
  memory.ended("a", false, start + 20s);
  CHECK_FALSE(memory.is_coming_back("a", start + 80s));
}

TEST_CASE("socket memory: a line is stood in once, until it is over") {
  SocketMemory memory;
  CHECK(memory.left_to_wait("a", "one", 10s, start) == 10s);
  memory.stood_in_line("a", "one", 10s, start);
  memory.stood_in_line("a", "one", 10s, start + 5s);
  CHECK(memory.left_to_wait("a", "one", 10s, start + 7s) == 3s);
  CHECK(memory.left_to_wait("a", "one", 10s, start + 20s) == 0s);
  CHECK(memory.left_to_wait("a", "two", 10s, start + 7s) == 10s);
  CHECK(memory.left_to_wait("b", "one", 10s, start + 7s) == 10s);
  memory.left_line("a", "one");
  CHECK(memory.left_to_wait("a", "one", 10s, start + 20s) == 10s);
}

TEST_CASE("socket memory: a negotiate is known for its client and path alone, and not for long") {
  SocketMemory memory;
  memory.negotiated("a", "/hub", start);
  CHECK(memory.has_negotiated("a", "/hub", start + 1min));
  CHECK_FALSE(memory.has_negotiated("a", "/other", start));
  CHECK_FALSE(memory.has_negotiated("b", "/hub", start));
  CHECK_FALSE(memory.has_negotiated("a", "/hub", start + SocketMemory::negotiation_kept));
}
