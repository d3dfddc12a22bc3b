// The end of a connection: responses that the client has not received yet, and clients that half-close.
#include <doctest/doctest.h>

#include "server_fixture.h"

#include "base/error.h"

namespace {

using namespace postern::server_fixture;

// More than the wire below accepts, and less than the transport's high-water mark: it stays in the
// transport's backlog.
constexpr size_t large = 100'000;

std::string text_of(size_t size) { return std::string(size, 'x'); }

// A client whose end of the wire buffers 64 KiB, and which does not read until the test lets it.
struct SlowFixture : Fixture {
  explicit SlowFixture(const http::ServerLimits& the_limits = {})
      : Fixture([](ServerConnection& server) { answer(server, text_of(large)); }, the_limits) {
    wire->to_first.capacity = 64 * 1024;
    wire->to_first.stalled = true;
  }
  void flow() {
    wire->to_first.stalled = false;
    turns.settle();
  }
};

}  // namespace

TEST_CASE("server connection: an answer is handed over when the transport has given all of it away") {
  SlowFixture fixture;
  fixture.exchange(get("/"));
  CHECK_FALSE(fixture.handed_over);
  fixture.turns.advance(20min);  // the exchange enforces the limits
  CHECK_FALSE(fixture.handed_over);
  fixture.flow();
  REQUIRE(fixture.handed_over);
  CHECK(fixture.handed_over->has_value());
  CHECK(fixture.client.heard() == ok(text_of(large)));
  CHECK(fixture.exchange(get("/")) != "");  // the client may send another request
}

TEST_CASE("server connection: an answer that the kernel takes at once is handed over in the same turn") {
  Fixture fixture(echo_target);
  fixture.client.send(get("/1"));
  fixture.turns.step();  // the bytes are delivered
  fixture.turns.step();  // and answered
  REQUIRE(fixture.handed_over);
  CHECK(fixture.handed_over->has_value());
}

TEST_CASE("server connection: draining does not cut an answer that the client has yet to take") {
  SlowFixture fixture;
  fixture.exchange(get("/"));
  fixture.server->drain();
  fixture.turns.advance(1min);
  CHECK_FALSE(fixture.over);
  fixture.flow();
  CHECK(fixture.client.heard() == ok(text_of(large)));
  CHECK(fixture.over);
  CHECK(fixture.client.ended());
}

TEST_CASE("server connection: draining between requests waits for what the client has yet to take") {
  Fixture fixture(echo_target);
  fixture.wire->to_first.stalled = true;
  fixture.exchange(get("/1"));  // the whole response is in transit
  REQUIRE(fixture.handed_over);
  fixture.server->drain();
  fixture.turns.advance(1s);
  CHECK(fixture.over);
  CHECK_FALSE(fixture.closed);
  fixture.wire->to_first.stalled = false;
  fixture.turns.settle();
  CHECK(fixture.client.heard() == ok("/1"));
  CHECK(fixture.client.ended());
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.closed);
}

TEST_CASE("server connection: the keep-alive limit does not cut an answer that the client has yet to take") {
  for (const bool all_on_its_way : {false, true}) {
    CAPTURE(all_on_its_way);
    SlowFixture fixture;
    if (all_on_its_way) fixture.wire->to_first.capacity = 2 * large;
    fixture.exchange(get("/"));
    fixture.turns.advance(77s);
    CHECK_FALSE(fixture.client.broken());
    fixture.flow();
    CHECK(fixture.client.heard() == ok(text_of(large)));
  }
}

TEST_CASE("server connection: a client that leaves before it has all of its answer is told of") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    SlowFixture fixture;
    fixture.exchange(get("/"));
    reset ? fixture.client.reset() : fixture.client.leave();
    fixture.turns.settle();
    REQUIRE(fixture.handed_over);
    REQUIRE_FALSE(fixture.handed_over->has_value());
    CHECK(fixture.handed_over->error() == base::Error{Cause::client_closed, base::Stage::response_body});
    CHECK(fixture.over);
    CHECK(fixture.closed);
  }
}

