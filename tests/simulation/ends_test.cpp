// The ends of connections: answers that clients take slowly, not at all or no longer, and clients that end
// their direction and wait.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "support/certificates.h"
#include "support/proxy_fixture.h"
#include "support/raw_tls_client.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

const std::string get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string wants_close = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
const std::string upgrade =
    "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const std::string event_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// The part of an answer that a client's slow network leaves in the gateway after the endpoint has sent all of
// it.
constexpr size_t tail = 50'000;
constexpr size_t window = 64 * 1024;

void slowly(Wire& wire) {
  wire.to_first.capacity = window;
  wire.to_first.stalled = true;
}

void flow(ProxyFixture& proxy, TestClient& client) {
  client.wire().to_first.stalled = false;
  proxy.settle();
}

// Takes `bytes` of what is in transit after each `every`. Returns false if the gateway ended it within
// `time`.
bool drip(ProxyFixture& proxy, Passage& passage, const std::function<bool()>& over, size_t bytes,
          Duration every, Duration time) {
  passage.pieces = {bytes};
  for (Duration at{}; at < time && !over(); at += every) {
    proxy.advance(every);
    const uint64_t before = passage.delivered;
    passage.stalled = false;
    while (passage.delivered == before && proxy.turns.step()) {
    }
    passage.stalled = true;
  }
  return !over();
}

bool drip(ProxyFixture& proxy, TestClient& client, size_t bytes, Duration every, Duration time) {
  return drip(
      proxy, client.wire().to_first, [&] { return client.gone(); }, bytes, every, time);
}

struct Slow {
  explicit Slow(const std::string& request = get, size_t size = window + tail) : body(counted_bytes(size)) {
    proxy.upstream.at(3001).behaviour = answers(response_text(body));
    client = &proxy.connect({.conduct = slowly});
    client->send(request);
  }
  size_t lines() { return proxy.log_lines("exchange").size(); }
  ProxyFixture proxy;
  std::string body;
  TestClient* client;
};

}  // namespace

// --- the end of an answer ---

TEST_CASE("ends: an answer that the client takes slowly is recorded when it is out of the gateway") {
  Slow slow;
  CHECK(slow.proxy.upstream.at(3001).last().wire().to_first.delivered >
        slow.body.size());  // the gateway has all of it
  slow.proxy.advance(20s);
  CHECK(slow.lines() == 0);
  flow(slow.proxy, *slow.client);
  CHECK(slow.client->response().body == slow.body);
  const base::Json line = slow.proxy.log.line("exchange");
  CHECK(line["status"] == 200);
  CHECK(line["cause"].is_null());
  slow.client->send(get);  // and the connection stays open
  CHECK(slow.client->response().body == slow.body);
}

TEST_CASE("ends: a client that leaves with the rest of its answer unsent is recorded as that") {
  for (const bool reset : {false, true}) {
    Slow slow;
    CHECK(slow.lines() == 0);
    reset ? slow.client->peer().reset() : slow.client->peer().leave();
    slow.proxy.settle();
    const base::Json line = slow.proxy.log.line("exchange");
    CHECK(line["cause"] == "client_closed");
    CHECK(line["stage"] == "response_body");
    CHECK(slow.client->gone());
  }
}

TEST_CASE("ends: a client that takes nothing of the rest is cut by a reset after the idle limit") {
  for (const std::string& request : {get, wants_close}) {
    Slow slow(request);
    slow.proxy.advance(59s);
    CHECK(slow.lines() == 0);
    slow.proxy.advance(2s);
    const base::Json line = slow.proxy.log.line("exchange");
    CHECK(line["cause"] == "client_timed_out");
    CHECK(line["detail"] == "no byte of the body was taken for 60000 ms");
    CHECK(slow.client->gone());
    flow(slow.proxy, *slow.client);
    CHECK(slow.client->broken());
  }
}

TEST_CASE("ends: a drain lets a slow client have the whole of its answer, and cuts at its deadline only") {
  for (const std::string& request : {get, wants_close}) {
    Slow slow(request);
    slow.client->connection().drain();
    CHECK(drip(slow.proxy, *slow.client, 1000, 1s, 30s));
    flow(slow.proxy, *slow.client);
    CHECK(slow.client->response().body == slow.body);
    CHECK(slow.client->ended());
    CHECK(slow.proxy.log.line("exchange")["cause"].is_null());
  }
  Slow cut;
  cut.client->connection().drain();
  cut.client->connection().cancel(base::Cause::shutting_down);
  cut.proxy.advance(100ms);
  CHECK(cut.client->gone());
  CHECK(cut.proxy.log.line("exchange")["cause"] == "shutting_down");
  flow(cut.proxy, *cut.client);
  CHECK(cut.client->over());
  CHECK(cut.client->unread().size() < cut.body.size());
}

