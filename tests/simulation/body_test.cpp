// Bodies that are large, slow, cut off by a rule, or answered before they end.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr size_t large = 3 * 1024 * 1024;
// Two channels and two backlogs of 64 KiB each, plus what one read may add.
constexpr uint64_t held_max = 512 * 1024;

std::string limited(std::string_view limits, std::string_view route = {}) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "upstreams: { app: { endpoints: [\"http://127.0.0.1:3001\"] } }\n"
         "routes: [{ name: all, upstream: app" +
         std::string(route) + " }]\nlimits: { " + std::string(limits) + " }\n";
}

// Runs the fixture while `reader` takes `step` bytes every 10 ms. Returns the largest number of bytes that
// the gateway held at a time.
uint64_t run_slowly(ProxyFixture& proxy, const Passage& into, const Passage& out_of, Passage& reader,
                    size_t step, const std::function<bool()>& done) {
  uint64_t most = 0;
  const auto look = [&] {
    if (into.delivered > out_of.sent) most = std::max(most, into.delivered - out_of.sent);
  };
  reader.pieces = {step};
  for (int i = 0; i < 100'000 && !done(); ++i) {
    look();
    reader.stalled = false;
    proxy.turns.step();
    reader.stalled = true;
    proxy.settle(look);
    proxy.advance(10ms);
  }
  reader.stalled = false;
  proxy.settle();
  return most;
}

}  // namespace

TEST_CASE("body: a large download through a slow client is whole, and little of it waits in the gateway") {
  const std::string body = counted_bytes(large);
  const std::string with_length = response_text(body);
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 30000);
  for (const std::string& answer : {with_length, chunked}) {
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(answer);
    TestClient& client = proxy.connect({.conduct = [](Wire& wire) { wire.to_first.capacity = 64 * 1024; }});
    client.wire().to_first.stalled = true;
    client.peer().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    proxy.settle();
    REQUIRE(proxy.upstream.at(3001).connections.size() == 1);
    FakeConnection& connection = proxy.upstream.at(3001).last();
    const uint64_t most =
        run_slowly(proxy, connection.wire().to_first, client.wire().to_first, client.wire().to_first, 60'000,
                   [&] { return client.peer().heard().size() >= body.size() + 100; });
    CHECK(client.response().body == body);
    CHECK(most > 0);
    CHECK(most <= held_max);
  }
}

TEST_CASE("body: a large upload to a slow endpoint is whole, and little of it waits in the gateway") {
  const std::string body = counted_bytes(large, 3);
  const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& request :
       {head + "Content-Length: " + std::to_string(large) + "\r\n\r\n" + body,
        head + "Transfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 50'000)}) {
    ProxyFixture proxy;
    FakeEndpoint& endpoint = proxy.upstream.at(3001);
    endpoint.behaviour = [](FakeConnection& connection) {
      if (connection.peer().heard().size() + connection.unread.size() < large)
        return;  // do not read it each time
      if (connection.take_request()) connection.send(response_text("stored"));
    };
    endpoint.conduct = [](Wire& wire) {
      wire.to_second.capacity = 64 * 1024;
      wire.to_second.stalled = true;
    };
    TestClient& client = proxy.connect();
    client.send(request);
    REQUIRE(endpoint.connections.size() == 1);
    const uint64_t most = run_slowly(proxy, client.wire().to_second, endpoint.last().wire().to_second,
                                     endpoint.last().wire().to_second, 60'000,
                                     [&] { return !endpoint.last().requests.empty(); });
    CHECK(client.response().body == "stored");
    CHECK(endpoint.last().requests.at(0).body == body);
    CHECK(most > 0);
    CHECK(most <= held_max);
  }
}

TEST_CASE(
    "body: a client that stops reading is waited for up to the idle limit, the endpoint paused meanwhile") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text(counted_bytes(large)));
  TestClient& client = proxy.connect();
  client.wire().to_first.stalled = true;
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  FakeConnection& connection = proxy.upstream.at(3001).last();
  CHECK(connection.wire().first_paused);
  const uint64_t taken = connection.wire().to_first.delivered;
  CHECK(taken < large);
  proxy.advance(55s);
  CHECK(connection.wire().to_first.delivered == taken);
  CHECK_FALSE(connection.gateway_closed());
  proxy.advance(6s);
  CHECK(connection.gateway_closed());
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "client_timed_out");
  CHECK(line["stage"] == "response_body");
  client.wire().to_first.stalled = false;
  proxy.settle();
  CHECK(client.over());
  CHECK_FALSE(client.try_response().has_value());
}

TEST_CASE("body: a client that stops sending is answered 408 after the idle limit") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  proxy.advance(59s);
  CHECK_FALSE(client.try_response().has_value());
  proxy.advance(2s);
  CHECK(client.response().status() == 408);
  CHECK(proxy.upstream.open_count() == 0);
  CHECK(proxy.log.line("exchange")["cause"] == "client_timed_out");
}

TEST_CASE("body: an upload that moves may take longer than the limit for the response head") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (connection.take_request()) connection.send(response_text("stored"));
  };
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    client.send(std::string(3000, 'x'));
    proxy.advance(10s);  // 100 s in total; response_timeout is 60 s
  }
  CHECK(client.response().status() == 200);
}

