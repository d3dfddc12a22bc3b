// The last data that each side of a WebSocket receives when more than one event ends the socket: a Close in
// transit is not lost, and no side receives two.
#include <doctest/doctest.h>

#include <functional>

#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using namespace postern::websocket::test;
using Said = std::vector<std::string>;

namespace {

void stall(SocketFixture& socket) {
  socket.client.wire().to_first.capacity = 1000;
  socket.client.wire().to_first.stalled = true;
}
void read_on(SocketFixture& socket) {
  socket.client.wire().to_first.capacity = 1 << 20;
  socket.client.wire().to_first.stalled = false;
  socket.proxy.advance(100ms);
}

// Sends more than the client takes at the moment, and then Close.
void send_undelivered(SocketFixture& socket) {
  stall(socket);
  for (int i = 0; i < 30; ++i) socket.endpoint_sends(server_frame(text, std::string(10'000, 'x')));
  socket.endpoint_sends(server_close(4010, "done"));
}
void check_that_all_was_heard(SocketFixture& socket) {
  const Said heard = socket.client_heard();
  CHECK(heard.size() == 31);
  CHECK(heard.back() == "close 4010 done");
}

}  // namespace

TEST_CASE("undelivered data: an endpoint that says Close and breaks is heard to the end") {
  for (const char* rules : {"{ buffer: 1MiB, ping_interval: none }",
                            "{ buffer: 1MiB, ping_interval: none, slow_reader: drop_oldest }"}) {
    CAPTURE(rules);
    SocketFixture socket(rules);
    send_undelivered(socket);
    socket.endpoint().reset();
    socket.proxy.advance(5s);
    CHECK_FALSE(socket.over());
    read_on(socket);
    check_that_all_was_heard(socket);
    socket.client_sends(close_of(4010));
    socket.client.peer().leave();
    socket.proxy.advance(15s);
    REQUIRE(socket.over());
    CHECK(socket.record()["close_code"] == 4010);
    CHECK(socket.record()["by"] == "upstream");
  }
}

TEST_CASE(
    "undelivered data: a client that says Close is answered with its own code, however the endpoint goes") {
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    SocketFixture socket;
    socket.client_sends(close_of(1000, "bye"));
    reset ? socket.endpoint().reset() : socket.endpoint().leave();
    socket.proxy.settle();
    CHECK(socket.client_heard() == Said{"close 1000"});
    socket.client.peer().leave();
    socket.proxy.advance(15s);
    REQUIRE(socket.over());
    CHECK(socket.record()["close_code"] == 1000);
    CHECK(socket.record()["by"] == "client");
  }
}

TEST_CASE("undelivered data: a client that waits for its endpoint to read is heard when that is gone") {
  SocketFixture socket("{ ping_interval: none }");
  socket.endpoint().wire().to_second.capacity = 1000;
  socket.endpoint().wire().to_second.stalled = true;
  socket.client_sends(frame(binary, std::string(400'000, 'x')));
  CHECK(socket.client.wire().second_paused);
  socket.endpoint_sends(server_close(4010, "done"));
  socket.endpoint().reset();
  socket.proxy.settle();
  CHECK(socket.client_heard() == Said{"close 4010 done"});
  socket.client.peer().leave();
  socket.proxy.settle();
  CHECK(socket.over());
}

TEST_CASE("undelivered data: a shutdown, or a reload, leaves those alone that are saying goodbye") {
  for (const char* rules : {"{ buffer: 1MiB, ping_interval: none }",
                            "{ buffer: 1MiB, ping_interval: none, slow_reader: drop_oldest }"}) {
    CAPTURE(rules);
    SocketFixture socket(rules);
    send_undelivered(socket);
    socket.proxy.tunnels.leave({});
    socket.proxy.advance(5s);
    read_on(socket);
    check_that_all_was_heard(socket);
  }
  SocketFixture socket;
  socket.client_sends(close_of(1000, "bye"));
  socket.proxy.tunnels.leave({});
  socket.proxy.advance(1s);
  CHECK(socket.client_heard().empty());
  socket.endpoint_sends(server_close(1000, "bye"));
  CHECK(socket.client_heard() == Said{"close 1000 bye"});
}

TEST_CASE("undelivered data: an endpoint whose client does not answer our Close is told, too") {
  SocketFixture socket;
  socket.proxy.tunnels.leave({});
  socket.proxy.advance(1s);
  CHECK(socket.client_heard() == Said{"close 1001 the gateway is shutting down"});
  CHECK(socket.endpoint_heard().empty());
  socket.proxy.advance(10s);
  CHECK(socket.over());
  CHECK(socket.endpoint_heard() == Said{"close 1001 the gateway is shutting down"});
}

TEST_CASE("undelivered data: a client that breaks the rules after our Close is heard no further") {
  for (const std::string& bad : {frame(3, "x"), frame(text, "\xff"), frame(ping, std::string(126, 'x'))}) {
    CAPTURE(bad);
    SocketFixture socket("{ mode: inspect }");
    socket.proxy.tunnels.leave({});
    socket.proxy.advance(1s);
    socket.client_sends(frame(text, "on its way") + bad + frame(text, "later"));
    CHECK(socket.endpoint_heard() == Said{"text on its way", "close 1001 the gateway is shutting down"});
  }
}

TEST_CASE("undelivered data: who had to wait for its rate, and is told to go, ends as soon as it does") {
  SocketFixture socket("{ ping_interval: none, from_client: { rate: 1/s, on_rate: slow } }");
  socket.endpoint_sends(server_frame(text, "hello"));
  std::string many;
  for (int i = 0; i < 20; ++i) many += frame(text, "x");
  socket.client_sends(many);
  socket.endpoint().leave();
  socket.proxy.settle();
  socket.client.peer().leave();
  socket.proxy.settle();
  CHECK(socket.over());
}

TEST_CASE("undelivered data: a Close that a client did not take before it broke is none that it knows") {
  for (const char* rules : {"{ buffer: 1MiB, ping_interval: none }",
                            "{ buffer: 1MiB, ping_interval: none, slow_reader: drop_oldest }"}) {
    CAPTURE(rules);
    const auto ending = [&](const std::function<void(SocketFixture&)>& ends, bool client_breaks) {
      SocketFixture socket(rules);
      stall(socket);
      for (int i = 0; i < 30; ++i) socket.endpoint_sends(server_frame(text, std::string(10'000, 'x')));
      ends(socket);
      socket.proxy.advance(500ms);
      if (client_breaks)
        socket.client.peer().reset();
      else
        socket.proxy.tunnels.cut_all();
      socket.proxy.settle();
      REQUIRE(socket.over());
      const base::Json record = socket.record();
      CHECK(record["close_code"] == 1006);
      return std::string(record["by"]) + " " + std::string(record["cause"]);
    };
    const auto shutdown = [](SocketFixture& socket) { socket.proxy.tunnels.leave({}); };
    const auto endpoint_closes = [](SocketFixture& socket) { socket.endpoint_sends(server_close(4010)); };
    const auto endpoint_dies = [](SocketFixture& socket) { socket.endpoint().leave(); };
    for (const bool client_breaks : {true, false}) {
      CAPTURE(client_breaks);
      CHECK(ending(shutdown, client_breaks) == "gateway shutting_down");
      CHECK(ending(endpoint_closes, client_breaks) ==
            (client_breaks ? "client client_closed" : "gateway shutting_down"));
      CHECK(ending(endpoint_dies, client_breaks) == "upstream upstream_closed");
    }
  }
}
