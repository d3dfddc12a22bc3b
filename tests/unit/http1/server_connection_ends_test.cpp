// The ends of a connection: answers that the client has yet to take, and clients that end their direction.
#include <doctest/doctest.h>

#include "server_ground.h"

namespace {

using namespace postern::server_ground;

// More than the wire below takes, and less than makes a writer wait: the transport's own backlog.
constexpr size_t large = 100'000;

std::string text_of(size_t size) { return std::string(size, 'x'); }

// A client whose end of the wire takes 64 KiB, and none of them until it is told to.
struct SlowGround : Ground {
  explicit SlowGround(const http1::ServerLimits& the_limits = {})
      : Ground([](ServerConnection& server) { answer(server, text_of(large)); }, the_limits) {
    wire->to_first.capacity = 64 * 1024;
    wire->to_first.stalled = true;
  }
  void flow() {
    wire->to_first.stalled = false;
    world.settle();
  }
};

}  // namespace

TEST_CASE("server connection: an answer is handed over when the transport has given all of it away") {
  SlowGround ground;
  ground.exchange(get("/"));
  CHECK_FALSE(ground.handed_over);
  ground.world.advance(20min);  // the limits are the exchange's
  CHECK_FALSE(ground.handed_over);
  ground.flow();
  REQUIRE(ground.handed_over);
  CHECK(ground.handed_over->has_value());
  CHECK(ground.client.heard() == ok(text_of(large)));
  CHECK(ground.exchange(get("/")) != "");  // it may ask for more
}

TEST_CASE("server connection: an answer that the kernel takes at once is handed over in the same turn") {
  Ground ground(echo_target);
  ground.client.send(get("/1"));
  ground.world.step();  // the bytes travel
  ground.world.step();  // and are answered
  REQUIRE(ground.handed_over);
  CHECK(ground.handed_over->has_value());
}

TEST_CASE("server connection: draining does not cut an answer that the client has yet to take") {
  SlowGround ground;
  ground.exchange(get("/"));
  ground.server->drain();
  ground.world.advance(1min);
  CHECK_FALSE(ground.over);
  ground.flow();
  CHECK(ground.client.heard() == ok(text_of(large)));
  CHECK(ground.over);
  CHECK(ground.client.ended());
}

TEST_CASE("server connection: draining between requests waits for what the client has yet to take") {
  Ground ground(echo_target);
  ground.wire->to_first.stalled = true;
  ground.exchange(get("/1"));  // all of it is on its way
  REQUIRE(ground.handed_over);
  ground.server->drain();
  ground.world.advance(1s);
  CHECK(ground.over);
  CHECK_FALSE(ground.closed);
  ground.wire->to_first.stalled = false;
  ground.world.settle();
  CHECK(ground.client.heard() == ok("/1"));
  CHECK(ground.client.ended());
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.closed);
}

TEST_CASE("server connection: the keep-alive limit does not cut an answer that the client has yet to take") {
  for (const bool all_on_its_way : {false, true}) {
    CAPTURE(all_on_its_way);
    SlowGround ground;
    if (all_on_its_way) ground.wire->to_first.capacity = 2 * large;
    ground.exchange(get("/"));
    ground.world.advance(77s);
    CHECK_FALSE(ground.client.broken());
    ground.flow();
    CHECK(ground.client.heard() == ok(text_of(large)));
  }
}

TEST_CASE("server connection: a client that leaves before it has all of its answer is told of") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    SlowGround ground;
    ground.exchange(get("/"));
    reset ? ground.client.reset() : ground.client.leave();
    ground.world.settle();
    REQUIRE(ground.handed_over);
    REQUIRE_FALSE(ground.handed_over->has_value());
    CHECK(ground.handed_over->error() == base::Error{Cause::client_closed, base::Stage::response_body});
    CHECK(ground.over);
    CHECK(ground.closed);
  }
}

TEST_CASE("server connection: an answer that is given up is cut by a reset, though it was whole here") {
  SlowGround ground;
  ground.exchange(get("/"));
  ground.scope.cancel(Cause::client_timed_out);
  ground.world.settle();
  ground.wire->to_first.stalled = false;
  ground.world.settle();
  CHECK(ground.client.broken());
  CHECK_FALSE(ground.client.ended());
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
         {false, true}) {  // request and end in one delivery, or the end during the exchange
      CAPTURE(one.request);
      CAPTURE(at_once);
      Ground ground(at_once ? Ground::Application(echo_target) : [](ServerConnection&) {});
      ground.read_bodies_first = true;
      ground.finish_at_once = at_once;
      ground.client.send(one.request);
      if (!at_once) ground.world.settle();
      ground.client.finish();
      ground.world.settle();
      if (!at_once) {
        CHECK(ground.ended == 1);
        echo_target(*ground.server);
        ground.finish();
        ground.world.settle();
      }
      const std::string heard = ground.client.heard();
      if (at_once)  // it was answered before the end was seen
        CHECK(heard.substr(heard.find("\r\n\r\n")) == one.answer.substr(one.answer.find("\r\n\r\n")));
      else
        CHECK(heard == one.answer);
      CHECK(ground.client.ended());
      CHECK_FALSE(ground.client.broken());
      CHECK(ground.gone.empty());
      CHECK(ground.closed);  // nothing is left to wait for
    }
  }
}

