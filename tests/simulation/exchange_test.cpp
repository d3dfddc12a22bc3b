// Requests and responses of every framing through the whole proxy.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view simple_get = "GET /x?a=1 HTTP/1.1\r\nHost: app.example\r\n\r\n";

// Echoes the request's body in its own response body.
Behaviour echoes() {
  return answers_with([](const HttpMessage& request) { return response_text(request.body); });
}

}  // namespace

TEST_CASE("exchange: a GET is answered by the endpoint") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("hello", "X-App: yes\r\n"));
  TestClient& client = proxy.connect();
  client.send(simple_get);
  const HttpMessage response = client.response();
  CHECK(response.start == "HTTP/1.1 200 OK");
  CHECK(response.body == "hello");
  CHECK(response.field("X-App") == "yes");
  CHECK(response.field("Content-Length") == "5");
  CHECK(client.unread().empty());
  const FakeConnection& connection = proxy.upstream.at(3001).last();
  REQUIRE(connection.requests.size() == 1);
  CHECK(connection.requests[0].start == "GET /x?a=1 HTTP/1.1");
  CHECK(connection.requests[0].field("Host") == "app.example");
  CHECK(connection.requests[0].field("X-Forwarded-For") == "203.0.113.9");
  CHECK(response.field("X-Request-Id") == connection.requests[0].field("X-Request-Id"));
  CHECK(response.field("X-Request-Id").size() == 32);

  const base::Json line = proxy.log.line("exchange");
  CHECK(line["status"] == 200);
  CHECK(line["method"] == "GET");
  CHECK(line["target"] == "/x?a=1");
  CHECK(line["route"] == "all");
  CHECK(line["upstream"] == "app");
  CHECK(line["endpoint"] == "http://127.0.0.1:3001");
  CHECK(line["attempts"] == 1);
  CHECK(line["response_bytes"] == 5);
  CHECK(line["client"] == "203.0.113.9");
  CHECK(line["cause"].is_null());
}

TEST_CASE("exchange: every framing of a response arrives whole, in whatever pieces its bytes come") {
  const std::string body = counted_bytes(5000);
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 700, "X-Sum: 9\r\n");
  const std::vector<std::pair<std::string, bool>> answers_to_try = {
      {response_text(body), false},
      {chunked, false},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body, true},
      {"HTTP/1.0 200 OK\r\n\r\n" + body, true},
  };
  for (const auto& [answer, closes] : answers_to_try)
    for (const std::vector<size_t>& pieces : {std::vector<size_t>{}, {1}, {3, 1, 1000}, {1459}}) {
      const std::string beginning = answer.substr(0, 50);
      CAPTURE(beginning);
      CAPTURE(pieces.size());
      ProxyFixture proxy;
      proxy.upstream.at(3001).conduct = [&](Wire& wire) { wire.to_first.pieces = pieces; };
      proxy.upstream.at(3001).behaviour =
          closes ? closes_after(answer, answer.size()) : Behaviour(answers(answer));
      TestClient& client = proxy.connect({.conduct = [&](Wire& wire) { wire.to_second.pieces = pieces; }});
      for (int round = 0; round < 2; ++round) {  // the client's connection can be used again
        client.send(simple_get);
        const HttpMessage response = client.response();
        CHECK(response.status() == 200);
        CHECK(response.body == body);
        CHECK(response.trailers.size() == (answer == chunked ? 1 : 0));
      }
      CHECK(proxy.upstream.at(3001).dials == (closes ? 2 : 1));
      CHECK_FALSE(client.gone());
    }
}

TEST_CASE("exchange: a HEAD has no body, whatever its head says") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n");
  TestClient& client = proxy.connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  for (int i = 0; i < 2; ++i) {
    const HttpMessage response = client.response(true);
    CHECK(response.status() == 200);
    CHECK(response.field("Content-Length") == "4711");
  }
  CHECK(client.unread().empty());
  CHECK(proxy.upstream.at(3001).dials == 1);
}

TEST_CASE("exchange: 204 and 304 have no body and keep both connections") {
  ProxyFixture proxy;
  for (std::string_view status : {"204 No Content", "304 Not Modified"}) {
    proxy.upstream.at(3001).behaviour =
        answers("HTTP/1.1 " + std::string(status) + "\r\nETag: \"x\"\r\n\r\n");
    TestClient& client = proxy.connect();
    for (int i = 0; i < 2; ++i) {
      client.send(simple_get);
      const HttpMessage response = client.response();
      CHECK(response.start == "HTTP/1.1 " + std::string(status));
      CHECK_FALSE(response.has("Transfer-Encoding"));
    }
  }
}

TEST_CASE("exchange: request bodies with a length and in chunks arrive whole, in whatever pieces") {
  const std::string body = counted_bytes(3000, 7);
  const std::string with_length =
      "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string in_chunks =
      "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 333);
  for (const std::string& request : {with_length, in_chunks})
    for (const std::vector<size_t>& pieces : {std::vector<size_t>{}, {1}, {2, 1000, 1}}) {
      CAPTURE(request.substr(0, 60));
      CAPTURE(pieces.size());
      ProxyFixture proxy;
      proxy.upstream.at(3001).behaviour = echoes();
      TestClient& client = proxy.connect({.conduct = [&](Wire& wire) { wire.to_second.pieces = pieces; }});
      client.send(request);
      CHECK(client.response().body == body);
      const HttpMessage& seen = proxy.upstream.at(3001).last().requests.at(0);
      CHECK(seen.has("Content-Length") == (request == with_length));
      CHECK(proxy.log.line("exchange")["request_bytes"] == body.size());
    }
}