TEST_CASE("body: a length beyond the limit is refused before the endpoint is asked") {
  ProxyFixture proxy(limited("body_size: 1000B"));
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK(response.status() == 413);
  CHECK(response.body.find("body_too_large") != std::string::npos);
  CHECK(proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("body: chunks beyond the limit are 413, and the endpoint never sees a whole request") {
  for (const std::string& yaml :
       {limited("body_size: 1000B"), limited("body_size: 50B", ", body_size: 1000B")}) {
    ProxyFixture proxy(yaml);
    proxy.upstream.at(3001).behaviour = answers(response_text("stored"));
    TestClient& client = proxy.connect();
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(head + chunked_text(counted_bytes(1000), 100));
    CHECK(client.response().body == "stored");
    client.send(head + chunked_text(counted_bytes(1001), 100));
    CHECK(client.response().status() == 413);
    CHECK(proxy.upstream.at(3001).request_count() == 1);
    CHECK(proxy.upstream.open_count() == 0);
    const base::Json line = proxy.log.last("exchange");
    CHECK(line["cause"] == "body_too_large");
    CHECK(line["status"] == 413);
  }
}

TEST_CASE("body: a broken chunk in an upload is 400, and the endpoint never sees a whole request") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("stored"));
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n");
  CHECK(client.response().status() == 400);
  CHECK(client.ended());
  CHECK(proxy.upstream.at(3001).request_count() == 0);
  CHECK(proxy.upstream.open_count() == 0);
}

TEST_CASE("body: an answer that comes during the upload passes at once, and both connections end") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (std::exchange(connection.stage, 1) == 0)
      connection.send(response_text("too much", "X-Early: yes\r\n", "413 Content Too Large"));
  };
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + counted_bytes(300'000));
  const HttpMessage response = client.response();
  CHECK(response.status() == 413);
  CHECK(response.field("X-Early") == "yes");
  CHECK(proxy.upstream.open_count() == 0);
  client.send(counted_bytes(700'000));  // may still arrive, and is discarded
  proxy.advance(6s);
  CHECK(client.gone());
  CHECK_FALSE(client.try_response().has_value());
}

TEST_CASE("body: a refused upload that came whole leaves the connection usable") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, match: { path: /here }, upstream: app }]
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("fine"));
  for (const size_t size : {size_t{100}, size_t{70'000}, size_t{120'000}}) {
    CAPTURE(size);
    TestClient& client = proxy.connect();
    client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                counted_bytes(size));
    const HttpMessage response = client.response();
    CHECK(response.status() == 404);
    if (response.field("Connection") == "close") continue;  // announced, so this is in order
    client.send("GET /here HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.response().body == "fine");
  }
}

TEST_CASE("body: trailers of a response pass, those that steer something do not") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour =
      answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunked_text("data", 4, "X-Checksum: 77\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n"));
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK(response.body == "data");
  REQUIRE(response.trailers.size() == 1);
  CHECK(response.trailers[0] == std::pair<std::string, std::string>("X-Checksum", "77"));
}

namespace {

std::string with_own_limits(std::string_view listener, std::string_view route) {
  return "listeners: [{ address: \"127.0.0.1:0\", limits: { " + std::string(listener) +
         " } }]\nupstreams: { app: { endpoints: [\"http://127.0.0.1:3001\"] } }\n"
         "routes:\n  - { name: all, upstream: app }\n"
         "  - { name: own, match: { path: /own }, upstream: app, limits: { " +
         std::string(route) + " } }\n";
}

std::string post(std::string_view path, size_t length) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

}  // namespace

TEST_CASE("body: a client that sends more slowly than the rate is answered 408 and told why") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(post("/", 100));
  for (int i = 0; i < 6; ++i) {
    client.send("x");
    proxy.advance(10s);
    if (i < 5) CHECK_FALSE(client.try_response().has_value());
  }
  proxy.advance(1s);
  CHECK(client.response().status() == 408);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "client_too_slow");
  CHECK(line["stage"] == "request_body");
  CHECK(line["detail"] == "fewer than 240 bytes of the body in a second");
  CHECK(proxy.upstream.open_count() == 0);
}

TEST_CASE("body: a route may take any pace, and the whole request must be there in time") {
  ProxyFixture proxy(with_own_limits("request_timeout: 5m", "request_body_rate: none"));
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(post("/own", 100));
  for (int i = 0; i < 29; ++i) {
    client.send("x");
    proxy.advance(10s);
    REQUIRE_FALSE(client.try_response().has_value());
  }
  proxy.advance(11s);
  CHECK(client.response().status() == 408);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "client_timed_out");
  CHECK(line["stage"] == "request_body");
  CHECK(line["detail"] == "the request is not whole after 300000 ms");
}

TEST_CASE("body: limits of a listener hold, and those of a route stand before them") {
  ProxyFixture proxy(with_own_limits("body_size: 10, idle_timeout: 5s", "body_size: 20, idle_timeout: 8s"));
  proxy.upstream.at(3001).behaviour = answers(response_text("stored"));
  TestClient& client = proxy.connect();
  client.send(post("/", 11));
  CHECK(client.response().status() == 413);
  TestClient& own = proxy.connect();
  own.send(post("/own", 20) + std::string(20, 'x'));
  CHECK(own.response().status() == 200);
  own.send(post("/own", 21));
  CHECK(own.response().status() == 413);
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& slow = proxy.connect();
  slow.send(post("/own", 20));
  proxy.advance(7s);
  CHECK_FALSE(slow.try_response().has_value());
  proxy.advance(1100ms);
  CHECK(slow.response().status() == 408);
  CHECK(proxy.log.last("exchange")["detail"] == "no byte of the body came for 8000 ms");
}

TEST_CASE("body: the last request of a connection is answered with close") {
  ProxyFixture proxy(with_own_limits("requests_per_connection: 3", ""));
  proxy.upstream.at(3001).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  for (int i = 1; i <= 3; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const HttpMessage response = client.response();
    CHECK(response.status() == 200);
    CHECK(response.field("Connection") == (i == 3 ? "close" : ""));
  }
  proxy.settle();
  CHECK(client.ended());
}
