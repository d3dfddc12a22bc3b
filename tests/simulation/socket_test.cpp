// What happens to the messages of a WebSocket, and how the socket ends: each ending has its record.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using namespace postern::websocket::test;
using Said = std::vector<std::string>;

namespace {

// Returns "by cause code reason" of the only record; the reason is the text after the code.
std::string ending(SocketFixture& socket) {
  const base::Json record = socket.record();
  const auto text = [&](const char* key) {
    return record[key].is_null() ? std::string("-") : std::string(record[key]);
  };
  return text("by") + " " + text("cause") + " " + std::to_string(int(record["close_code"])) + " " +
         text("close_reason");
}

std::string counted(SocketFixture& socket) {
  std::string all;
  for (const auto& [route, kinds] : socket.proxy.metrics.sockets.routes())
    for (const auto& [kind, count] : kinds)
      all += route + " " + std::string(base::label(kind.by)) + " " + std::to_string(kind.code) + " " +
             std::string(kind.cause.empty() ? "-" : kind.cause) + " " + std::to_string(count);
  return all;
}

}  // namespace

// --- each way to end ---

TEST_CASE("socket ending: the client says Close, the endpoint answers") {
  SocketFixture socket;
  socket.client_sends(frame(text, "one") + frame(binary, "two") + close_of(4000, "done"));
  CHECK(socket.endpoint_heard() == Said{"text one", "binary two", "close 4000 done"});
  socket.endpoint_sends(server_close(4000, "done"));
  socket.endpoint().leave();
  socket.proxy.settle();
  CHECK(socket.client_heard() == Said{"close 4000 done"});
  socket.client.peer().leave();
  socket.proxy.settle();
  REQUIRE(socket.over());
  CHECK(ending(socket) == "client - 4000 done");
  CHECK(socket.record()["messages_to_upstream"] == 2);
  CHECK(socket.record()["messages_to_client"] == 0);
  CHECK(counted(socket) == "all client 4000 - 1");
}

TEST_CASE("socket ending: its maximum age, with a code to come back from") {
  SocketFixture socket("{ ping_interval: none, max_age: 10m }");
  for (int minute = 0; minute < 10; ++minute) {
    CHECK(socket.client_heard().empty());
    socket.client_sends(frame(text, "busy"));
    socket.proxy.advance(1min);
  }
  socket.proxy.advance(100ms);  // a timer fires within one tick after its time
  CHECK(socket.client_heard() == Said{"close 1012 max_age_reached"});
  socket.client_sends(close_of(1012, ""));
  socket.client.peer().leave();
  socket.proxy.advance(5s);
  REQUIRE(socket.over());
  CHECK(ending(socket) == "gateway max_age_reached 1012 max_age_reached");
}

TEST_CASE("socket ending: the endpoint says Close") {
  SocketFixture socket;
  socket.endpoint_sends(server_frame(text, "hello") + server_close(1012, "restart"));
  socket.client_sends(close_of(1012));
  socket.endpoint().leave();
  socket.client.peer().leave();
  socket.proxy.settle();
  CHECK(ending(socket) == "upstream - 1012 restart");
  CHECK(socket.record()["messages_to_client"] == 1);
}

TEST_CASE("socket ending: a Close that is not answered is given up after ten seconds") {
  SocketFixture socket;
  socket.client_sends(close_of(1000));
  socket.proxy.advance(9s);
  CHECK_FALSE(socket.over());
  socket.proxy.advance(2s);
  REQUIRE(socket.over());
  CHECK(ending(socket) == "client - 1000 -");
}

TEST_CASE("socket ending: a reason is shown as it is, whatever bytes it has") {
  SocketFixture socket;
  socket.client_sends(close_of(4000, "\xff\"\n\x1b[2J"));
  socket.endpoint().leave();
  socket.client.peer().leave();
  socket.proxy.advance(11s);
  REQUIRE(socket.over());
  CHECK(std::string(socket.record()["close_reason"]).find("[2J") != std::string::npos);
  CHECK(socket.proxy.log.text().find('\x1b') == std::string::npos);
}

TEST_CASE("socket ending: a Close code that no peer may send becomes an end that the other side can read") {
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000}) {
    CAPTURE(code);
    const auto bad = static_cast<uint16_t>(code);
    const std::string said = "close code " + std::to_string(code) + " is not allowed in a Close frame";
    SocketFixture socket;  // frames pass unchanged
    socket.endpoint_sends(server_frame(text, "bye") + server_close(bad));
    CHECK(socket.client_heard() == Said{"text bye", code == 1005 ? "close 1005" : "close 1014 " + said});
    CHECK(socket.endpoint_heard() == Said{"close 1002 " + said});
    socket.endpoint().leave();
    socket.client.peer().leave();
    socket.proxy.advance(3s);
    REQUIRE(socket.over());
    CHECK(socket.record()["by"] == "upstream");
    CHECK(socket.record()["cause"] == "upstream_frame_invalid");
    CHECK(socket.record()["close_code"] == (code == 1005 ? 1005 : 1014));
    CHECK(socket.record()["close_reason"] == said);
    CHECK(socket.record()["rule"] == "close_code");

    SocketFixture other;
    other.client_sends(frame(text, "bye") + close_of(bad));
    const Said heard = other.endpoint_heard();
    REQUIRE(heard.size() == 2);
    CHECK(heard.front() == "text bye");
    CHECK(heard.back().starts_with(code == 1005 ? "close 1005" : "close 1001"));
    CHECK(other.client_heard() == Said{"close 1002 " + said});
  }
}

TEST_CASE("socket ending: the client leaves without a word, or breaks") {
  for (const bool reset : {false, true}) {
    SocketFixture socket;
    reset ? socket.client.peer().reset() : socket.client.peer().leave();
    socket.proxy.settle();
    socket.endpoint().leave();
    socket.proxy.settle();
    REQUIRE(socket.over());
    CHECK(ending(socket) == "client client_closed 1006 -");
    CHECK(counted(socket) == "all client 1006 client_closed 1");
  }
}

TEST_CASE("socket ending: the endpoint leaves without a word, or breaks: the client is told 1014") {
  for (const bool reset : {false, true}) {
    SocketFixture socket;
    reset ? socket.endpoint().reset() : socket.endpoint().leave();
    socket.proxy.settle();
    const std::string reason =
        reset ? "the upstream broke the connection" : "the upstream closed the connection";
    CHECK(socket.client_heard() == Said{"close 1014 " + reason});
    socket.client.peer().leave();
    socket.proxy.advance(2s);
    REQUIRE(socket.over());
    CHECK(ending(socket) == "upstream upstream_closed 1014 " + reason);
  }
}