TEST_CASE("server connection: an answer that is given up is cut by a reset, though it was whole here") {
  SlowFixture fixture;
  fixture.exchange(get("/"));
  fixture.scope.cancel(Cause::client_timed_out);
  fixture.turns.settle();
  fixture.wire->to_first.stalled = false;
  fixture.turns.settle();
  CHECK(fixture.client.broken());
  CHECK_FALSE(fixture.client.ended());
}

TEST_CASE(
    "server connection: a client that ends its direction after its request gets its answer, and the end") {
  struct Case {
    std::string request;
    std::string answer;
  };
  for (const Case& one :
       {Case{get("/1"), ok("/1", "Connection: close\r\n")},
        Case{get("/1", "Connection: close\r\n"), ok("/1", "Connection: close\r\n")},
        Case{"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ok("/1", "Connection: close\r\n")},
        Case{"HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"},
        Case{"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
             ok("/1", "Connection: close\r\n")},
        Case{"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
             ok("/1", "Connection: close\r\n")}}) {
    for (const bool at_once :
         {false, true}) {  // the request and the end arrive together, or the end arrives during the exchange
      CAPTURE(one.request);
      CAPTURE(at_once);
      Fixture fixture(at_once ? Fixture::Application(echo_target) : [](ServerConnection&) {});
      fixture.read_bodies_first = true;
      fixture.finish_at_once = at_once;
      fixture.client.send(one.request);
      if (!at_once) fixture.turns.settle();
      fixture.client.finish();
      fixture.turns.settle();
      if (!at_once) {
        CHECK(fixture.ended == 1);
        echo_target(*fixture.server);
        fixture.finish();
        fixture.turns.settle();
      }
      const std::string heard = fixture.client.heard();
      if (at_once)  // the response was sent before the end was noticed
        CHECK(heard.substr(heard.find("\r\n\r\n")) == one.answer.substr(one.answer.find("\r\n\r\n")));
      else
        CHECK(heard == one.answer);
      CHECK(fixture.client.ended());
      CHECK_FALSE(fixture.client.broken());
      CHECK(fixture.gone.empty());
      CHECK(fixture.closed);  // nothing is pending
    }
  }
}

TEST_CASE("server connection: all whole requests before the client's end are answered") {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{100'000}}) {
    Fixture fixture(echo_target);
    fixture.wire->to_second.pieces = {piece};
    fixture.client.send(get("/1") + get("/2") + get("/3"));
    fixture.client.finish();
    fixture.turns.settle();
    const std::string heard = fixture.client.heard();
    CHECK(heard.starts_with(ok("/1")));
    CHECK(heard.ends_with("/3"));
    CHECK(fixture.targets == std::vector<std::string>{"/1", "/2", "/3"});
    CHECK(fixture.client.ended());
    CHECK(fixture.closed);
  }
}

TEST_CASE("server connection: the end in the middle of a request is a leaving, after the answers before it") {
  for (std::string_view part : {"GET /2 HT", "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
    CAPTURE(part);
    Fixture fixture([](ServerConnection&) {});
    fixture.finish_at_once = false;
    fixture.exchange(get("/1") + std::string(part));
    fixture.client.finish();
    fixture.turns.settle();
    echo_target(*fixture.server);
    fixture.finish();
    fixture.turns.settle();
    CHECK(fixture.client.heard() == ok("/1"));
    if (fixture.targets.size() == 2) {  // its head was complete
      CHECK(fixture.gone == std::vector<Cause>{Cause::client_closed});
      fixture.finish();
      fixture.turns.settle();
    }
    CHECK(fixture.over);
    CHECK(fixture.closed);
    CHECK(fixture.client.heard() == ok("/1"));
  }
}

TEST_CASE("server connection: the client's end does not cut the answer that it is taking") {
  SlowFixture fixture;
  fixture.exchange(get("/"));
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.gone.empty());
  CHECK_FALSE(fixture.over);
  fixture.flow();
  CHECK(fixture.client.heard() == ok(text_of(large)));
  CHECK(fixture.client.ended());
  CHECK(fixture.closed);
}

TEST_CASE("server connection: a reset after the client's end is a leaving") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.client.send(get("/1"));
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.gone.empty());
  fixture.wire->reset = true;
  fixture.turns.settle();
  CHECK(fixture.gone == std::vector<Cause>{Cause::client_closed});
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.closed);
}