TEST_CASE("ends: at the deadline of a drain, an answer that only waits to leave is cut by a reset") {
  Slow cut;
  cut.client->connection().drain();
  cut.client->connection().cancel(base::Cause::shutting_down);
  cut.proxy.advance(100ms);
  CHECK(cut.client->gone());
  flow(cut.proxy, *cut.client);
  CHECK(cut.client->broken());
}

TEST_CASE("ends: at the worker's end an exchange is recorded in the same turn, whatever its client takes") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect({.conduct = [](Wire& wire) { wire.to_first.capacity = 10; }});
  client.wire().to_first.stalled = true;
  client.send(get);
  client.connection().cancel(base::Cause::shutting_down);
  proxy.turns.turn.run();
  CHECK(proxy.log.line("exchange")["cause"] == "shutting_down");
  CHECK(proxy.log.line("exchange")["status"] == 503);
}

TEST_CASE("ends: a drain during a slow download over TLS lets it come whole, with its close_notify") {
  CertificateAuthority authority;
  net::TicketKeys tickets;
  auto tls = net::ServerTls::make({.certificates = {authority.issue({"a.example"})}, .ciphers = {}}, tickets);
  REQUIRE(tls.has_value());
  for (const std::string& request : {get, wants_close}) {
    for (const bool ends_first : {false, true}) {  // the client sends close_notify with its request
      ProxyFixture proxy;
      const std::string body = counted_bytes(window + tail);
      proxy.upstream.at(3001).behaviour = answers(response_text(body));
      ClientOptions options;
      options.tls = tls->get();
      TestClient& client = proxy.connect(options);
      RawTlsClient secured(client.peer().take_transport());
      secured.ask_for("a.example");
      secured.begin();
      proxy.settle();
      REQUIRE(secured.connected());
      slowly(client.wire());
      secured.send(request);
      if (ends_first) secured.finish();
      proxy.settle();
      client.connection().drain();
      proxy.advance(30s);
      CHECK(proxy.log_lines("exchange").empty());
      flow(proxy, client);
      std::string heard = secured.heard();
      const auto response = take_response(heard);
      REQUIRE(response.has_value());
      CHECK(response->body == body);
      CHECK(secured.ended());
      CHECK(proxy.log.line("exchange")["cause"].is_null());
      if (ends_first) CHECK(client.gone());
    }
  }
}

TEST_CASE("ends: an answer of the gateway's own is recorded when it is out, and cut like any other") {
  const std::string page(60'000, 'x');
  const std::string yaml =
      "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams: { app: { endpoints: [\"http://127.0.0.1:3001\"] "
      "} }\n"
      "routes: [{ name: all, respond: { body: \"" +
      page + "\" } }]\n";
  for (const bool leaves : {false, true}) {
    ProxyFixture proxy(yaml);
    proxy.client_window = 10'000;
    TestClient& client = proxy.connect({.conduct = slowly});
    client.wire().to_first.capacity = 10'000;
    client.send(get);
    CHECK(proxy.log_lines("exchange").empty());
    if (leaves) {
      client.peer().reset();
      proxy.settle();
      CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
    } else {
      flow(proxy, client);
      CHECK(client.response().body == page);
      CHECK(proxy.log.line("exchange")["cause"].is_null());
    }
  }
}

TEST_CASE("ends: a client that says something behind its close_notify, and leaves, is found") {
  CertificateAuthority authority;
  net::TicketKeys tickets;
  auto tls = net::ServerTls::make({.certificates = {authority.issue({"a.example"})}, .ciphers = {}}, tickets);
  REQUIRE(tls.has_value());
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(chunked_head);
  ClientOptions options;
  options.tls = tls->get();
  TestClient& client = proxy.connect(options);
  RawTlsClient secured(client.peer().take_transport());
  secured.ask_for("a.example");
  secured.begin();
  proxy.settle();
  secured.send(get);
  proxy.settle();
  secured.finish();
  secured.carrier().send(std::string("\x17\x03\x03\x00\x05hello", 10));
  proxy.settle();
  CHECK_FALSE(client.gone());
  secured.carrier().reset();
  proxy.settle();
  CHECK(client.gone());
  CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
}

TEST_CASE("ends: HEAD and 204 are over with their heads") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 204 No Content\r\n\r\n");
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().status() == 204);
  proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response(true).status() == 200);
  for (const base::Json& line : proxy.log_lines("exchange")) CHECK(line["cause"].is_null());
  CHECK_FALSE(client.over());
}