TEST_CASE("socket ending: what breaks after a Close changes nothing in how it ended") {
  SocketFixture socket;
  socket.endpoint_sends(server_frame(text, "bye") + server_close(4000));
  socket.endpoint().reset();
  socket.proxy.settle();
  CHECK(socket.client_heard() == Said{"text bye", "close 4000"});
  socket.client.peer().leave();
  socket.proxy.settle();
  REQUIRE(socket.over());
  CHECK(ending(socket) == "upstream - 4000 -");

  SocketFixture left;  // ended by its client: an endpoint that answers with a reset has not failed
  left.client_sends(close_of(1000));
  left.endpoint().reset();
  left.proxy.settle();
  CHECK(left.client_heard() == Said{"close 1000"});
  left.client.peer().leave();
  left.proxy.settle();
  REQUIRE(left.over());
  CHECK(ending(left) == "client - 1000 -");

  // Data that waits for a slow reader is delivered.
  SocketFixture slow("{ slow_reader: drop_oldest, buffer: 256KiB }");
  slow.client.wire().to_first.capacity = 1;
  slow.client.wire().to_first.stalled = true;
  for (int i = 0; i < 10; ++i) slow.endpoint_sends(server_frame(text, std::string(20'000, 'x')));
  slow.endpoint_sends(server_close(1012, "restart"));
  slow.endpoint().reset();
  slow.proxy.settle();
  slow.client.wire().to_first.capacity = 1 << 20;
  slow.client.wire().to_first.stalled = false;
  slow.proxy.settle();
  slow.proxy.advance(1s);
  const Said heard = slow.client_heard();
  CHECK(heard.size() == 11);
  CHECK(heard.back() == "close 1012 restart");
}

TEST_CASE("socket ending: an endpoint that dies in the middle of a frame cannot be spoken over") {
  SocketFixture socket;
  socket.endpoint_sends(server_frame(binary, std::string(100, 'x')).substr(0, 50));
  socket.endpoint().reset();
  socket.proxy.settle();
  CHECK(socket.client_heard() == Said{"half a frame"});
  CHECK(socket.client.over());
}

TEST_CASE("socket ending: a client that answers no ping is found, and the endpoint told") {
  SocketFixture socket("{ ping_interval: 25s, pong_timeout: 20s }");
  socket.proxy.advance(24s);
  CHECK(socket.client_heard().empty());
  socket.proxy.advance(2s);
  CHECK(socket.client_heard() == Said{"ping postern"});
  CHECK(socket.endpoint_heard() == Said{"ping postern"});
  socket.endpoint_sends(server_frame(pong, "postern"));
  socket.proxy.advance(18s);
  CHECK_FALSE(socket.over());
  socket.proxy.advance(3s);
  CHECK(socket.endpoint_heard() == Said{"close 1011 no answer to a ping"});
  CHECK(socket.client_heard().empty());  // the endpoint's pong was for the gateway
  socket.proxy.advance(3s);
  REQUIRE(socket.over());
  CHECK(ending(socket) == "client client_silent 1006 no answer to a ping");
  CHECK(socket.record()["client_quiet_ms"] > 45'000);
  CHECK(socket.client.peer().broken());
}

TEST_CASE("socket ending: an endpoint that answers no ping is found, and the client told") {
  SocketFixture socket;
  socket.proxy.advance(26s);
  socket.client_sends(frame(pong, "postern"));
  socket.proxy.advance(21s);
  CHECK(socket.client_heard() == Said{"ping postern", "close 1011 no answer to a ping"});
  socket.client.peer().leave();
  socket.proxy.advance(3s);
  CHECK(ending(socket) == "upstream upstream_silent 1011 no answer to a ping");
}

TEST_CASE(
    "socket ending: sides that answer pings live for as long as they do, and no longer than idle_timeout "
    "without") {
  SocketFixture socket;
  for (int i = 0; i < 200; ++i) {  // more than the hour of tunnel_idle_timeout
    socket.proxy.advance(26s);
    socket.client_sends(frame(pong, "postern"));
    socket.endpoint_sends(server_frame(pong, "postern"));
  }
  CHECK_FALSE(socket.over());
  SocketFixture deaf("{ ping_interval: none }");
  deaf.proxy.advance(59min);
  CHECK_FALSE(deaf.over());
  deaf.proxy.advance(2min);
  CHECK(deaf.client_heard() == Said{"close 1001 nothing moved for too long"});
  CHECK(ending(deaf) == "gateway timed_out 1001 nothing moved for too long");
}

TEST_CASE(
    "socket ending: a shutdown says 1001, a reload 1012, and what the client sent before it heard so "
    "arrives") {
  SocketFixture socket;
  socket.proxy.adopt(SocketFixture::yaml("{ ping_interval: 30s }", ""));
  socket.proxy.advance(20ms);
  CHECK(socket.client_heard() == Said{"close 1012 the gateway has a new configuration"});
  socket.client_sends(frame(text, "on its way") + close_of(1012));
  CHECK(socket.endpoint_heard() == Said{"text on its way", "close 1012"});
  socket.client.peer().leave();
  socket.proxy.advance(3s);
  CHECK(ending(socket) == "gateway route_changed 1012 the gateway has a new configuration");
  SocketFixture other("{ close_codes: { shutdown: 4999 } }");
  other.proxy.tunnels.leave({});
  other.proxy.advance(200ms);
  CHECK(other.client_heard() == Said{"close 4999 the gateway is shutting down"});
  other.client.peer().leave();
  other.proxy.advance(3s);
  CHECK(other.endpoint_heard() == Said{"close 1001 the gateway is shutting down"});
  CHECK(ending(other) == "gateway shutting_down 4999 the gateway is shutting down");
}

TEST_CASE("socket ending: a Close of ours waits for the rest of a frame, and nothing passes after it") {
  SocketFixture socket("{ ping_interval: none }");
  const std::string message = server_frame(binary, std::string(100, 'x'));
  socket.endpoint_sends(message.substr(0, 60));
  socket.proxy.tunnels.leave({});
  socket.proxy.advance(200ms);
  socket.endpoint_sends(message.substr(60) + server_frame(text, "too late"));
  CHECK(socket.client_heard() ==
        Said{"binary " + std::string(100, 'x'), "close 1001 the gateway is shutting down"});
}

// --- framing is checked ---

TEST_CASE(
    "socket: frames that break the rules end it, the guilty side is told the code, the other a clean Close") {
  const std::map<std::string, std::string> bad = {
      {frame(text, "x", {.masked = false}), "1002 masking"},
      {frame(text, "x", {.reserved = 1}), "1002 reserved_bits"},
      {frame(3, "x"), "1002 opcode"},
      {frame(ping, std::string(126, 'x')), "1002 control_frame"},
      {frame(goodbye, "", {.last = false}), "1002 control_frame"},
      {frame(continuation, "x"), "1002 fragments"},
      {frame(text, "a", {.last = false}) + frame(text, "b"), "1002 fragments"},
      {close_of(1006), "1002 close_code"},
      {close_of(2999), "1002 close_code"},
      {frame(goodbye, "\x03"), "1002 close_code"},
      {close_of(1000, "\xff"), "1007 close_reason"},
      {std::string("\x82\xfe\x00\x05\x00\x00\x00\x00", 8), "1002 length"},
  };
  for (const auto& [bytes, fault] : bad) {
    const std::string shown(fault);  // clang 14 does not allow a lambda to capture a structured binding
    CAPTURE(shown);
    SocketFixture socket("{ mode: walk }");
    socket.client_sends(frame(text, "fine") + bytes);
    CHECK(socket.client_heard() == Said{"close " + fault});
    const Said heard = socket.endpoint_heard();
    CHECK(heard.front() == "text fine");
    CHECK(heard.back() == "close 1001 " + fault.substr(5));
    socket.endpoint().leave();
    socket.client.peer().leave();
    socket.proxy.settle();
    REQUIRE(socket.over());
    CHECK(ending(socket) == "client client_frame_invalid " + fault);
    CHECK(socket.record()["rule"] == fault.substr(5));
  }
}

TEST_CASE("socket: an endpoint that breaks the rules is told so, and the client 1014") {
  for (const char* mode : {"{ mode: walk }", "{ mode: inspect }"}) {
    SocketFixture socket(mode);
    socket.endpoint_sends(server_frame(text, "fine") + frame(text, "masked"));
    CHECK(socket.client_heard() == Said{"text fine", "close 1014 masking"});
    CHECK(socket.endpoint_heard() == Said{"close 1002 masking"});
    socket.client.peer().leave();
    socket.endpoint().leave();
    socket.proxy.settle();
    CHECK(ending(socket) == "upstream upstream_frame_invalid 1014 masking");
  }
}

TEST_CASE("socket: a tunnel passes on what it does not police") {
  SocketFixture socket;
  const std::string odd =
      frame(3, "x", {.masked = false, .reserved = 7}) + frame(text, "\xff") + frame(continuation, "y");
  socket.client_sends(odd);
  CHECK(socket.endpoint().take_unread() == odd);
}

TEST_CASE("socket: text that is not UTF-8 is 1007 where messages are read, and only there") {
  SocketFixture inspected("{ mode: inspect }");
  inspected.client_sends(frame(text, "\xc3\x28"));
  CHECK(inspected.client_heard() == Said{"close 1007 utf8"});
  SocketFixture walked("{ mode: walk }");
  walked.client_sends(frame(text, "\xc3\x28"));
  CHECK(walked.endpoint_heard() == Said{"text \xc3\x28"});
}

// --- limits and rules ---

TEST_CASE(
    "socket: message_size counts a message over its fragments, either way, and by default where frames are "
    "read") {
  SocketFixture socket("{ from_client: { message_size: 10 } }");
  socket.client_sends(frame(text, "0123456789"));
  socket.client_sends(frame(text, "01234", {.last = false}) + frame(continuation, "56789", {.last = false}));
  CHECK(socket.client_heard().empty());
  socket.client_sends(frame(continuation, "x"));
  CHECK(socket.client_heard() == Said{"close 1009 from_client.message_size"});
  socket.client.peer().leave();
  socket.endpoint().leave();
  socket.proxy.settle();
  CHECK(ending(socket) == "client client_message_refused 1009 from_client.message_size");

  SocketFixture usual("{ mode: walk }");
  usual.client_sends(frame(binary, std::string(1024 * 1024 + 1, 'x')).substr(0, 20));  // its header is enough
  CHECK(usual.client_heard() == Said{"close 1009 from_client.message_size"});

  SocketFixture other("{ from_upstream: { message_size: 4 } }");
  other.endpoint_sends(server_frame(text, "12345"));
  CHECK(other.client_heard() == Said{"close 1014 from_upstream.message_size"});
  CHECK(other.endpoint_heard() == Said{"close 1009 from_upstream.message_size"});
}

TEST_CASE("socket: kinds of messages, none at all, and the number of fragments") {
  SocketFixture text_only("{ from_client: { messages: text } }");
  text_only.client_sends(frame(text, "a") + frame(binary, "b"));
  CHECK(text_only.client_heard() == Said{"close 1003 from_client.messages"});
  CHECK(text_only.endpoint_heard().front() == "text a");
  SocketFixture binary_only("{ from_client: { messages: binary } }");
  binary_only.client_sends(frame(text, "a"));
  CHECK(binary_only.client_heard() == Said{"close 1003 from_client.messages"});
  SocketFixture silent("{ from_client: { messages: none } }");
  silent.client_sends(frame(ping, "fine"));
  silent.client_sends(frame(text, "a"));
  CHECK(silent.client_heard() == Said{"close 1008 from_client.messages"});
  CHECK(silent.endpoint_heard().front() == "ping fine");
  SocketFixture fragments("{ from_client: { fragments: 2 }, close_codes: { violation: 4008 } }");
  fragments.client_sends(frame(text, "a", {.last = false}) + frame(continuation, "b"));
  fragments.client_sends(frame(text, "a", {.last = false}) + frame(continuation, "b", {.last = false}));
  CHECK(fragments.client_heard().empty());
  fragments.client_sends(frame(continuation, "c"));
  CHECK(fragments.client_heard() == Said{"close 4008 from_client.fragments"});
}

TEST_CASE("socket: a rate of messages closes, drops or slows, and its burst comes back with time") {
  const std::string three = frame(text, "1") + frame(text, "2") + frame(text, "3");
  SocketFixture closing("{ from_client: { rate: 2/s } }");
  closing.client_sends(three);
  CHECK(closing.client_heard() == Said{"close 1013 from_client.rate"});
  SocketFixture dropping("{ from_client: { rate: 2/s, on_rate: drop } }");
  dropping.client_sends(three);
  CHECK(dropping.endpoint_heard() == Said{"text 1", "text 2"});
  dropping.proxy.advance(500ms);
  dropping.client_sends(three);
  CHECK(dropping.endpoint_heard() == Said{"text 1"});
  CHECK(dropping.client_heard().empty());
  SocketFixture slowing("{ from_client: { rate: 2/s, on_rate: slow } }");
  slowing.client_sends(three + frame(text, "4") + frame(ping, "here") + frame(text, "5"));
  // Although everything came in one piece.
  CHECK(slowing.endpoint_heard() == Said{"text 1", "text 2", "text 3"});
  slowing.client_sends(frame(text, "6"));
  CHECK(slowing.endpoint_heard().empty());
  slowing.proxy.advance(550ms);
  CHECK(slowing.endpoint_heard() == Said{"text 4", "ping here"});
  slowing.proxy.advance(500ms);
  CHECK(slowing.endpoint_heard() == Said{"text 5"});
  slowing.proxy.advance(500ms);
  CHECK(slowing.endpoint_heard() == Said{"text 6"});
}

TEST_CASE("socket: a rate of bytes counts frames with their headers") {
  SocketFixture socket("{ from_client: { byte_rate: 10B/s, byte_burst: 20B } }");
  socket.client_sends(frame(binary, std::string(14, 'x')));
  socket.proxy.advance(1s);
  socket.client_sends(frame(binary, std::string(4, 'x')));
  CHECK(socket.client_heard().empty());
  socket.client_sends(frame(binary, ""));
  CHECK(socket.client_heard() == Said{"close 1013 from_client.byte_rate"});

  SocketFixture empty("{ from_client: { rate: 1/s, byte_rate: 1KiB/s } }");
  std::string frames = frame(text, "", {.last = false});
  for (int i = 0; i < 200; ++i) frames += frame(continuation, "", {.last = false});
  empty.client_sends(frames);
  CHECK(empty.client_heard() == Said{"close 1013 from_client.byte_rate"});
}

TEST_CASE("socket: control frames count as bytes, but for what is the gateway's, and a Close") {
  std::string pings;
  for (int i = 0; i < 100; ++i) pings += frame(ping, std::string(118, 'p'));  // 124 bytes each
  SocketFixture closing("{ from_client: { rate: 1/s, byte_rate: 1KiB/s } }");
  closing.client_sends(pings);
  CHECK(closing.client_heard() == Said{"close 1013 from_client.byte_rate"});
  CHECK(closing.endpoint_heard().size() == 9);  // eight, and the Close

  // What has arrived passes, and the next frames pay for it.
  SocketFixture slowing("{ ping_interval: none, from_client: { byte_rate: 1KiB/s, on_rate: slow } }");
  slowing.client_sends(pings);
  CHECK(slowing.endpoint_heard().size() == 100);
  slowing.client_sends(pings + frame(text, "late"));
  slowing.proxy.advance(11s);
  CHECK(slowing.endpoint_heard().empty());
  slowing.proxy.advance(1s);
  CHECK(slowing.endpoint_heard().size() == 100);
  slowing.proxy.advance(11s);
  CHECK(slowing.endpoint_heard().empty());
  slowing.proxy.advance(1s);
  CHECK(slowing.endpoint_heard() == Said{"text late"});

  SocketFixture answering(
      "{ ping_interval: 1s, pong_timeout: 1s, from_client: { byte_rate: 1B/s, byte_burst: 10B } }");
  for (int i = 0; i < 20; ++i) {
    answering.proxy.advance(1100ms);
    answering.client_sends(frame(pong, "postern"));
    answering.endpoint_sends(server_frame(pong, "postern"));
  }
  const Said heard = answering.client_heard();
  CHECK(heard.size() > 5);
  CHECK(heard.back() == "ping postern");
  answering.client_sends(close_of(1000, "longer than the rate has it"));
  CHECK(answering.endpoint_heard().back() == "close 1000 longer than the rate has it");
}

TEST_CASE("socket: a compressed message that is read costs what it becomes") {
  constexpr std::string_view offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  websocket::Deflate deflate;
  const std::string payload(deflate.compress(std::string(100 * 1024, 'x')));
  REQUIRE(payload.size() < 1000);
  const std::string large = frame(text, payload.substr(0, 10), {.last = false, .reserved = 4}) +
                            frame(continuation, payload.substr(10));
  const std::string limit = "rate_limits: { upload: { rate: 10/s, by: client_address } }";
  for (const auto& [rule, name] :
       {std::pair<std::string, std::string>{"from_client: { byte_rate: 10KiB/s", "from_client.byte_rate"},
        {"byte_limit: upload, from_client: { first_passes: false", "byte_limit: upload"}}) {
    const auto& the_rule = rule;
    CAPTURE(the_rule);
    SocketFixture closing("{ mode: inspect, " + rule + " } }", offer, "", limit);
    closing.client_sends(large);
    CHECK(closing.client_heard() == Said{"close 1013 " + name});
    CHECK(closing.endpoint_heard().size() == 1);
    SocketFixture dropping("{ mode: inspect, " + rule + ", on_rate: drop } }", offer, "", limit);
    dropping.client_sends(large + frame(text, "small"));
    CHECK(dropping.endpoint_heard() == Said{"text small"});
    CHECK(dropping.proxy.metrics.process[telemetry::Count::messages_dropped] == 1);
    SocketFixture slowing("{ ping_interval: none, mode: inspect, " + rule + ", on_rate: slow } }", offer, "",
                          limit);
    slowing.client_sends(large + frame(text, std::string(1100, 'y')));
    CHECK(slowing.endpoint_heard().size() == 1);
    slowing.proxy.advance(8900ms);
    CHECK(slowing.endpoint_heard().empty());
    slowing.proxy.advance(500ms);
    CHECK(slowing.endpoint_heard() == Said{"text " + std::string(1100, 'y')});
  }
}

TEST_CASE("socket: a message that is kept until it is whole has a time limit, whoever sends it") {
  const std::string half = frame(text, "half", {.last = false});
  for (const char* ping : {"none", "5s"}) {
    CAPTURE(ping);
    SocketFixture socket("{ mode: inspect, ping_interval: " + std::string(ping) + " }");
    const auto wait = [&](int seconds) {
      for (int i = 0; i < seconds; ++i) {
        socket.proxy.advance(1s);
        socket.client_sends(frame(pong, "postern"));
        socket.endpoint_sends(server_frame(pong, "postern"));
      }
    };
    for (int i = 0; i < 3; ++i) {  // in time
      socket.client_sends(half);
      wait(50);
      socket.client_sends(frame(continuation, "done"));
    }
    CHECK_FALSE(socket.over());
    wait(120);  // between messages
    socket.client_heard();
    socket.client_sends(half);
    wait(50);
    socket.client_sends(frame(continuation, "more", {.last = false}));
    wait(11);
    CHECK(socket.client_heard().back() == "close 1001 from_client.message_timeout");
    socket.client.peer().leave();
    socket.proxy.advance(3s);
    CHECK(ending(socket) == "client client_message_refused 1001 from_client.message_timeout");
  }
  SocketFixture both(
      "{ mode: inspect, from_client: { message_timeout: none }, from_upstream: { message_timeout: 5s } }");
  both.client_sends(half);
  both.proxy.advance(20s);
  both.endpoint_sends(frame(text, "half", {.last = false, .masked = false}));
  both.proxy.advance(6s);
  CHECK(both.endpoint_heard().back() == "close 1001 from_upstream.message_timeout");

  // Where messages are not read, none is kept; and a side that is paused by a rate is not slow.
  SocketFixture walked("{ mode: walk, ping_interval: none }");
  walked.client_sends(half);
  walked.proxy.advance(10min);
  CHECK_FALSE(walked.over());
  SocketFixture slowed(
      "{ mode: inspect, ping_interval: none, from_client: { byte_rate: 1KiB/s, on_rate: slow, "
      "message_timeout: 5s } }");
  slowed.client_sends(frame(text, std::string(60 * 1024, 'x'), {.last = false}) + frame(continuation, "end"));
  slowed.proxy.advance(2min);
  CHECK_FALSE(slowed.over());
  CHECK(slowed.endpoint_heard().front().starts_with("text x"));
}

TEST_CASE("socket: only listed types pass, by a field of their JSON; what cannot be read does not") {
  SocketFixture socket("{ from_upstream: { types: [queue_update] } }");
  const std::string update = R"({"type":"queue_update","data":[1,2]})";
  for (const std::string_view other :
       {R"({"type":"adw_update"})", R"({"type":"adw_update","type":"queue_update"})", "no json",
        R"({"data":1})", R"({"type":["queue_update"]})", R"([{"type":"queue_update"}])"})
    socket.endpoint_sends(server_frame(text, other));
  socket.endpoint_sends(server_frame(binary, update));
  CHECK(socket.client_heard().empty());
  socket.endpoint_sends(server_frame(text, update) + server_frame(text, R"({"type":"queue\u005fupdate"})"));
  CHECK(socket.client_heard() == Said{"text " + update, R"(text {"type":"queue\u005fupdate"})"});
  socket.client_sends(frame(text, "what clients say is not looked at"));
  CHECK(socket.endpoint_heard().size() == 1);

  SocketFixture first("{ from_upstream: { types: [b], type_field: /data/kind, first_passes: true } }");
  first.endpoint_sends(server_frame(text, R"({"hello":1})") + server_frame(text, R"({"hello":2})") +
                       server_frame(text, R"({"data":{"kind":"b"}})"));
  CHECK(first.client_heard() == Said{R"(text {"hello":1})", R"(text {"data":{"kind":"b"}})"});

  SocketFixture closing("{ from_client: { types: [a], on_type: close } }");
  closing.client_sends(frame(text, R"({"type":"b"})"));
  CHECK(closing.client_heard() == Said{"close 1008 from_client.types"});
}

TEST_CASE("socket: a rate drops a message in its middle, too, where none of it has passed") {
  const std::string rules = "from_client: { byte_rate: 1KiB/s, on_rate: drop } }";
  const std::string messages = frame(text, "kept") + frame(text, "one", {.last = false}) +
                               frame(continuation, std::string(2000, 'x'), {.last = false}) +
                               frame(ping, "p") + frame(continuation, "") + frame(text, "next");
  SocketFixture inspected("{ mode: inspect, " + rules);
  inspected.client_sends(messages);
  CHECK(inspected.endpoint_heard() == Said{"text kept", "ping p", "text next"});
  inspected.client.peer().leave();
  inspected.endpoint().leave();
  inspected.proxy.advance(3s);
  CHECK(inspected.record()["messages_dropped"] == 1);
  CHECK(inspected.record()["messages_to_upstream"] == 2);

  SocketFixture walked("{ mode: walk, " + rules);
  walked.client_sends(messages);
  CHECK(walked.client_heard() == Said{"close 1013 from_client.byte_rate"});
}

TEST_CASE("socket: who waits for a rate goes on in time, also when the other side is heard just then") {
  SocketFixture socket(
      "{ from_client: { rate: 1/s, burst: 1, on_rate: slow }, "
      "from_upstream: { rate: 1/s, burst: 1, on_rate: slow } }");
  socket.client_sends(frame(text, "one") + frame(text, "two") + frame(text, "three"));
  CHECK(socket.endpoint_heard() == Said{"text one", "text two"});
  socket.proxy.turns.turn.now += 1s;  // bytes are delivered before the timers of the same turn
  socket.endpoint_sends(server_frame(text, "1") + server_frame(text, "2") + server_frame(text, "3"));
  CHECK(socket.client_heard() == Said{"text 1", "text 2"});
  socket.proxy.advance(1100ms);
  CHECK(socket.endpoint_heard() == Said{"text three"});
  CHECK(socket.client_heard() == Said{"text 3"});
}

TEST_CASE(
    "socket ending: a side that has said Close hears its own code, whatever else ends the socket then") {
  const std::string text_only = "{ from_upstream: { messages: text } }";
  SocketFixture socket(text_only);
  socket.client_sends(close_of(4321, "done"));
  socket.endpoint_sends(server_frame(binary, "against the rules"));
  socket.proxy.settle();
  CHECK(socket.client_heard() == Said{"close 4321"});
  socket.client.peer().leave();
  socket.proxy.advance(3s);
  CHECK(ending(socket) == "client - 4321 done");

  SocketFixture without_code(text_only);
  without_code.client_sends(frame(goodbye, ""));
  without_code.endpoint_sends(server_frame(binary, "against the rules"));
  without_code.proxy.settle();
  CHECK(without_code.client_heard() == Said{"close 1005"});
}

TEST_CASE("socket: inspected messages go on whole, masked anew, in any cut") {
  for (const size_t piece : {1u, 3u, 1000u}) {
    SocketFixture socket("{ mode: inspect }");
    socket.client.wire().to_second.pieces = {piece};
    socket.client_sends(frame(text, "gr\xc3", {.last = false}) + frame(ping, "p") +
                        frame(continuation, "\xbc\xc3\x9f") + frame(binary, std::string(70'000, 'x')));
    CHECK(socket.endpoint_heard() == Said{"ping p", "text grüß", "binary " + std::string(70'000, 'x')});
    socket.endpoint_sends(server_frame(text, "back"));
    CHECK(socket.client_heard() == Said{"text back"});
  }
}

TEST_CASE("socket: compression ends at the gateway where messages are read, and passes where they are not") {
  constexpr std::string_view offer =
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
  SocketFixture inspected("{ mode: inspect }", offer);
  CHECK(inspected.handshake.field("Sec-WebSocket-Extensions") ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  CHECK_FALSE(inspected.endpoint().requests.at(0).has("Sec-WebSocket-Extensions"));
  inspected.client_sends(frame(text, std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x00", 7), {.reserved = 4}));
  CHECK(inspected.endpoint_heard() == Said{"text Hello"});
  inspected.endpoint_sends(server_frame(text, "small") + server_frame(text, std::string(1000, 'x')));
  const Said heard = inspected.client_heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[0] == "text small");
  CHECK(heard[1].starts_with("textz "));
  CHECK(heard[1].size() < 100);

  SocketFixture in_two("{ mode: inspect }", "Sec-WebSocket-Extensions: x-other\r\n" + std::string(offer));
  CHECK(in_two.handshake.field("Sec-WebSocket-Extensions") ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");

  SocketFixture plain("{ mode: inspect, compression: false }", offer);
  CHECK_FALSE(plain.handshake.has("Sec-WebSocket-Extensions"));

  SocketFixture walked("{ mode: walk }", offer, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  CHECK(walked.handshake.field("Sec-WebSocket-Extensions") == "permessage-deflate");
  walked.client_sends(frame(text, "opaque", {.reserved = 4}));
  CHECK(walked.endpoint_heard() == Said{"textz opaque"});
  SocketFixture counted("{ from_client: { byte_rate: 1MiB/s } }", offer);
  CHECK_FALSE(counted.endpoint().requests.at(0).has("Sec-WebSocket-Extensions"));
  CHECK_FALSE(counted.handshake.has("Sec-WebSocket-Extensions"));
  SocketFixture unasked("{ mode: walk }");
  unasked.client_sends(frame(text, "opaque", {.reserved = 4}));
  CHECK(unasked.client_heard() == Said{"close 1002 reserved_bits"});
}

// --- slow readers ---

TEST_CASE("socket: a client that does not read makes its endpoint wait, within the buffer") {
  SocketFixture socket("{ buffer: 64KiB, ping_interval: none }");
  socket.client.wire().to_first.stalled = true;
  for (int i = 0; i < 100; ++i) socket.endpoint_sends(server_frame(binary, std::string(10'000, 'x')));
  CHECK(socket.endpoint().wire().first_paused);
  socket.client.wire().to_first.stalled = false;
  socket.proxy.settle();
  socket.proxy.advance(1s);
  CHECK(socket.client_heard().size() == 100);
}

TEST_CASE("socket: or its oldest messages make room, or those of the same kind, or it is closed") {
  const auto update = [](int i) {
    return R"({"type":")" + std::string(i % 2 ? "odd" : "even") + R"(","n":)" + std::to_string(i) +
           R"(,"pad":")" + std::string(10'000, 'x') + "\"}";
  };
  for (const char* policy : {"drop_oldest", "keep_latest", "close"}) {
    CAPTURE(policy);
    SocketFixture socket("{ buffer: 100KiB, ping_interval: none, slow_reader: " + std::string(policy) + " }");
    socket.client.wire().to_first.capacity = 1;
    socket.client.wire().to_first.stalled = true;
    for (int i = 0; i < 100; ++i) socket.endpoint_sends(server_frame(text, update(i)));
    socket.client.wire().to_first.capacity = 1 << 20;
    socket.client.wire().to_first.stalled = false;
    socket.proxy.settle();
    socket.proxy.advance(1s);
    const Said heard = socket.client_heard();
    if (policy == std::string_view("close")) {
      CHECK(heard.back() == "close 1013 slow_reader");
      socket.client.peer().leave();
      socket.proxy.advance(3s);
      CHECK(ending(socket) == "client client_not_reading 1013 slow_reader");
      continue;
    }
    CHECK_FALSE(socket.endpoint().wire().first_paused);
    CHECK(heard.size() < 30);
    CHECK(heard.back() == "text " + update(99));
    const size_t newest = policy == std::string_view("drop_oldest") ? 9 : 2;  // of 100 KiB each; of two kinds
    for (size_t i = 0; i < newest; ++i)
      CHECK(heard[heard.size() - 1 - i] == "text " + update(99 - static_cast<int>(i)));
    CHECK(socket.proxy.metrics.process[telemetry::Count::messages_dropped] > 50);
  }
}

TEST_CASE("socket: a small buffer is no place where a reader gets stuck") {
  for (const char* mode : {"tunnel", "inspect"}) {
    CAPTURE(mode);
    SocketFixture socket("{ buffer: 1KiB, ping_interval: none, mode: " + std::string(mode) + " }");
    Passage& to_client = socket.client.wire().to_first;
    to_client.capacity = 1000;
    for (int i = 0; i < 100; ++i) {
      to_client.stalled = true;
      for (int k = 0; k < 3; ++k) socket.endpoint_sends(server_frame(binary, std::string(4'000, 'x')));
      to_client.stalled = false;
      socket.proxy.settle();
    }
    socket.proxy.advance(1s);
    CHECK(socket.client_heard().size() == 300);
  }
}

TEST_CASE("socket: messages that grow when they are expanded wait in their compressed form") {
  websocket::Deflate deflate;
  const std::string zeros(256 * 1024, '\0');
  const std::string bomb = frame(binary, deflate.compress(zeros), {.reserved = 4});
  REQUIRE(bomb.size() < 2'000);
  SocketFixture socket("{ mode: inspect, ping_interval: none }",
                       "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  socket.endpoint().wire().to_second.stalled = true;
  const auto passed = [&] {
    return socket.proxy.metrics.process[telemetry::Count::tunnel_bytes_from_clients];
  };
  std::string many;
  constexpr size_t count = 200;
  for (size_t i = 0; i < count; ++i) many += bomb;
  socket.client_sends(many);
  CHECK(passed() < 4 * zeros.size());  // 256 KiB are in transit, and the next message is too much
  CHECK(socket.client.wire().second_paused);
  socket.endpoint().wire().to_second.stalled = false;
  for (int i = 0; i < 200; ++i) socket.proxy.settle();
  CHECK(socket.endpoint_heard() == Said(count, "binary " + zeros));
}

TEST_CASE("socket: who floods pings and does not read the answers fills no queue") {
  for (const char* policy : {"drop_oldest", "keep_latest", "close"}) {
    CAPTURE(policy);
    SocketFixture socket("{ buffer: 100KiB, ping_interval: none, heartbeat: { interval: 1s }, slow_reader: " +
                         std::string(policy) + " }");
    Passage& to_client = socket.client.wire().to_first;
    to_client.capacity = 1;
    to_client.stalled = true;
    for (int i = 0; i < 20; ++i) socket.endpoint_sends(server_frame(binary, std::string(8'000, 'x')));
    for (int i = 0; i < 2'000; ++i)
      socket.endpoint_sends(server_frame(pong, std::to_string(i) + std::string(100, 'x')));
    socket.proxy.advance(100s);  // the time of as many heartbeats
    to_client.capacity = 1 << 20;
    to_client.stalled = false;
    socket.proxy.settle();
    socket.proxy.settle();
    const Said heard = socket.client_heard();
    CHECK(heard.size() == 21);
    CHECK(heard.back() == "pong 1999" + std::string(100, 'x'));
    CHECK(socket.proxy.metrics.process[telemetry::Count::messages_dropped] == 0);
  }
}

TEST_CASE("socket: a client that stops in the middle of a message is found, too") {
  for (const char* mode : {"tunnel", "walk", "inspect"}) {
    CAPTURE(mode);
    SocketFixture socket("{ ping_interval: 25s, pong_timeout: 20s, mode: " + std::string(mode) + " }");
    Passage& to_client = socket.client.wire().to_first;
    to_client.capacity = 1000;
    to_client.stalled = true;
    socket.endpoint_sends(server_frame(binary, std::string(1'000'000, 'x')));
    socket.proxy.advance(40s);
    socket.endpoint_sends(server_frame(pong, "postern"));
    CHECK_FALSE(socket.over());
    socket.proxy.advance(10s);
    socket.endpoint().leave();
    socket.proxy.advance(3s);
    REQUIRE(socket.over());
    CHECK(ending(socket) == "client client_silent 1006 no answer to a ping");
  }
  // A client that takes something from time to time is alive.
  SocketFixture slow("{ ping_interval: 25s, pong_timeout: 20s }");
  slow.client.wire().to_first.capacity = 1000;
  slow.client.wire().to_first.delay = 15s;
  slow.endpoint_sends(server_frame(binary, std::string(1'000'000, 'x')));
  slow.proxy.advance(10min);
  CHECK_FALSE(slow.over());
}

// --- frames that the gateway sends by itself ---

TEST_CASE("socket: a heartbeat comes when the endpoint is silent, never inside a message") {
  SocketFixture socket(R"({ heartbeat: { interval: 5s, message: '{"type":"beat"}' } })");
  socket.proxy.advance(4s);
  socket.endpoint_sends(server_frame(text, "half"));
  socket.proxy.advance(4s);
  CHECK(socket.client_heard() == Said{"text half"});
  socket.proxy.advance(2s);
  CHECK(socket.client_heard() == Said{R"(text {"type":"beat"})"});
  socket.endpoint_sends(frame(text, "a", {.last = false, .masked = false}));
  socket.proxy.advance(6s);
  CHECK(socket.client_heard() == Said{"text+ a"});
  socket.endpoint_sends(frame(continuation, "b", {.masked = false}));
  socket.proxy.advance(6s);
  CHECK(socket.client_heard() == Said{"continuation b", R"(text {"type":"beat"})"});
}

TEST_CASE("socket: a heartbeat comes, too, when all that the endpoint says is dropped") {
  SocketFixture socket("{ heartbeat: { interval: 5s }, from_upstream: { types: [mine] } }");
  for (int i = 0; i < 3; ++i) {
    socket.endpoint_sends(server_frame(text, R"({"type":"of others"})"));
    socket.proxy.advance(2s);
  }
  CHECK(socket.client_heard() == Said{R"(text {"type":"heartbeat"})"});
  socket.endpoint_sends(server_frame(text, R"({"type":"mine"})"));
  socket.proxy.advance(4s);
  CHECK(socket.client_heard() == Said{R"(text {"type":"mine"})"});
  socket.proxy.advance(2s);
  CHECK(socket.client_heard() == Said{R"(text {"type":"heartbeat"})"});
}

TEST_CASE("socket: pings of the ends pass, and so do their answers") {
  SocketFixture socket("{ mode: walk }");
  socket.endpoint_sends(server_frame(ping, "from the endpoint"));
  CHECK(socket.client_heard() == Said{"ping from the endpoint"});
  socket.client_sends(frame(pong, "from the endpoint"));
  CHECK(socket.endpoint_heard() == Said{"pong from the endpoint"});
}

TEST_CASE("socket: who has to wait for its rate is let go on when it is time, whatever the other side does") {
  const std::string three = frame(text, "1") + frame(text, "2") + frame(text, "3");
  const std::string slow = "rate: 2/s, on_rate: slow";
  // The endpoint's wait is shorter, and it is not forgotten because of the client's.
  SocketFixture both("{ ping_interval: none, from_client: { " + slow +
                     ", byte_rate: 1KiB/s }, from_upstream: { " + slow + " } }");
  both.client_sends(frame(binary, std::string(61 * 1024, 'x')) + frame(text, "late"));
  both.endpoint_sends(server_frame(text, "a") + server_frame(text, "b") + server_frame(text, "c") +
                      server_frame(text, "d"));
  CHECK(both.client_heard() == Said{"text a", "text b", "text c"});
  both.proxy.advance(550ms);
  CHECK(both.client_heard() == Said{"text d"});
  CHECK(both.endpoint_heard().size() == 1);
  both.proxy.advance(1min);
  CHECK(both.endpoint_heard() == Said{"text late"});

  // A Close waits for its turn, behind what was sent before it.
  SocketFixture closed("{ from_client: { " + slow + " } }");
  closed.endpoint_sends(server_close(1000, "done"));
  CHECK(closed.client_heard() == Said{"close 1000 done"});
  closed.client_sends(three + frame(text, "4") + close_of(1000));
  CHECK(closed.endpoint_heard() == Said{"text 1", "text 2", "text 3"});
  closed.proxy.advance(550ms);
  CHECK(closed.endpoint_heard() == Said{"text 4", "close 1000"});

  SocketFixture reloaded("{ from_client: { " + slow + " } }");
  reloaded.client_sends(three + frame(text, "4"));
  reloaded.proxy.adopt(SocketFixture::yaml("{ ping_interval: 30s }", ""));
  reloaded.proxy.advance(20ms);
  CHECK(reloaded.client_heard() == Said{"close 1012 the gateway has a new configuration"});
  CHECK(reloaded.endpoint_heard().size() == 3);
  reloaded.proxy.advance(550ms);
  CHECK(reloaded.endpoint_heard() == Said{"text 4"});

  // Meanwhile the side is not taken for silent or idle: its system takes the gateway's pings.
  SocketFixture patient("{ from_client: { byte_rate: 1KiB/s, on_rate: slow } }", "", "",
                        "limits: { tunnel_idle_timeout: 2m }");
  patient.client_sends(frame(binary, std::string(601 * 1024, 'x')) + frame(text, "late"));
  patient.proxy.advance(9min);
  CHECK_FALSE(patient.over());
}

namespace {

uint64_t silent_sockets(ProxyFixture& proxy) {
  return (*proxy.metrics.route("all"))[telemetry::RouteCount::sockets_silent];
}

// Opens further sockets, whose endpoint sends `greeting` on each.
void open_greeted(SocketFixture& socket, int count, const std::string& greeting) {
  for (int i = 0; i < count; ++i) {
    TestClient& more = socket.proxy.connect();
    more.send(SocketFixture::handshake_text(""));
    socket.endpoint_sends(server_frame(text, greeting));
  }
}

}  // namespace

TEST_CASE("socket: the metrics say how many are open on a route, when they are read") {
  SocketFixture socket("{ ping_interval: none }");
  open_greeted(socket, 2, "status");
  const auto open = [&] { return (*socket.proxy.metrics.route("all"))[telemetry::RouteCount::sockets_open]; };
  socket.proxy.tunnels.count_open();
  CHECK(open() == 3);
  for (auto& connection : socket.proxy.upstream.at(3001).connections) connection->leave();
  socket.proxy.advance(1min);  // nothing is remembered of the route
  socket.proxy.tunnels.count_open();
  CHECK(open() == 0);
}

TEST_CASE("socket: a route on which endpoints say something once and never again is a finding") {
  SocketFixture socket("{ ping_interval: none }");
  socket.endpoint_sends(server_frame(text, "status"));
  open_greeted(socket, 2, "status");
  socket.proxy.advance(4min);
  CHECK(socket.proxy.log_lines("silent_route").empty());
  CHECK(silent_sockets(socket.proxy) == 0);
  socket.proxy.advance(2min);
  const base::Json line = socket.proxy.log.line("silent_route");
  CHECK(line["route"] == "all");
  CHECK(line["sockets"] == 3);
  CHECK(line["quiet_ms"] >= 300'000.0);
  CHECK(silent_sockets(socket.proxy) == 3);
  socket.proxy.advance(10min);
  CHECK(socket.proxy.log_lines("silent_route").size() == 1);
  socket.endpoint_sends(server_frame(text, "again"));
  socket.proxy.advance(1min);
  CHECK(silent_sockets(socket.proxy) == 0);
}

TEST_CASE("socket: what a new socket hears first does not hide that its route has fallen silent") {
  SocketFixture socket("{ ping_interval: none }");
  socket.endpoint_sends(server_frame(text, "status"));
  open_greeted(socket, 2, "status");
  for (int i = 0; i < 4; ++i) {
    socket.proxy.advance(100s);
    open_greeted(socket, 1, "status");
  }
  CHECK(socket.proxy.log.line("silent_route")["sockets"] == 3);
  CHECK(silent_sockets(socket.proxy) == 3);  // not those that came later
}

TEST_CASE("socket: sockets that live shortly make no route silent") {
  SocketFixture socket("{ ping_interval: none }");
  for (int i = 0; i < 10; ++i) {
    open_greeted(socket, 3, "status");
    socket.proxy.advance(1min);
    for (auto& connection : socket.proxy.upstream.at(3001).connections) connection->leave();
    socket.proxy.advance(11s);
  }
  CHECK(socket.proxy.log_lines("silent_route").empty());
}

TEST_CASE("socket: messages that are dropped do not hide that a route has fallen silent") {
  SocketFixture socket("{ ping_interval: none, from_upstream: { types: [mine] } }");
  const std::string mine = R"({"type":"mine"})";
  socket.endpoint_sends(server_frame(text, mine));
  open_greeted(socket, 2, mine);
  for (int i = 0; i < 6; ++i) {
    socket.endpoint_sends(server_frame(text, R"({"type":"of others"})"));
    socket.proxy.advance(1min);
  }
  CHECK(silent_sockets(socket.proxy) == 3);
}

// --- the record of every way to end ---

TEST_CASE("socket record: a message that did not pass whole is none") {
  for (const char* mode : {"tunnel", "walk", "inspect"}) {
    CAPTURE(mode);
    SocketFixture socket("{ mode: " + std::string(mode) + " }");
    socket.endpoint_sends(server_frame(text, "whole") +
                          frame(text, "fragment", {.last = false, .masked = false}) +
                          server_frame(continuation, std::string(1000, 'x')).substr(0, 500));
    socket.client_sends(frame(text, "whole") + frame(text, "cut").substr(0, 7));
    socket.endpoint().reset();
    socket.proxy.advance(15s);
    REQUIRE(socket.over());
    CHECK(socket.record()["messages_to_client"] == 1);
    CHECK(socket.record()["messages_to_upstream"] == 1);
  }
}

TEST_CASE("socket record: what was dropped, or not taken, is not among what the client got") {
  const auto fill = [](SocketFixture& socket, int messages) {
    socket.client.wire().to_first.capacity = 1;
    socket.client.wire().to_first.stalled = true;
    for (int i = 0; i < messages; ++i)
      socket.endpoint_sends(server_frame(text, R"({"type":"a"})" + std::string(10'000, ' ')));
  };
  const auto read_all = [](SocketFixture& socket) {
    socket.client.wire().to_first.capacity = 1 << 20;
    socket.client.wire().to_first.stalled = false;
    socket.proxy.advance(1s);
  };
  for (const char* policy : {"drop_oldest", "keep_latest", "close"}) {
    CAPTURE(policy);
    SocketFixture socket("{ buffer: 100KiB, ping_interval: none, slow_reader: " + std::string(policy) + " }");
    fill(socket, 100);
    read_all(socket);
    if (policy != std::string_view("close")) socket.endpoint_sends(server_close(4010, "done"));
    socket.client_sends(close_of(4010));
    socket.client.peer().leave();
    socket.endpoint().leave();
    socket.proxy.advance(15s);
    REQUIRE(socket.over());
    const size_t heard = socket.client_heard().size() - 1;
    const base::Json record = socket.record();
    CHECK(record["messages_to_client"] == heard);
    CHECK(record["bytes_to_client"] >= heard * 10'000);
    CHECK(record["bytes_to_client"] < (heard + 1) * 10'100);
    CHECK(socket.proxy.metrics.process[telemetry::Count::tunnel_bytes_to_clients] ==
          uint64_t(record["bytes_to_client"]));
    if (policy != std::string_view("close")) {
      CHECK(record["messages_dropped"] == 100 - heard);
      CHECK(ending(socket) == "upstream - 4010 done");
    }
  }

  // The gateway's own frames are not counted either.
  SocketFixture filtered("{ heartbeat: { interval: 5s }, from_upstream: { types: [a] } }");
  filtered.endpoint_sends(server_frame(text, R"({"type":"b"})" + std::string(10'000, ' ')));
  filtered.endpoint_sends(server_frame(text, R"({"type":"a"})"));
  filtered.proxy.advance(26s);
  filtered.client_sends(frame(pong, "postern") + close_of(1000));
  filtered.endpoint_sends(server_close(1000));
  filtered.endpoint().leave();
  filtered.client.peer().leave();
  filtered.proxy.settle();
  CHECK(filtered.record()["bytes_to_client"] == server_frame(text, R"({"type":"a"})").size() + 4);
  CHECK(filtered.record()["bytes_to_upstream"] == close_of(1000).size());

  // The endpoint's Close is behind the client's undelivered data. While the client reads, the gateway waits
  // for it.
  const std::string last = "{ buffer: 1MiB, ping_interval: none, slow_reader: drop_oldest }";
  SocketFixture slow(last);
  fill(slow, 50);
  slow.endpoint_sends(server_close(4010, "done"));
  slow.endpoint().leave();
  for (int i = 0; i < 20; ++i) {
    slow.proxy.advance(9s);
    slow.client.wire().to_first.capacity = 30'000;
    slow.client.wire().to_first.stalled = false;
    slow.proxy.settle();
    slow.client.wire().to_first.stalled = true;
  }
  slow.client.wire().to_first.stalled = false;
  slow.proxy.advance(1s);
  const Said all = slow.client_heard();
  CHECK(all.size() == 51);
  CHECK(all.back() == "close 4010 done");
  slow.client_sends(close_of(4010));
  slow.client.peer().leave();
  slow.proxy.advance(1s);
  CHECK(ending(slow) == "upstream - 4010 done");

  // The gateway does not wait for a client that has stopped reading; that socket did not end in good order.
  for (const char* rules : {last.c_str(), "{ buffer: 1MiB, ping_interval: none }"}) {
    CAPTURE(rules);
    SocketFixture stopped(rules);
    fill(stopped, 50);
    stopped.endpoint_sends(server_close(4010, "done"));
    stopped.endpoint().leave();
    stopped.proxy.advance(11s);
    REQUIRE(stopped.over());
    CHECK(ending(stopped) == "client client_not_reading 1006 -");
    if (rules == last) CHECK(stopped.record()["messages_dropped"] > 30);
    if (rules == last) CHECK(stopped.record()["messages_to_client"] < 20);
  }

  SocketFixture left(last);
  fill(left, 50);
  left.endpoint_sends(server_close(4010, "done"));
  left.client.peer().reset();
  left.proxy.advance(15s);
  CHECK(ending(left) == "client client_closed 1006 -");
}

TEST_CASE("socket record: every way to end leaves exactly one line, one count, and the same words in both") {
  struct Way {
    const char* name;
    std::string websocket;
    std::function<void(SocketFixture&)> happens;
    std::string ending;  // by, cause, code and reason
    std::string rule;
    std::string more{};  // of the configuration
  };
  const auto client = [](std::string frames) {
    return [frames](SocketFixture& s) { s.client_sends(frames); };
  };
  const auto endpoint = [](std::string frames) {
    return [frames](SocketFixture& s) { s.endpoint_sends(frames); };
  };
  const auto wait = [](base::Duration time) { return [time](SocketFixture& s) { s.proxy.advance(time); }; };
  const std::string three = frame(text, "1") + frame(text, "2") + frame(text, "3");
  const std::string cut = server_frame(text, std::string(1000, 'x')).substr(0, 500);
  const std::vector<Way> ways = {
      {"client closes", "{}", client(close_of(1000, "bye")), "client - 1000 bye", ""},
      {"client closes without a code", "{}", client(frame(goodbye, "")), "client - 1005 -", ""},
      {"endpoint closes", "{}", endpoint(server_close(4001)), "upstream - 4001 -", ""},
      {"client leaves", "{}", [](SocketFixture& s) { s.client.peer().leave(); },
       "client client_closed 1006 -", ""},
      {"client resets", "{}", [](SocketFixture& s) { s.client.peer().reset(); },
       "client client_closed 1006 -", ""},
      {"endpoint leaves", "{}", [](SocketFixture& s) { s.endpoint().leave(); },
       "upstream upstream_closed 1014 the upstream closed the connection", ""},
      {"endpoint crashes", "{}", [](SocketFixture& s) { s.endpoint().reset(); },
       "upstream upstream_closed 1014 the upstream broke the connection", ""},
      {"endpoint crashes within a frame", "{}",
       [cut](SocketFixture& s) {
         s.endpoint_sends(cut);
         s.endpoint().reset();
       },
       "upstream upstream_closed 1006 the upstream broke the connection", ""},
      {"reload while a frame of the endpoint is not over", "{}",
       [cut](SocketFixture& s) {
         s.endpoint_sends(cut);
         s.proxy.adopt(SocketFixture::yaml("{ buffer: 1MiB }", ""));
         s.proxy.advance(3s);
       },
       "gateway route_changed 1006 the gateway has a new configuration", ""},
      {"client vanishes", "{}",
       [](SocketFixture& s) {
         s.proxy.advance(26s);
         s.endpoint_sends(server_frame(pong, "postern"));
         s.proxy.advance(21s);
       },
       "client client_silent 1006 no answer to a ping", ""},
      {"endpoint vanishes", "{}",
       [](SocketFixture& s) {
         s.proxy.advance(26s);
         s.client_sends(frame(pong, "postern"));
         s.proxy.advance(21s);
       },
       "upstream upstream_silent 1011 no answer to a ping", ""},
      {"nothing moves", "{ ping_interval: none }", wait(61min),
       "gateway timed_out 1001 nothing moved for too long", ""},
      {"reload", "{}",
       [](SocketFixture& s) {
         s.proxy.adopt(SocketFixture::yaml("{ buffer: 1MiB }", ""));
         s.proxy.advance(20ms);
       },
       "gateway route_changed 1012 the gateway has a new configuration", ""},
      {"drain", "{}",
       [](SocketFixture& s) {
         s.proxy.tunnels.leave({});
         s.proxy.advance(200ms);
       },
       "gateway shutting_down 1001 the gateway is shutting down", ""},
      {"drain's end", "{}", [](SocketFixture& s) { s.proxy.tunnels.cut_all(); },
       "gateway shutting_down 1006 -", ""},
      {"client breaks framing", "{ mode: walk }", client(frame(3, "")),
       "client client_frame_invalid 1002 opcode", "opcode"},
      {"endpoint breaks framing", "{ mode: walk }", endpoint(server_frame(11, "")),
       "upstream upstream_frame_invalid 1014 opcode", "opcode"},
      {"client's text is none", "{ mode: inspect }", client(frame(text, "\xff")),
       "client client_frame_invalid 1007 utf8", "utf8"},
      {"client's message is too large", "{ from_client: { message_size: 3 } }", client(frame(text, "1234")),
       "client client_message_refused 1009 from_client.message_size", "from_client.message_size"},
      {"endpoint's message is too large", "{ from_upstream: { message_size: 3 } }",
       endpoint(server_frame(text, "1234")),
       "upstream upstream_message_refused 1014 from_upstream.message_size", "from_upstream.message_size"},
      {"too many fragments", "{ from_client: { fragments: 1 } }",
       client(frame(text, "a", {.last = false}) + frame(continuation, "b")),
       "client client_message_refused 1008 from_client.fragments", "from_client.fragments"},
      {"a kind that may not be", "{ from_client: { messages: text } }", client(frame(binary, "a")),
       "client client_message_refused 1003 from_client.messages", "from_client.messages"},
      {"clients may say nothing", "{ from_client: { messages: none } }", client(frame(text, "a")),
       "client client_message_refused 1008 from_client.messages", "from_client.messages"},
      {"too many messages", "{ from_client: { rate: 2/s } }", client(three),
       "client client_message_refused 1013 from_client.rate", "from_client.rate"},
      {"too many bytes", "{ from_client: { byte_rate: 2B/s } }", client(three),
       "client client_message_refused 1013 from_client.byte_rate", "from_client.byte_rate"},
      {"a type that may not be", "{ from_client: { types: [a], on_type: close } }",
       client(frame(text, R"({"type":"b"})")), "client client_message_refused 1008 from_client.types",
       "from_client.types"},
      {"a type said twice", "{ from_client: { types: [a], on_type: close } }",
       client(frame(text, R"({"type":"a","type":"a"})")),
       "client client_message_refused 1008 from_client.types: duplicate_name",
       "from_client.types: duplicate_name"},
      {"a shared limit", "{ message_limit: chat }", client(three),
       "client client_message_refused 1013 message_limit: chat", "message_limit: chat",
       "rate_limits: { chat: { rate: 2/s, by: client_address } }"},
      {"client does not read", "{ slow_reader: close, buffer: 1KiB, ping_interval: none }",
       [](SocketFixture& s) {
         s.client.wire().to_first.stalled = true;
         s.client.wire().to_first.capacity = 1;
         for (int i = 0; i < 20; ++i) s.endpoint_sends(server_frame(binary, std::string(10'000, 'x')));
       },
       "client client_not_reading 1006 slow_reader", ""},  // nor the Close
  };
  CHECK(ways.size() >= 20);
  for (const Way& way : ways) {
    CAPTURE(way.name);
    SocketFixture socket(way.websocket, "", "", way.more);
    const size_t failures_before = socket.proxy.log_lines("tunnel_close").size();
    CHECK(failures_before == 0);
    way.happens(socket);
    socket.proxy.settle();
    if (!socket.over()) {
      socket.client.peer().leave();
      socket.endpoint().leave();
      socket.proxy.advance(15s);
    }
    REQUIRE(socket.over());
    CHECK(socket.proxy.log_lines("tunnel_open").size() == 1);
    CHECK(ending(socket) == way.ending);
    const base::Json record = socket.record();
    CHECK(record["rule"] == (way.rule.empty() ? base::Json() : base::Json(way.rule)));
    for (const char* number :
         {"duration_ms", "client_quiet_ms", "upstream_quiet_ms", "messages_to_client", "messages_to_upstream",
          "messages_dropped", "bytes_to_client", "bytes_to_upstream"})
      CHECK(record[number].is_number());
    CHECK(std::string(record["meaning"]).size() > 10);
    if (!record["cause"].is_null()) {
      CHECK(record["stage"] == "tunnel");
      CHECK(std::string(record["remedy"]).size() > 10);
    }
    std::string words = way.ending.substr(0, way.ending.find(' '));
    words = "all " + words + " " + std::to_string(int(record["close_code"])) + " " +
            (record["cause"].is_null() ? "-" : std::string(record["cause"])) + " 1";
    CHECK(counted(socket) == words);
    CHECK(socket.proxy.metrics.process[telemetry::Count::tunnels_open] == 0);
  }
}
