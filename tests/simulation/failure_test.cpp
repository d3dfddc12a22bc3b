// What clients and the log see when an endpoint or a client fails.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: app.example\r\n\r\n";
constexpr std::string_view post = "POST /x HTTP/1.1\r\nHost: app.example\r\nContent-Length: 4\r\n\r\nbody";

// Makes a pooled connection that was idle for `idle`.
void warm_up(ProxyFixture& proxy, uint16_t port, Duration idle) {
  proxy.upstream.at(port).behaviour = answers(response_text("warm"));
  TestClient& client = proxy.connect();
  client.send(get);
  REQUIRE(client.response().body == "warm");
  client.peer().leave();
  proxy.advance(idle);
}

}  // namespace

TEST_CASE("exchange: connect refused retries on the next endpoint") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  for (std::string_view request : {get, post}) {
    client.send(request);
    CHECK(client.response().body == "second");
  }
  const auto lines = proxy.log_lines("exchange");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["attempts"] == 2);
  CHECK(lines[0]["endpoint"] == "http://127.0.0.1:3002");
  CHECK(lines[0]["cause"].is_null());
  CHECK(lines[1]["attempts"] == 1);  // the first endpoint is cooling down
}

TEST_CASE("exchange: when every endpoint refuses the client gets 502 and the log all addresses") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).reach = Reach::unreachable;
  TestClient& client = proxy.connect();
  client.send(get);
  const HttpMessage response = client.response();
  CHECK(response.status() == 502);
  CHECK(response.body.find("127.0.0.1") == std::string::npos);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_unreachable");
  CHECK(line["stage"] == "connect");
  CHECK(line["attempts"] == 2);
  CHECK(line["detail"] ==
        "http://127.0.0.1:3001: 127.0.0.1:3001 refused; http://127.0.0.1:3002: 127.0.0.1:3002 unreachable");
  REQUIRE(line["failed_attempts"].size() == 1);  // the last attempt is described by the line itself
  CHECK(line["failed_attempts"][0]["endpoint"] == "http://127.0.0.1:3001");
  client.send(get);  // the connection is still usable
  CHECK(client.response().status() == 502);
}

TEST_CASE("exchange: the detail of a failure tells of every endpoint, the last one last") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = closes_after("", 0);
  TestClient& client = proxy.connect();
  client.send(post);
  CHECK(client.response().status() == 502);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_closed");
  CHECK(line["stage"] == "response_head");
  CHECK(line["detail"] ==
        "http://127.0.0.1:3001: 127.0.0.1:3001 refused; http://127.0.0.1:3002 at 127.0.0.1:3002");
}

TEST_CASE("exchange: an endpoint that does not answer the connect is given up after its limit") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).reach = Reach::silent;
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK_FALSE(client.try_response().has_value());
  proxy.advance(4900ms);
  CHECK_FALSE(client.try_response().has_value());
  proxy.advance(200ms);
  CHECK(client.response().body == "second");
}

TEST_CASE("exchange: the number of attempts is bounded") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  app:
    endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"]
    retries: 1
routes: [{ name: all, upstream: app }]
)");
  for (uint16_t port = 1; port <= 4; ++port) proxy.upstream.at(port).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().status() == 502);
  CHECK(proxy.log.line("exchange")["attempts"] == 2);
}

TEST_CASE("exchange: a pooled connection that turns out closed is retried for idempotent requests") {
  ProxyFixture proxy;
  warm_up(proxy, 3001, 5s);
  FakeConnection& stale = proxy.upstream.at(3001).last();
  stale.wire().to_first.stalled = true;  // its end is still in transit
  stale.leave();
  TestClient& client = proxy.connect();
  client.send(get);
  stale.wire().to_first.stalled = false;
  proxy.settle();
  CHECK(client.response().body == "warm");
  CHECK(proxy.upstream.at(3001).dials == 2);
  CHECK(proxy.log.last("exchange")["attempts"] == 2);
}