// --- the client's end ---

TEST_CASE("ends: a client that ends its direction after its request gets the whole answer and the end") {
  const std::string body = counted_bytes(300'000);
  for (const std::string& answer : {response_text(body), chunked_head + chunked_text(body, 30'000)}) {
    for (const std::string& version : {std::string("1.0"), std::string("1.1")}) {
      for (const bool at_once : {false, true}) {
        ProxyFixture proxy;
        proxy.upstream.at(3001).behaviour = says_nothing();
        TestClient& client = proxy.connect({.conduct = [](Wire& wire) { wire.to_first.capacity = window; }});
        client.queue("GET / HTTP/" + version + "\r\nHost: a\r\n\r\n");
        if (!at_once) proxy.settle();
        client.peer().finish();
        proxy.advance(50s);
        CHECK_FALSE(client.over());
        proxy.upstream.at(3001).last().send(answer);
        proxy.settle();
        CHECK(client.peer().ended());
        CHECK(client.response().body == body);
        CHECK(client.gone());
        CHECK(proxy.log.line("exchange")["cause"].is_null());
      }
    }
  }
}

TEST_CASE(
    "ends: who ends its direction behind a request for a protocol that is not spoken here is answered") {
  for (const bool at_once : {false, true}) {
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
    TestClient& client = proxy.connect();
    client.queue(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n");
    if (!at_once) proxy.settle();
    client.peer().finish();
    proxy.settle();
    CHECK(client.response().body == "hello");
  }
}

TEST_CASE("ends: all requests before the client's end are answered, and none behind it") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  client.queue(get + get + get + "GET / HTTP/1.1\r\nHo");
  client.peer().finish();
  proxy.settle();
  for (int i = 0; i < 3; ++i) CHECK(client.response().body == "yes");
  CHECK(client.unread().empty());
  CHECK(client.ended());
  CHECK(client.gone());
  CHECK(proxy.log_lines("exchange").size() == 3);
}

TEST_CASE("ends: a slow chunked answer goes on to a client that has ended its direction") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(get);
  FakeConnection& endpoint = proxy.upstream.at(3001).last();
  endpoint.send(chunked_head);
  proxy.settle();
  client.peer().finish();
  for (int i = 0; i < 10; ++i) {
    endpoint.send("1\r\nx\r\n");
    proxy.advance(5s);  // it has become a long answer meanwhile
  }
  endpoint.send("0\r\n\r\n");
  proxy.settle();
  CHECK(client.response().body == std::string(10, 'x'));
  CHECK(client.ended());
}

TEST_CASE("ends: a client that has gone for good is found when something is written to it") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(get);
  FakeConnection& endpoint = proxy.upstream.at(3001).last();
  client.peer().leave();
  proxy.settle();
  CHECK(proxy.log_lines("exchange").empty());
  endpoint.send(chunked_head);
  proxy.settle();
  CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
  CHECK(endpoint.gateway_closed());
}

TEST_CASE("ends: the end in the middle of a request is a leaving") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& head = proxy.connect();
  head.queue("GET / HTTP/1.1\r\nHo");
  head.peer().finish();
  proxy.settle();
  CHECK(head.gone());
  CHECK(proxy.log_lines("exchange").empty());
  for (const bool at_once : {false, true}) {
    TestClient& body = proxy.connect();
    body.queue("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    if (!at_once) proxy.settle();
    body.peer().finish();
    proxy.settle();
    CHECK(body.gone());
    const base::Json line = proxy.log_lines("exchange").back();
    CHECK(line["cause"] == "client_closed");
    CHECK(line["stage"] == "request_body");
    CHECK(proxy.upstream.open_count() == 0);
  }
}

TEST_CASE("ends: an upload whose client ends its direction behind it is sent whole, and answered") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).conduct = [](Wire& wire) {
    wire.to_second.capacity = window;
    wire.to_second.stalled = true;
  };
  proxy.upstream.at(3001).behaviour = answers(response_text("stored"));
  const std::string body = counted_bytes(150'000);
  TestClient& client = proxy.connect();
  client.queue("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n" + body);
  client.peer().finish();
  proxy.advance(10s);
  proxy.upstream.at(3001).last().wire().to_second.stalled = false;
  proxy.settle();
  CHECK(proxy.upstream.at(3001).last().requests.at(0).body == body);
  CHECK(client.response().body == "stored");
  CHECK(client.ended());
}

