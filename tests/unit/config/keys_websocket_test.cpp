#include <doctest/doctest.h>

#include "config/compile_websocket.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;
using routing::FrameMode;
using websocket::Ending;

namespace {

std::string file(const std::string& top, const std::string& route = "{}") {
  return "listeners: [{ address: \":80\" }]\nrate_limits: { some: { rate: 1/s }, user: { rate: 1/s, by: { "
         "claim: sub } } }\n"
         "websocket: " +
         top + "\nroutes: [{ upstream: \"http://127.0.0.1:1\", websocket: " + route + " }]\n";
}

WebSocketDocument read(const std::string& top, const std::string& route = "{}") {
  const auto document = load_named(file(top, route), "a.yaml", environment_of({}));
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  return document->routes.at(0).websocket;
}

std::shared_ptr<const routing::SocketRules> rules(const std::string& top) {
  const auto document = load_named(file(top), "a.yaml", environment_of({}));
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  Diagnostics problems("a.yaml");
  Diagnostics notes("a.yaml");
  PolicyCompiler policies(*document, problems, notes);
  return socket_rules(document->routes.at(0), policies);
}

std::string problem(const std::string& top) {
  const auto document = load_named(file(top), "a.yaml", environment_of({}));
  return document ? "" : document.error().text();
}

}  // namespace

TEST_CASE("websocket section: a route has what the document says, where it says nothing else") {
  const WebSocketDocument document = read(
      "{ ping_interval: 10s, from_client: { message_size: 1KiB, rate: 5/s }, close_codes: { rate: 4001 } }",
      "{ ping_interval: none, from_client: { rate: none, messages: text }, close_codes: { reload: 4002 } }");
  CHECK(document.ping_interval == base::no_limit);
  CHECK(document.pong_timeout == 20s);
  CHECK(document.from_client.message_size == 1024);
  CHECK(document.from_client.messages.per_second == 0);
  CHECK_FALSE(document.from_client.binary);
  CHECK(document.codes[Ending::rate] == 4001);
  CHECK(document.codes[Ending::reload] == 4002);
  CHECK(document.codes[Ending::shutdown] == 1001);
}

TEST_CASE("websocket section: the mode is the least that the rules need") {
  CHECK(rules("{}")->mode == FrameMode::tunnel);
  CHECK(rules("{ heartbeat: {}, refuse: close, sockets: { total: 5 } }")->mode == FrameMode::tunnel);
  for (const char* walk :
       {"{ mode: walk }", "{ from_client: { messages: text } }", "{ from_upstream: { message_size: 1MiB } }",
        "{ from_client: { fragments: 5 } }", "{ from_client: { rate: 1/s } }",
        "{ from_client: { byte_rate: 1KiB/s } }", "{ message_limit: some }", "{ byte_limit: [some] }",
        "{ from_client: { messages: none } }"})
    CHECK_MESSAGE(rules(walk)->mode == FrameMode::walk, walk);
  for (const char* inspect : {"{ mode: inspect }", "{ from_upstream: { types: [a] } }",
                              "{ slow_reader: drop_oldest }", "{ mode: walk, from_client: { types: [a] } }"})
    CHECK_MESSAGE(rules(inspect)->mode == FrameMode::inspect, inspect);
}

TEST_CASE("websocket section: messages have a size wherever frames are understood, unless it says none") {
  CHECK(rules("{}")->from_client.message_size == 0);
  CHECK(rules("{ mode: walk }")->from_client.message_size == 1024 * 1024);
  CHECK(rules("{ mode: walk }")->from_upstream.message_size == 16 * 1024 * 1024);
  CHECK(rules("{ mode: walk, from_client: { message_size: none } }")->from_client.message_size == 0);
  CHECK(rules("{ from_client: { message_size: 10B } }")->from_client.message_size == 10);
  // What is put together needs an end.
  CHECK(rules("{ mode: inspect, from_client: { message_size: none } }")->from_client.message_size ==
        64 * 1024 * 1024);
}

TEST_CASE("websocket section: rates have a burst of what they give in a second") {
  const auto read = rules(
      "{ from_client: { rate: 120/m, byte_rate: 1KiB/s }, from_upstream: { rate: 1/m, burst: 7, byte_rate: "
      "1KiB/s, byte_burst: 1MiB } }");
  CHECK(read->from_client.messages.per_second == doctest::Approx(2));
  CHECK(read->from_client.messages.burst == doctest::Approx(2));
  CHECK(read->from_client.bytes.burst == doctest::Approx(1024));
  CHECK(read->from_upstream.messages.burst == doctest::Approx(7));
  CHECK(read->from_upstream.bytes.burst == doctest::Approx(1024 * 1024));
}

TEST_CASE("websocket section: what is let in has a rate, a burst and a time to wait") {
  const auto shared = rules("{ admission: { rate: 100/s, burst: 10 } }");
  CHECK(shared->admission->per_second == doctest::Approx(100));
  CHECK(shared->admission->burst == doctest::Approx(10));
  CHECK(shared->admission->wait == 10s);
  CHECK(rules("{ admission: { rate: 30/m } }")->admission->burst == doctest::Approx(1));
}