TEST_CASE("exchange: a POST without a body says so to the endpoint") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("ok"));
  TestClient& client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.response().body == "ok");
  CHECK(proxy.upstream.at(3001).last().requests.at(0).field("Content-Length") == "0");
}

TEST_CASE("exchange: pipelined requests are answered in order, one at a time") {
  ProxyFixture proxy;
  FakeEndpoint& endpoint = proxy.upstream.at(3001);
  size_t most_at_once = 0;
  endpoint.behaviour = [&](FakeConnection& connection) {
    size_t here = 0;
    while (const auto request = connection.take_request()) {
      ++here;
      connection.send(response_text(request->target()));
    }
    most_at_once = std::max(most_at_once, here);
  };
  TestClient& client = proxy.connect();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  client.send(requests);
  for (int i = 0; i < 20; ++i) CHECK(client.response().body == "/" + std::to_string(i));
  CHECK(most_at_once == 1);
  CHECK(endpoint.dials == 1);
}

TEST_CASE("exchange: interim responses pass before the final one") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour =
      answers("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + response_text("done"));
  TestClient& client = proxy.connect();
  client.send(simple_get);
  const HttpMessage hints = client.response();
  CHECK(hints.status() == 103);
  CHECK(hints.field("Link") == "</a.css>");
  CHECK(client.response().body == "done");
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  CHECK(client.response().status() == 200);  // HTTP/1.0 has no interim responses
}

TEST_CASE("exchange: Expect is carried to the endpoint, whose 100 lets the body come") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (connection.stage == 0 && connection.peer().heard().find("\r\n\r\n") != std::string::npos) {
      connection.stage = 1;
      connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (connection.stage == 1 && connection.take_request()) connection.send(response_text("got it"));
  };
  TestClient& client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.response().status() == 100);
  CHECK_FALSE(client.try_response().has_value());
  client.send("body");
  CHECK(client.response().body == "got it");
  CHECK(proxy.upstream.at(3001).last().requests.at(0).body == "body");
}

TEST_CASE("exchange: HTTP/1.0 clients get bodies of unknown length up to the end of the connection") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour =
      answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_text("hello there", 4));
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK_FALSE(response.has("Transfer-Encoding"));
  CHECK(response.body == "hello there");
  CHECK(client.ended());
  CHECK(proxy.upstream.at(3001).last().requests.at(0).field("Host") == "127.0.0.1:3001");
}

TEST_CASE(
    "exchange: on strict paths dot segments are resolved before a route is chosen and before the endpoint "
    "sees them") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
paths: strict
upstreams: { open: { endpoints: ["http://127.0.0.1:3001"] }, inner: { endpoints: ["http://127.0.0.1:3002"] } }
routes:
  - { name: open, match: { path: /open }, upstream: open }
  - { name: inner, match: { path: /inner }, upstream: inner }
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("open"));
  proxy.upstream.at(3002).behaviour = answers(response_text("inner"));
  TestClient& client = proxy.connect();
  client.send("GET /inner/./a/../%2e/x?y=/../z HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().body == "inner");
  CHECK(proxy.upstream.at(3002).last().requests.at(0).target() == "/inner/x?y=/../z");
  client.send("GET /open/secret/.. HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().body == "open");
  CHECK(proxy.upstream.at(3001).last().requests.at(0).target() == "/open/");
  client.send("GET /open/%2f HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().status() == 400);
}

TEST_CASE("exchange: no route is 404, another method is 405 with the methods that are allowed") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: get-only, match: { path: /x, methods: [GET, HEAD] }, upstream: app }]
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("fine"));
  TestClient& client = proxy.connect();
  client.send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpMessage response = client.response();
  CHECK(response.status() == 404);
  CHECK(response.body.find("\"error\":\"no_route\"") != std::string::npos);
  client.send("DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n");
  response = client.response();
  CHECK(response.status() == 405);
  CHECK(response.field("Allow") == "GET, HEAD");
  CHECK(proxy.log.last("exchange")["cause"] == "method_not_allowed");
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().body == "fine");
  CHECK(proxy.upstream.at(3001).request_count() == 1);
}

TEST_CASE("exchange: a listener that redirects names the https address and asks no endpoint") {
  ProxyFixture proxy;
  TestClient& client = proxy.connect({.redirect_port = 8443});
  client.send("GET /a/b?c=d HTTP/1.1\r\nHost: app.example:8080\r\n\r\n");
  HttpMessage response = client.response();
  CHECK(response.status() == 308);
  CHECK(response.field("Location") == "https://app.example:8443/a/b?c=d");
  client.send("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
  CHECK(client.response().field("Location") == "https://[::1]:8443/");
  client.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(client.response().status() == 400);
  CHECK(proxy.upstream.at(3001).dials == 0);
  TestClient& usual = proxy.connect({.redirect_port = 443});
  usual.send("GET /x HTTP/1.1\r\nHost: app.example\r\n\r\n");
  CHECK(usual.response().field("Location") == "https://app.example/x");
}

TEST_CASE("exchange: what cannot be read is refused by the gateway and the connection closed") {
  ProxyFixture proxy;
  TestClient& client = proxy.connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nGET /smuggled");
  const HttpMessage response = client.response();
  CHECK(response.status() == 400);
  CHECK(response.field("Connection") == "close");
  CHECK(client.ended());
  CHECK(client.unread().empty());
  CHECK(proxy.upstream.at(3001).dials == 0);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "bad_request");
  CHECK(line["stage"] == "request_head");
}