TEST_CASE("exchange: a pooled connection that answers with a reset is no reason to fail a GET") {
  ProxyFixture proxy;
  warm_up(proxy, 3001, 1s);
  FakeConnection& stale = proxy.upstream.at(3001).last();
  proxy.upstream.at(3001).behaviour = [&](FakeConnection& connection) {
    if (&connection == &stale) return connection.reset();
    while (connection.take_request()) connection.send(response_text("fresh"));
  };
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().body == "fresh");
}

TEST_CASE("exchange: what may not be repeated takes no pooled connection that was idle for long") {
  ProxyFixture proxy;
  warm_up(proxy, 3001, 5s);
  TestClient& client = proxy.connect();
  client.send(post);
  CHECK(client.response().body == "warm");
  CHECK(proxy.upstream.at(3001).dials == 2);
}

TEST_CASE("exchange: what may not be repeated is not repeated") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).behaviour = closes_after("", 0);
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.response().status() == 502);
  CHECK(proxy.upstream.at(3002).dials == 0);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_closed");
  CHECK(line["attempts"] == 1);
}

TEST_CASE("exchange: a GET whose endpoint closes before its answer is asked of the next one") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).behaviour = closes_after("", 0);
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().body == "second");
}

TEST_CASE("exchange: once a byte of the response has come nothing is repeated") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).behaviour = closes_after("HTTP/1.1 2", 10);
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().status() == 502);
  CHECK(proxy.upstream.at(3002).dials == 0);
}

TEST_CASE("exchange: a response cut in its body is never seen as a complete one") {
  const std::string body = counted_bytes(2000);
  const std::string with_length = response_text(body);
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 500);
  for (const std::string& whole : {with_length, chunked})
    for (const bool reset : {false, true})
      for (const size_t cut : {whole.find("\r\n\r\n") + 4, whole.size() / 2, whole.size() - 1}) {
        CAPTURE(whole.substr(0, 40));
        CAPTURE(reset);
        CAPTURE(cut);
        ProxyFixture proxy;
        proxy.upstream.at(3001).behaviour = reset ? resets_after(whole, cut) : closes_after(whole, cut);
        TestClient& client = proxy.connect();
        client.send(get);
        CHECK_FALSE(client.try_response().has_value());
        CHECK(client.unread().find("\r\n0\r\n") == std::string::npos);  // no last chunk
        CHECK(client.over());
        CHECK(client.gone());
        const base::Json line = proxy.log.line("exchange");
        CHECK(line["status"] == 200);
        CHECK(line["cause"] == "upstream_closed");
        CHECK(line["stage"] == "response_body");
        CHECK(line["fault"] == "upstream");
        CHECK(proxy.upstream.open_count() == 0);
      }
}

TEST_CASE("exchange: a body that lasts until the end is cut by a reset and complete by a close") {
  ProxyFixture proxy;
  const std::string answer = "HTTP/1.1 200 OK\r\n\r\nhello";
  proxy.upstream.at(3001).behaviour = resets_after(answer, answer.size());
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK_FALSE(client.try_response().has_value());
  CHECK(client.over());
  proxy.upstream.at(3001).behaviour = closes_after(answer, answer.size());
  TestClient& second = proxy.connect();
  second.send(get);
  CHECK(second.response().body == "hello");
}

TEST_CASE("exchange: an HTTP/1.0 client sees a cut body as a reset too") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour =
      closes_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 58);
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  CHECK(client.broken());
  CHECK_FALSE(client.ended());
}

TEST_CASE("exchange: a head that does not come in time is 504") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(59900ms);
  CHECK_FALSE(client.try_response().has_value());
  proxy.advance(200ms);
  CHECK(client.response().status() == 504);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_timed_out");
  CHECK(line["stage"] == "response_head");
  CHECK(proxy.upstream.open_count() == 0);
  client.send(get);  // the client's connection is still usable
  CHECK(proxy.upstream.at(3001).dials == 2);
}