TEST_CASE("server connection: all whole requests before the client's end are answered") {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{100'000}}) {
    Ground ground(echo_target);
    ground.wire->to_second.pieces = {piece};
    ground.client.send(get("/1") + get("/2") + get("/3"));
    ground.client.finish();
    ground.world.settle();
    const std::string heard = ground.client.heard();
    CHECK(heard.starts_with(ok("/1")));
    CHECK(heard.ends_with("/3"));
    CHECK(ground.targets == std::vector<std::string>{"/1", "/2", "/3"});
    CHECK(ground.client.ended());
    CHECK(ground.closed);
  }
}

TEST_CASE("server connection: the end in the middle of a request is a leaving, after the answers before it") {
  for (std::string_view part : {"GET /2 HT", "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
    CAPTURE(part);
    Ground ground([](ServerConnection&) {});
    ground.finish_at_once = false;
    ground.exchange(get("/1") + std::string(part));
    ground.client.finish();
    ground.world.settle();
    echo_target(*ground.server);
    ground.finish();
    ground.world.settle();
    CHECK(ground.client.heard() == ok("/1"));
    if (ground.targets.size() == 2) {  // its head was whole
      CHECK(ground.gone == std::vector<Cause>{Cause::client_closed});
      ground.finish();
      ground.world.settle();
    }
    CHECK(ground.over);
    CHECK(ground.closed);
    CHECK(ground.client.heard() == ok("/1"));
  }
}

TEST_CASE("server connection: the client's end does not cut the answer that it is taking") {
  SlowGround ground;
  ground.exchange(get("/"));
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.gone.empty());
  CHECK_FALSE(ground.over);
  ground.flow();
  CHECK(ground.client.heard() == ok(text_of(large)));
  CHECK(ground.client.ended());
  CHECK(ground.closed);
}

TEST_CASE("server connection: a reset after the client's end is a leaving") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.client.send(get("/1"));
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.gone.empty());
  ground.wire->reset = true;
  ground.world.settle();
  CHECK(ground.gone == std::vector<Cause>{Cause::client_closed});
  ground.finish();
  ground.world.settle();
  CHECK(ground.closed);
}

TEST_CASE("server connection: a refused request is answered though the client has ended its direction") {
  Ground ground(echo_target);
  ground.client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.client.heard().starts_with("HTTP/1.1 400 "));
  CHECK(ground.client.ended());
  CHECK(ground.closed);
}

TEST_CASE("server connection: a client that ends its direction without a request is let go") {
  Ground ground(echo_target);
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.client.ended());
  CHECK(ground.closed);
}

TEST_CASE("server connection: a flood behind the last request does not hide the client's end") {
  Ground ground(echo_target);
  ground.wire->to_second.capacity = 10'000'000;
  ground.client.send(get("/1", "Connection: close\r\n") + std::string(3'000'000, 'x'));
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.client.heard() == ok("/1", "Connection: close\r\n"));
  CHECK(ground.client.ended());
  CHECK(ground.closed);
}

TEST_CASE("server connection: the kernel's part of the last answer is waited for, whatever the client says") {
  for (const bool takes : {true, false}) {
    CAPTURE(takes);
    Ground ground([](ServerConnection& server) { answer(server, text_of(large)); });
    ground.wire->to_first.capacity = 2 * large;
    ground.wire->to_first.stalled = true;
    ground.wire->to_first.pieces = {8'000};
    ground.exchange(get("/", "Connection: close\r\n"));
    CHECK(ground.over);
    for (int i = 0; i < 12; ++i) {
      ground.client.send(get("/more"));
      ground.world.advance(5s);
      if (!takes) continue;
      const uint64_t before = ground.wire->to_first.delivered;
      ground.wire->to_first.stalled = false;
      while (ground.wire->to_first.delivered == before && ground.world.step()) {
      }
      ground.wire->to_first.stalled = true;
      CHECK_FALSE(ground.closed);
    }
    if (!takes) {
      ground.world.advance(10s);
      CHECK(ground.closed);
      continue;
    }
    ground.wire->to_first.stalled = false;
    ground.world.settle();
    CHECK(ground.client.heard() == ok(text_of(large), "Connection: close\r\n"));
    ground.world.advance(6s);
    CHECK(ground.closed);
  }
}

TEST_CASE("server connection: so much that came early does not hide that the client left, or ended") {
  for (const bool reset : {true, false}) {
    CAPTURE(reset);
    Ground ground([](ServerConnection&) {});
    ground.finish_at_once = false;
    ground.client.send(get("/") + std::string(200'000, 'x'));
    ground.world.settle();
    CHECK(ground.gone.empty());
    reset ? ground.client.reset() : ground.client.finish();
    ground.world.settle();
    CHECK(ground.gone.size() == (reset ? 1 : 0));
    CHECK(ground.ended == (reset ? 0 : 1));
    ground.finish();
    ground.world.settle();
  }
}

TEST_CASE("server connection: a client that has ended its direction gets no tunnel") {
  Ground ground([](ServerConnection&) {});
  ground.finish_at_once = false;
  ground.exchange(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  ground.client.finish();
  ground.world.settle();
  CHECK(ground.ended == 1);
  http::ResponseHead head;
  head.status = 101;
  CHECK(ground.server->accept_tunnel(head) == nullptr);
  ground.finish();
  ground.world.settle();
  CHECK(ground.client.heard() == "");
  CHECK(ground.closed);
}