TEST_CASE("ends: where nothing might be written for long, the client's end is a leaving") {
  const std::string events =
      "GET / HTTP/1.1\r\nHost: a.example\r\nAccept: application/json, text/event-stream;q=0.5\r\n\r\n";
  for (const std::string& request : {upgrade, events}) {
    for (const bool at_once : {false, true}) {
      CAPTURE(request);
      ProxyFixture proxy;
      proxy.upstream.at(3001).behaviour = says_nothing();
      TestClient& client = proxy.connect();
      client.queue(request);
      if (!at_once) proxy.settle();
      client.peer().finish();
      proxy.settle();
      CHECK(client.gone());
      CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
      CHECK(proxy.upstream.open_count() == 0);
    }
  }
}

TEST_CASE("ends: the end of a client that gets events is a leaving, before their head or after it") {
  for (const bool before : {false, true}) {
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = says_nothing();
    TestClient& client = proxy.connect();
    client.send(get);
    FakeConnection& endpoint = proxy.upstream.at(3001).last();
    if (before) client.peer().finish();
    proxy.settle();
    endpoint.send(event_head);
    proxy.settle();
    if (!before) client.peer().finish();
    proxy.settle();
    CHECK(client.gone());
    CHECK(proxy.log.line(before ? "exchange" : "stream_close")["cause"] == "client_closed");
    CHECK(endpoint.gateway_closed());
  }
}

TEST_CASE("ends: the end of a client that waits in a line for an endpoint is a leaving") {
  for (const bool before : {false, true}) {
    ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"], hold: 10s } }
routes: [{ name: all, upstream: app }]
)");
    proxy.upstream.at(3001).reach = Reach::refused;
    TestClient& client = proxy.connect();
    client.queue(get);
    if (!before) proxy.settle();
    client.peer().finish();
    proxy.settle();
    CHECK(client.gone());
    CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
    CHECK(proxy.group().state().held.count() == 0);
  }
}

// --- progress ---

TEST_CASE("ends: a client that takes 250 bytes a second has the whole of its answer") {
  Slow slow(get, 1'000'000);
  CHECK(drip(slow.proxy, *slow.client, 2500, 10s, 1h));
  CHECK(slow.lines() == 0);
  flow(slow.proxy, *slow.client);
  CHECK(slow.client->response().body == slow.body);
  Slow steps(get, 1'000'000);  // as when a window opens
  CHECK(drip(steps.proxy, *steps.client, window, 1s, 1s));
  CHECK(drip(steps.proxy, *steps.client, window, 262s, 1h));
  flow(steps.proxy, *steps.client);
  CHECK(steps.client->response().body == steps.body);
  CHECK(steps.proxy.log.line("exchange")["cause"].is_null());
}

TEST_CASE(
    "ends: a client that takes 100 bytes a second is cut, and so is one that takes the rest so slowly") {
  for (const size_t size : {size_t{1'000'000}, window + tail}) {
    Slow slow(get, size);
    CHECK_FALSE(drip(slow.proxy, *slow.client, 1000, 10s, 1h));
    const base::Json line = slow.proxy.log.line("exchange");
    CHECK(line["cause"] == "client_too_slow");
    CHECK(line["detail"] == "fewer than 240 bytes of the body in a second");
    flow(slow.proxy, *slow.client);
    CHECK(slow.client->broken());
  }
}

TEST_CASE("ends: an endpoint that takes an upload all the time is waited for, one that stops is not") {
  for (const bool stops : {false, true}) {
    ProxyFixture proxy;
    FakeEndpoint& endpoint = proxy.upstream.at(3001);
    endpoint.behaviour = answers(response_text("stored"));
    endpoint.conduct = [](Wire& wire) {
      wire.to_second.capacity = window;
      wire.to_second.stalled = true;
    };
    TestClient& client = proxy.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + counted_bytes(1'000'000));
    Passage& way = endpoint.last().wire().to_second;
    const auto over = [&] { return !proxy.log_lines("exchange").empty(); };
    CHECK(drip(proxy, way, over, 7000, 10s, 10min));
    if (stops) {
      proxy.advance(122s);
      CHECK(proxy.log.line("exchange")["cause"] == "upstream_timed_out");
      continue;
    }
    way.pieces.clear();
    way.stalled = false;
    proxy.settle();
    CHECK(client.response().body == "stored");
  }
}
