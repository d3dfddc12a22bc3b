// WebSockets on bad networks, in every mode: what arrives is a prefix of what was sent, message by message;
// each socket ends with one record, and nothing is left open.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using namespace postern::websocket::test;
using Said = std::vector<std::string>;

namespace {

// True if `heard` is a prefix of `sent`, as far as required: its last frame may be a Close of the gateway, or
// cut.
bool is_beginning(Said heard, const Said& sent) {
  std::erase_if(heard, [](const std::string& one) { return one == "ping postern"; });
  if (!heard.empty() && heard.back() == "half a frame") heard.pop_back();
  if (!heard.empty() && heard.back().starts_with("close ")) heard.pop_back();
  return heard.size() <= sent.size() && std::equal(heard.begin(), heard.end(), sent.begin());
}

}  // namespace

TEST_CASE("socket faults: under random faults messages arrive whole and in order, or not at all") {
  size_t whole = 0;
  size_t cut = 0;
  for (const char* rules : {"{}", "{ mode: walk }", "{ mode: inspect }",
                            "{ mode: walk, buffer: 4KiB, ping_interval: 200ms, pong_timeout: 5s }"}) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      CAPTURE(rules);
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      const auto below = [&](uint64_t limit) { return random() % limit; };
      SocketFixture socket(rules);
      REQUIRE(socket.handshake.status() == 101);
      for (Passage* passage : {&socket.client.wire().to_first, &socket.client.wire().to_second,
                               &socket.endpoint().wire().to_first, &socket.endpoint().wire().to_second}) {
        if (below(2)) passage->pieces = {1 + below(3), 1 + below(5000)};
        if (below(3) == 0) passage->delay = std::chrono::milliseconds(below(300));
        if (below(3) == 0) passage->capacity = 1000 + below(50'000);
        if (below(8) == 0) passage->reset_at = passage->delivered + below(40'000);
        if (below(8) == 0) passage->end_at = passage->delivered + below(40'000);
      }
      Said up;
      Said down;
      for (int i = 0; i < 20; ++i) {
        const std::string message(below(20'000), static_cast<char>('a' + i));
        if (below(2)) {
          up.push_back("binary " + message);
          socket.client.queue(frame(binary, message));
        } else {
          down.push_back("text " + message);
          socket.endpoint().send(server_frame(text, message));
        }
        if (below(3) == 0) socket.proxy.advance(100ms);
      }
      socket.proxy.advance(3s);
      const Said client_heard = socket.client_heard();
      const Said endpoint_heard = socket.endpoint_heard();
      CHECK(is_beginning(client_heard, down));
      CHECK(is_beginning(endpoint_heard, up));
      ++(client_heard.size() >= down.size() && endpoint_heard.size() >= up.size() ? whole : cut);
      socket.client.peer().leave();
      socket.endpoint().leave();
      socket.proxy.advance(100s);
      CHECK(socket.over());
      CHECK(socket.proxy.log_lines("tunnel_close").size() == 1);
      CHECK(socket.proxy.upstream.open_count() == 0);
      CHECK(socket.proxy.metrics.process[telemetry::Count::tunnels_open] == 0);
    }
  }
  MESSAGE("whole " << whole << ", cut " << cut);
  CHECK(whole > 30);
  CHECK(cut > 50);
}

TEST_CASE("socket faults: whatever bytes come from either side, the socket ends once, and nothing is left") {
  for (const char* rules : {"{}", "{ mode: walk }", "{ mode: inspect }",
                            "{ from_client: { types: [a], rate: 5/s, on_rate: drop, message_size: 1KiB }, "
                            "from_upstream: { types: [b] }, "
                            "slow_reader: keep_latest, buffer: 1KiB, heartbeat: { interval: 100ms } }"}) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
      CAPTURE(rules);
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      const auto below = [&](uint64_t limit) { return random() % limit; };
      SocketFixture socket(rules, below(2) ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "",
                           below(4) ? "" : "Sec-WebSocket-Extensions: permessage-deflate\r\n");
      const std::string payloads[] = {"",         R"({"type":"a"})",      R"({"type":"b"})",
                                      "\xff\xfe", std::string(2000, 'x'), close_payload(1000)};
      for (int i = 0; i < 12; ++i) {
        const bool client = below(2) != 0;
        std::string bytes = frame(static_cast<uint8_t>(below(12)), payloads[below(6)],
                                  {.last = below(3) != 0,
                                   .masked = below(20) ? client : !client,
                                   .reserved = static_cast<uint8_t>(below(6) ? 0 : below(8))});
        if (below(6) == 0 && !bytes.empty()) bytes[below(bytes.size())] = static_cast<char>(below(256));
        if (below(8) == 0) bytes.resize(below(bytes.size() + 1));
        if (client)
          socket.client.queue(bytes);
        else if (!socket.proxy.upstream.at(3001).connections.empty())
          socket.endpoint().send(bytes);
        if (below(2)) socket.proxy.advance(std::chrono::milliseconds(below(200)));
      }
      socket.proxy.advance(1s);
      socket.client.peer().leave();
      if (!socket.proxy.upstream.at(3001).connections.empty()) socket.endpoint().leave();
      socket.proxy.advance(100s);
      CHECK(socket.over());
      CHECK(socket.proxy.log_lines("tunnel_close").size() == socket.proxy.log_lines("tunnel_open").size());
      CHECK(socket.proxy.upstream.open_count() == 0);
    }
  }
}

TEST_CASE("socket faults: nothing follows a Close, and the record has the code that the client heard") {
  std::map<std::string, int> endings;
  for (const char* mode : {"tunnel", "walk", "inspect"}) {
    for (const char* slow_reader : {"pause", "drop_oldest", "close"}) {
      for (uint64_t seed = 1; seed <= 100; ++seed) {
        std::mt19937_64 random(seed);
        const auto below = [&](uint64_t limit) { return random() % limit; };
        const std::string rules = "{ mode: " + std::string(mode) + ", slow_reader: " + slow_reader +
                                  ", buffer: " + (below(2) ? "1KiB" : "1MiB") +
                                  ", ping_interval: " + (below(2) ? "none" : "2s, pong_timeout: 2s") +
                                  (below(3) ? "" : ", from_client: { rate: 3/s, on_rate: slow }") +
                                  (below(3) ? "" : ", heartbeat: { interval: 300ms }") + " }";
        std::string scenario = rules;
        const auto tell = [&](const char* what) { scenario.append(" ").append(what); };
        SocketFixture socket(rules);
        Passage& to_client = socket.client.wire().to_first;
        const auto read_on = [&] {
          to_client.capacity = 1 << 20;
          to_client.stalled = false;
          socket.proxy.settle();
        };
        const auto stall = [&] {
          to_client.capacity = 1000;
          to_client.stalled = true;
        };
        const auto send_messages = [&](uint64_t count) {
          tell("messages");
          while (count-- > 0) socket.endpoint_sends(server_frame(text, std::string(below(20'000), 'x')));
        };
        if (below(2)) {
          stall();
          send_messages(below(30));
        }
        bool client_may_speak = true;
        bool endpoint_may_speak = true;
        bool endpoint_is_there = true;
        for (uint64_t steps = 3 + below(10); steps-- > 0;) {
          switch (below(12)) {
            case 0:
            case 1:
            case 2:
              if (endpoint_may_speak) send_messages(below(20));
              break;
            case 3:
              if (!std::exchange(endpoint_may_speak, false)) break;
              tell("endpoint-close");
              socket.endpoint_sends(server_frame(goodbye, close_payload(4010, "endpoint")));
              break;
            case 4:
              if (!std::exchange(endpoint_is_there, false)) break;
              endpoint_may_speak = false;
              if (below(2)) {
                tell("endpoint-leaves");
                socket.endpoint().leave();
              } else {
                tell("endpoint-breaks");
                socket.endpoint().reset();
              }
              socket.proxy.settle();
              break;
            case 5:
            case 6:
              if (client_may_speak) socket.client_sends(frame(text, "hello"));
              break;
            case 7:
              if (below(2) || !std::exchange(client_may_speak, false)) break;
              tell("client-close");
              socket.client_sends(frame(goodbye, close_payload(4020, "client")));
              break;
            case 8:
              tell("stalls");
              stall();
              break;
            case 9:
              tell("reads");
              read_on();
              break;
            case 10:
              if (below(3)) break;
              tell("shutdown");
              socket.proxy.tunnels.leave({});
              break;
            default: tell("waits"); socket.proxy.advance(std::chrono::milliseconds(below(1500)));
          }
        }
        read_on();
        socket.proxy.advance(30s);
        const Said heard = socket.client_heard();
        socket.client.peer().leave();
        if (endpoint_is_there && !socket.over()) socket.endpoint().leave();
        socket.proxy.advance(60s);
        CAPTURE(scenario);
        CAPTURE(seed);
        REQUIRE(socket.over());
        const base::Json record = socket.record();
        const int code = record["close_code"];
        const auto close = std::find_if(heard.begin(), heard.end(),
                                        [](const std::string& one) { return one.starts_with("close "); });
        if (close != heard.end()) {
          CHECK(close + 1 == heard.end());
          CHECK((code == std::stoi(close->substr(6)) || (!client_may_speak && code == 4020)));
        } else {
          CHECK((code == 1006 || (!client_may_speak && code == 4020)));
        }
        if (record["cause"].is_null() && record["by"] == "upstream") CHECK(close != heard.end());
        ++endings[std::string(record["by"]) + " " + std::to_string(code)];
      }
    }
  }
  for (const auto& ending : endings) MESSAGE(ending.first << ": " << ending.second);
  CHECK(endings.size() >= 6);
}