TEST_CASE("websocket section: compression passes where nothing counts what it hides, nor drops any of it") {
  for (const char* passing :
       {"{}", "{ mode: walk }", "{ from_client: { rate: 1/s, fragments: 2 } }",
        "{ mode: walk, from_client: { message_size: none, on_rate: drop } }", "{ message_limit: some }",
        "{ from_client: { rate: 1/s }, from_upstream: { on_rate: drop } }"})
    CHECK_MESSAGE(rules(passing)->passes_compression, passing);
  for (const char* counting :
       {"{ mode: inspect }", "{ from_client: { message_size: 1MiB } }",
        "{ from_upstream: { message_size: 1MiB } }", "{ from_client: { byte_rate: 1KiB/s } }",
        "{ from_upstream: { byte_rate: 1KiB/s } }", "{ byte_limit: some }"})
    CHECK_MESSAGE(!rules(counting)->passes_compression, counting);
  for (const char* dropping :
       {"{ from_client: { rate: 1/s, on_rate: drop } }", "{ from_upstream: { rate: 1/s, on_rate: drop } }",
        "{ message_limit: some, from_client: { on_rate: drop } }"})
    CHECK_MESSAGE(!rules(dropping)->passes_compression, dropping);
}

TEST_CASE("websocket section: types have a field, and slow readers one of their own") {
  CHECK(rules("{ from_upstream: { types: [a, b] } }")->from_upstream.type_field->text() == "/type");
  CHECK(
      rules("{ from_upstream: { types: [a], type_field: /data/kind } }")->from_upstream.type_field->text() ==
      "/data/kind");
  CHECK(rules("{ slow_reader: keep_latest }")->latest_field->text() == "/type");
  CHECK(rules("{ from_upstream: { types: none } }")->from_upstream.types.empty());
  CHECK(rules("{ from_upstream: { types: ['10', \"true\", 1a, no, v1.0] } }")->from_upstream.types ==
        std::vector<std::string>{"10", "true", "1a", "no", "v1.0"});
}

TEST_CASE("websocket section: a side whose messages no rule asks for anything has no dialect") {
  CHECK(rules("{}")->from_client.dialect == nullptr);
  CHECK(rules("{ mode: inspect, from_client: { rate: 5/s } }")->from_client.dialect == nullptr);
  CHECK(rules("{ from_client: { types: [a] } }")->from_upstream.dialect == nullptr);
  const auto latest = rules("{ slow_reader: keep_latest, latest_field: /id, from_client: { types: [a] } }");
  const auto read = [](const routing::MessageRules& side) {
    return side.dialect->read(R"({"type":"a","id":"7"})");
  };
  CHECK((*read(latest->from_client).type())->text() == "a");
  CHECK(*read(latest->from_client).key() == std::nullopt);
  CHECK((*read(latest->from_upstream).key())->text() == "7");
}

TEST_CASE("websocket section: what is wrong is said where it stands") {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"{ mode: bytes }", "mode"},
      {"{ refuse: never }", "refuse"},
      {"{ close_codes: { reload: 1006 } }", "is not allowed in a Close frame"},
      {"{ close_codes: { reload: 2000 } }", "is not allowed in a Close frame"},
      {"{ close_codes: { reload: 99 } }", "reload"},
      {"{ close_codes: { restart: 1012 } }", "unknown key \"restart\""},
      {"{ ping_interval: 0s }", "ping_interval"},
      {"{ ping_interval: 25 }", "unit"},
      {"{ from_client: { type: [a] } }", "did you mean"},
      {"{ from_client: { types: [] } }", "is empty"},
      {"{ from_client: { types: [a, 10] } }",
       "a.yaml:3:40 websocket.from_client.types[1]: is a number, and only strings in the field of a message "
       "fit: "
       "write \"10\", in quotes"},
      {"{ from_upstream: { types: [true] } }", "is a boolean, and only strings"},
      {"{ from_client: { types: [null] } }", "null and ~ need quotes"},
      {"{ from_client: { type_field: type } }", "is not a path"},
      {"{ from_client: { burst: 5 } }", "needs rate"},
      {"{ from_client: { byte_burst: 5KiB } }", "needs byte_rate"},
      {"{ from_client: { message_size: 0 } }",
       "message_size: \"0\" is out of range: 1 bytes to 1024MiB, or none\n"},
      {"{ from_client: { fragments: 0 } }", "is out of range: 1 to 1000000, or none\n"},
      {"{ sockets: { total: 0 } }", "is out of range: 1 to 10000000, or none\n"},
      {"{ ping_interval: 0s }", "is out of range: 10ms to 24h, or none\n"},
      {"{ from_client: { rate: 0/s } }", "is out of range: 1 to 1000000 messages\n"},
      {"{ admission: { rate: 0/s } }", "is out of range: 1 to 1000000 sockets\n"},
      {"{ heartbeat: false }", "heartbeat: must be { interval: 30s, message: TEXT } or none\n"},
      {"{ heartbeat: 30s }", "heartbeat: must be { interval: 30s, message: TEXT } or none\n"},
      {"{ admission: 100/s }", "admission: must be { rate: 100/s } or none\n"},
      {"{ heartbeat: { interval: 1ms } }", "interval"},
      {"{ admission: { burst: 5 } }", "rate"},
      {"{ message_limit: unknown }", "unknown"},
      {"{ message_limit: user }", "the route needs jwt"},
      {"{ sockets: { each: 5 } }", "unknown key \"each\""},
      {"{ buffer: 1B }", "buffer"},
  };
  for (const auto& [text, said] : wrong) {
    const std::string shown(text);  // clang 14 lets no lambda have a binding
    CAPTURE(shown);
    CHECK(problem(text).find(said) != std::string::npos);
  }
}
