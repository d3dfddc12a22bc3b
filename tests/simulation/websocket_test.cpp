// WebSockets through the whole proxy: the handshake, the policies around it, and the change to a tunnel.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"
#include "websocket/frame_walker.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

std::string handshake(std::string_view fields = {}, std::string_view path = "/ws") {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: app.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         std::string(key) + "\r\n" + std::string(fields) + "\r\n";
}

std::string close_text(uint16_t code, std::string_view reason) {
  return std::string(websocket::close_frame(code, reason).text());
}

const std::string hello_frame = std::string("\x81\x05", 2) + "hello";

std::string switching(std::string_view fields) {
  return "HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n";
}
const std::string good_fields =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

}  // namespace

TEST_CASE("websocket: a handshake is carried to the endpoint and its 101 back, then bytes both ways") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = accepts_websocket("Sec-WebSocket-Protocol: chat\r\n");
  TestClient& client = proxy.connect();
  client.send(
      handshake("Sec-WebSocket-Protocol: other, chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
  const HttpMessage answer = client.response();
  CHECK(answer.status() == 101);
  CHECK(answer.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(answer.field("Sec-WebSocket-Protocol") == "chat");
  CHECK(answer.field("Upgrade") == "websocket");
  CHECK(answer.field("Connection") == "Upgrade");
  FakeConnection& connection = proxy.upstream.at(3001).last();
  const HttpMessage& asked = connection.requests.at(0);
  CHECK(asked.field("Sec-WebSocket-Key") == key);
  CHECK(asked.field("Sec-WebSocket-Protocol") == "other, chat");
  CHECK(asked.field("Sec-WebSocket-Extensions") == "permessage-deflate");
  CHECK(asked.field("Connection") == "Upgrade");
  CHECK(asked.field("Upgrade") == "websocket");
  CHECK(proxy.tunnels.size() == 1);
  CHECK(client.gone());  // only the tunnel is left

  client.send("to the endpoint");
  CHECK(connection.take_unread() == "to the endpoint");
  connection.send(hello_frame);
  proxy.settle();
  CHECK(client.take_unread() == hello_frame);

  const base::Json opened = proxy.log.line("tunnel_open");
  CHECK(opened["route"] == "all");
  CHECK(opened["subprotocol"] == "chat");
  CHECK(opened["target"] == "/ws");
  CHECK(opened["endpoint"] == "http://127.0.0.1:3001");
  CHECK(proxy.log_lines("exchange").empty());
  connection.send(close_text(4000, "bye"));
  connection.finish();
  proxy.settle();
  CHECK(client.take_unread() == close_text(4000, "bye"));
  client.peer().leave();
  proxy.settle();
  CHECK(proxy.tunnels.size() == 0);
  CHECK(proxy.group().endpoint(0)->load() == 0);
  const base::Json closed = proxy.log.line("tunnel_close");
  CHECK(closed["by"] == "upstream");
  CHECK(closed["cause"].is_null());
  CHECK(closed["bytes_to_upstream"] == 15);
  CHECK(closed["request_id"] == opened["request_id"]);
}

TEST_CASE("websocket: bytes that come before the 101 wait for it") {
  for (const std::vector<size_t>& pieces : {std::vector<size_t>{}, {1}, {50, 3}}) {
    ProxyFixture proxy;
    FakeEndpoint& endpoint = proxy.upstream.at(3001);
    endpoint.behaviour = says_nothing();
    TestClient& client = proxy.connect({.conduct = [&](Wire& wire) { wire.to_second.pieces = pieces; }});
    client.send(handshake() + "too early");
    FakeConnection& connection = endpoint.last();
    CHECK(connection.unread.empty());
    CHECK(connection.peer().heard().empty());
    connection.switched = true;
    connection.send(switching(good_fields) + hello_frame);
    proxy.settle();
    CHECK(connection.take_unread() == "too early");
    CHECK(client.response().status() == 101);
    CHECK(client.take_unread() == hello_frame);
  }
}

TEST_CASE("websocket: a 101 that does not fit the handshake is 502, and the log names what is wrong") {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n", "Accept"},
      {"Upgrade: websocket\r\nConnection: Upgrade\r\n", "Accept"},
      {"Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
       "Upgrade"},
      {"Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Connection"},
      {good_fields + "Sec-WebSocket-Protocol: unasked\r\n", "Protocol"},
      {good_fields + "Sec-WebSocket-Extensions: x-unasked\r\n", "Extensions"},
  };
  for (const auto& [fields, named] : wrong) {
    const std::string shown(fields);  // clang 14 does not allow a lambda to capture a structured binding
    CAPTURE(shown);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(switching(fields));
    TestClient& client = proxy.connect();
    client.send(handshake());
    CHECK(client.response().status() == 502);
    const base::Json line = proxy.log.line("exchange");
    CHECK(line["cause"] == "upstream_bad_handshake");
    CHECK(std::string(line["detail"]).find(named) != std::string::npos);
    CHECK(proxy.tunnels.size() == 0);
    CHECK(proxy.upstream.open_count() == 0);
  }
}

TEST_CASE("websocket: a 101 that nobody asked for is 502") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(switching(good_fields));
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().status() == 502);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  CHECK(client.response().status() == 502);
  CHECK_FALSE(proxy.upstream.at(3001).last().requests.at(0).has("Upgrade"));
  CHECK(proxy.tunnels.size() == 0);
}