TEST_CASE("exchange: a body that falls silent is cut after the idle limit") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = [](FakeConnection& connection) {
    if (connection.take_request()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  };
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(61s);
  CHECK(client.over());
  CHECK_FALSE(client.try_response().has_value());
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_timed_out");
  CHECK(line["stage"] == "response_body");
  CHECK(line["response_bytes"] == 4);
  CHECK(proxy.upstream.open_count() == 0);
}

TEST_CASE("exchange: bytes that are no HTTP are 502, with the reason in the log alone") {
  ProxyFixture proxy;
  for (const std::string& bad :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\n A: b\r\n\r\n")}) {
    CAPTURE(bad);
    proxy.upstream.at(3001).behaviour = answers(bad);
    TestClient& client = proxy.connect();
    client.send(get);
    const HttpMessage response = client.response();
    CHECK(response.status() == 502);
    CHECK(response.body.find("detail") == std::string::npos);
    const base::Json line = proxy.log.last("exchange");
    CHECK(line["cause"] == "upstream_bad_response");
    CHECK(line["detail"].is_string());
    CHECK(proxy.upstream.open_count() == 0);
  }
}

TEST_CASE("exchange: bytes after a response close its connection and reach nobody") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("one") + response_text("two"));
  TestClient& client = proxy.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get);
    CHECK(client.response().body == "one");
  }
  CHECK(client.unread().empty());
  CHECK(proxy.upstream.at(3001).dials == 3);
}

TEST_CASE("exchange: a client that leaves ends the work of its endpoint") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = says_nothing();
  for (const bool reset : {false, true}) {
    TestClient& client = proxy.connect();
    client.send(get);
    CHECK(proxy.upstream.open_count() == 1);
    reset ? client.peer().reset() : client.peer().leave();
    proxy.settle();
    if (!reset) {  // it might wait for the answer, until some of it is sent
      CHECK(proxy.upstream.open_count() == 1);
      proxy.upstream.at(3001).last().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      proxy.settle();
    }
    CHECK(proxy.upstream.open_count() == 0);
    CHECK(client.gone());
    const base::Json line = proxy.log.last("exchange");
    CHECK(line["cause"] == "client_closed");
    CHECK(line["stage"] == (reset ? "response_head" : "response_body"));
    CHECK(line["fault"] == "client");
  }
}

TEST_CASE("exchange: a client that leaves while an endpoint is being dialled ends the dialling") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).reach = Reach::silent;
  TestClient& client = proxy.connect();
  client.send(get);
  client.peer().reset();
  proxy.settle();
  CHECK(client.gone());
  CHECK(proxy.log.line("exchange")["cause"] == "client_closed");
}

TEST_CASE("exchange: a client that cuts its upload is no request to the endpoint") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("never"));
  for (const std::string& start :
       {std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"),
        std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "4\r\nhalf\r\n")}) {
    TestClient& client = proxy.connect();
    client.send(start);
    client.peer().leave();
    proxy.settle();
    CHECK(client.gone());
    CHECK(proxy.upstream.at(3001).request_count() == 0);
    CHECK(proxy.upstream.at(3001).last().gateway_closed());
    CHECK(proxy.log.last("exchange")["cause"] == "client_closed");
  }
}

TEST_CASE("exchange: two failed requests do not stand in the way of a third") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  const std::string answer = response_text(counted_bytes(1000));
  proxy.upstream.at(3001).behaviour = resets_after(answer, 500);
  proxy.upstream.at(3002).behaviour = answers(answer);
  int complete = 0;
  for (int i = 0; i < 4; ++i) {
    TestClient& client = proxy.connect();
    client.send(get);
    const auto response = client.try_response();
    if (response) ++complete;
    CHECK(response.has_value() != client.over());
  }
  CHECK(complete == 2);
}