TEST_CASE("server connection: a refused request is answered though the client has ended its direction") {
  Fixture fixture(echo_target);
  fixture.client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard().starts_with("HTTP/1.1 400 "));
  CHECK(fixture.client.ended());
  CHECK(fixture.closed);
}

TEST_CASE("server connection: a client that ends its direction without a request is let go") {
  Fixture fixture(echo_target);
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.client.ended());
  CHECK(fixture.closed);
}

TEST_CASE("server connection: a flood behind the last request does not hide the client's end") {
  Fixture fixture(echo_target);
  fixture.wire->to_second.capacity = 10'000'000;
  fixture.client.send(get("/1", "Connection: close\r\n") + std::string(3'000'000, 'x'));
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard() == ok("/1", "Connection: close\r\n"));
  CHECK(fixture.client.ended());
  CHECK(fixture.closed);
}

TEST_CASE("server connection: the kernel's part of the last answer is waited for, whatever the client says") {
  for (const bool takes : {true, false}) {
    CAPTURE(takes);
    Fixture fixture([](ServerConnection& server) { answer(server, text_of(large)); });
    fixture.wire->to_first.capacity = 2 * large;
    fixture.wire->to_first.stalled = true;
    fixture.wire->to_first.pieces = {8'000};
    fixture.exchange(get("/", "Connection: close\r\n"));
    CHECK(fixture.over);
    for (int i = 0; i < 12; ++i) {
      fixture.client.send(get("/more"));
      fixture.turns.advance(5s);
      if (!takes) continue;
      const uint64_t before = fixture.wire->to_first.delivered;
      fixture.wire->to_first.stalled = false;
      while (fixture.wire->to_first.delivered == before && fixture.turns.step()) {
      }
      fixture.wire->to_first.stalled = true;
      CHECK_FALSE(fixture.closed);
    }
    if (!takes) {
      fixture.turns.advance(10s);
      CHECK(fixture.closed);
      continue;
    }
    fixture.wire->to_first.stalled = false;
    fixture.turns.settle();
    CHECK(fixture.client.heard() == ok(text_of(large), "Connection: close\r\n"));
    fixture.turns.advance(6s);
    CHECK(fixture.closed);
  }
}

TEST_CASE("server connection: so much that came early does not hide that the client left, or ended") {
  for (const bool reset : {true, false}) {
    CAPTURE(reset);
    Fixture fixture([](ServerConnection&) {});
    fixture.finish_at_once = false;
    fixture.client.send(get("/") + std::string(200'000, 'x'));
    fixture.turns.settle();
    CHECK(fixture.gone.empty());
    reset ? fixture.client.reset() : fixture.client.finish();
    fixture.turns.settle();
    CHECK(fixture.gone.size() == (reset ? 1 : 0));
    CHECK(fixture.ended == (reset ? 0 : 1));
    fixture.finish();
    fixture.turns.settle();
  }
}

TEST_CASE("server connection: a client that has ended its direction gets no tunnel") {
  Fixture fixture([](ServerConnection&) {});
  fixture.finish_at_once = false;
  fixture.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  fixture.client.finish();
  fixture.turns.settle();
  CHECK(fixture.ended == 1);
  http::ResponseHead head;
  head.status = 101;
  CHECK(fixture.server->accept_tunnel(head) == nullptr);
  fixture.finish();
  fixture.turns.settle();
  CHECK(fixture.client.heard() == "");
  CHECK(fixture.closed);
}