TEST_CASE("websocket: an endpoint's refusal passes as it is, and the connection goes on as HTTP") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("not you", "X-Why: token\r\n", "403 Forbidden"));
  TestClient& client = proxy.connect();
  client.send(handshake());
  const HttpMessage response = client.response();
  CHECK(response.status() == 403);
  CHECK(response.body == "not you");
  CHECK(response.field("X-Why") == "token");
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().status() == 403);
}

TEST_CASE("websocket: a handshake that is none is 426 at once") {
  ProxyFixture proxy;
  TestClient& client = proxy.connect();
  client.send(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK(response.status() == 426);
  CHECK(response.field("Sec-WebSocket-Version") == "13");
  CHECK(response.field("Upgrade") == "websocket");
  CHECK(proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("websocket: an absent endpoint is 502 at once, and a silent one is given up") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(handshake());
  CHECK(client.response().status() == 502);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.upstream.at(3001).behaviour = says_nothing();
  client.send(handshake());
  proxy.advance(61s);
  CHECK(client.response().status() == 504);
}

TEST_CASE("websocket: an endpoint that closes right after its 101 still gets its last frame to the client") {
  ProxyFixture proxy;
  FakeEndpoint& endpoint = proxy.upstream.at(3001);
  endpoint.behaviour = [](FakeConnection& connection) {
    if (!connection.take_request()) return;
    connection.switched = true;
    connection.send(switching(good_fields) + close_text(4401, "token"));
    connection.finish();
  };
  TestClient& client = proxy.connect();
  client.send(handshake());
  CHECK(client.response().status() == 101);
  CHECK(client.take_unread() == close_text(4401, "token"));
  CHECK(client.ended());
  client.peer().leave();
  proxy.settle();
  const base::Json closed = proxy.log.line("tunnel_close");
  CHECK(closed["by"] == "upstream");
  CHECK(closed["cause"].is_null());
  CHECK(closed["close_code"] == 4401);
}

TEST_CASE("websocket: an endpoint that ends without a word after its 101 is the one to blame") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (!connection.take_request()) return;
    connection.send(switching(good_fields));
    connection.finish();
  };
  TestClient& client = proxy.connect();
  client.send(handshake());
  proxy.advance(15s);
  std::vector<base::Json> lines = proxy.log_lines("tunnel_close");
  if (lines.empty()) lines = proxy.log_lines("exchange");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["cause"] == "upstream_closed");
}

TEST_CASE("websocket: a client that leaves during the handshake ends it") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(handshake());
  client.peer().leave();
  proxy.settle();
  CHECK(client.gone());
  CHECK(proxy.upstream.open_count() == 0);
  CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
}

TEST_CASE("websocket: an unlisted origin is refused before the endpoint is asked") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
origins: { web: { allow: ["https://app.example.com"], require: true } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app, origins: web }]
)");
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& client = proxy.connect();
  for (std::string_view fields : {std::string_view("Origin: https://evil.example\r\n"), std::string_view()}) {
    client.send(handshake(fields));
    CHECK(client.response().status() == 403);
  }
  CHECK(proxy.upstream.at(3001).dials == 0);
  client.send(handshake("Origin: https://app.example.com\r\n"));
  CHECK(client.response().status() == 101);
}

// What a tunnel does after a reload from the configuration `before` to the configuration `after`.
std::string close_after_reload(const std::string& before, const std::string& after) {
  ProxyFixture proxy(before);
  proxy.adopt(before);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  proxy.upstream.at(3002).behaviour = answers(response_text("new"));
  TestClient& client = proxy.connect();
  client.send(handshake("Origin: https://app.example.com\r\n"));
  REQUIRE(client.response().status() == 101);
  proxy.adopt(after);
  proxy.advance(1s);
  client.send("still there");
  CHECK(proxy.upstream.at(3001).last().take_unread() == "still there");
  return std::string(client.unread());
}

constexpr std::string_view reloadable = R"(
listeners: [{ address: "127.0.0.1:0" }]
origins: { pages: { allow: ["https://app.example.com"] } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: all, upstream: app, origins: pages }
  - { name: other, match: { path: /other }, upstream: app }
)";

std::string with(std::string_view old, std::string_view text) {
  std::string yaml(reloadable);
  const size_t at = yaml.find(old);
  REQUIRE(at != std::string::npos);
  return yaml.replace(at, old.size(), text);
}

TEST_CASE("websocket: a tunnel outlives every reload that changes nothing for it") {
  const std::string before(reloadable);
  CHECK(close_after_reload(before, before).empty());
  CHECK(close_after_reload(before, with("name: all, upstream: app", "upstream: app, name: renamed")).empty());
  CHECK(close_after_reload(before, with("path: /other", "path: /elsewhere")).empty());
  CHECK(close_after_reload(before, with("  - { name: other, match: { path: /other }, upstream: app }\n", ""))
            .empty());
  CHECK(close_after_reload(before, with("3001\"", "3001\", \"http://127.0.0.1:3002\"")).empty());
  CHECK(close_after_reload(before, with("] } }\nroutes", "], balance: random } }\nroutes")).empty());
}

TEST_CASE("websocket: a tunnel whose route, list or endpoint a reload changes is told 1012") {
  const std::string before(reloadable);
  const std::string told(websocket::close_frame(1012, "the gateway has a new configuration").text());
  CHECK(close_after_reload(before, with("3001", "3002")) == told);
  CHECK(close_after_reload(before, with("origins: pages }", "origins: pages, body_size: 1MiB }")) == told);
  CHECK(close_after_reload(before, with("https://app.", "https://web.")) == told);
  CHECK(close_after_reload(before, with("  - { name: all, upstream: app, origins: pages }\n", "")) == told);
}
