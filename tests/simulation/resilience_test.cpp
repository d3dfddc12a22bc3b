// Endpoints that fail and recover: requests that are held, retried, and kept away from them.
#include <doctest/doctest.h>

#include "base/error.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: app.example\r\n\r\n";
constexpr std::string_view post = "POST /x HTTP/1.1\r\nHost: app.example\r\nContent-Length: 4\r\n\r\nbody";
constexpr std::string_view empty_post = "POST /x HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view upgrade =
    "GET /ws HTTP/1.1\r\nHost: app.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// An upstream with `ports` and these further keys.
std::string with(const std::string& keys, const std::vector<int>& ports = {3001}) {
  std::string endpoints;
  for (int port : ports)
    endpoints += (endpoints.empty() ? "" : ", ") + ("\"http://127.0.0.1:" + std::to_string(port)) + "\"";
  return "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams: { app: { endpoints: [" + endpoints + "], " +
         keys + " } }\nroutes: [{ name: all, upstream: app }]\n";
}

std::vector<TestClient*> send_from(ProxyFixture& proxy, size_t count, std::string_view request) {
  std::vector<TestClient*> clients;
  for (size_t i = 0; i < count; ++i) {
    clients.push_back(&proxy.connect());
    clients.back()->send(request);
  }
  return clients;
}

}  // namespace

TEST_CASE("hold: a request waits for its endpoint, with any method, and the log says how long") {
  for (std::string_view request : {get, post}) {
    ProxyFixture proxy(with("hold: 10s"));
    proxy.upstream.at(3001).reach = Reach::refused;
    proxy.upstream.at(3001).behaviour = answers(response_text("back"));
    TestClient& client = proxy.connect();
    client.send(request);
    proxy.advance(3s);
    CHECK_FALSE(client.try_response().has_value());
    const int dials = proxy.upstream.at(3001).dials;
    CHECK(dials > 4);
    CHECK(dials < 12);
    proxy.upstream.at(3001).reach = Reach::good;
    proxy.advance(600ms);
    CHECK(client.response().body == "back");
    const base::Json line = proxy.log.line("exchange");
    CHECK(line["cause"].is_null());
    CHECK(line["attempts"] == dials + 1);
    CHECK(line["stages"]["held_ms"].get<double>() >= 3000);
    CHECK(line["stages"]["held_ms"].get<double>() <= 3600);
    CHECK(proxy.group().state().held.count() == 0);
  }
}

TEST_CASE("hold: a request that was never held says nothing of it") {
  ProxyFixture proxy(with("hold: 10s"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().status() == 200);
  CHECK(proxy.log.line("exchange")["stages"]["held_ms"].is_null());
}

TEST_CASE("hold: when its time passes the client gets 503 with Retry-After, and the connection stays") {
  ProxyFixture proxy(with("hold: 4s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(3900ms);
  CHECK_FALSE(client.try_response().has_value());
  proxy.advance(200ms);
  const HttpMessage response = client.response();
  CHECK(response.status() == 503);
  CHECK(response.field("Retry-After") == "1");
  CHECK(response.body.find("hold_expired") != std::string::npos);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "hold_expired");
  CHECK(line["stage"] == "connect");
  CHECK(line["detail"] == "http://127.0.0.1:3001: 127.0.0.1:3001 refused");
  CHECK(line["stages"]["held_ms"].get<double>() >= 4000);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  client.send(get);
  CHECK(client.response().status() == 200);
}

TEST_CASE("hold: an endpoint that does not even refuse takes no more than the time") {
  ProxyFixture proxy(with("hold: 2s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(1s);
  proxy.upstream.at(3001).reach = Reach::silent;
  proxy.advance(1100ms);
  CHECK(client.response().status() == 503);
  CHECK(proxy.log.line("exchange")["cause"] == "hold_expired");
}

TEST_CASE("hold: one more than the limit is refused at once, and a place that is free is taken") {
  ProxyFixture proxy(with("hold: { time: 10s, requests: 2 }"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = answers(response_text("back"));
  const auto held = send_from(proxy, 2, get);
  TestClient& refused = proxy.connect();
  refused.send(get);
  const HttpMessage response = refused.response();
  CHECK(response.status() == 503);
  CHECK(response.field("Retry-After") == "1");
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "overloaded");
  CHECK(line["detail"] == "http://127.0.0.1:3001: 127.0.0.1:3001 refused; hold: 2 requests are held already");
  held[0]->peer().leave();
  proxy.settle();
  CHECK(proxy.group().state().held.count() == 1);
  refused.send(get);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(2s);
  CHECK(refused.response().body == "back");
  CHECK(held[1]->response().body == "back");
}

TEST_CASE("hold: a client that fills it keeps nobody else out") {
  ProxyFixture proxy(with("hold: { time: 10s, requests: 3 }"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = answers(response_text("back"));
  const auto held = send_from(proxy, 3, get);
  TestClient& other = proxy.connect({.address = "198.51.100.7"});
  other.send(get);
  CHECK_FALSE(other.try_response().has_value());
  CHECK(held[2]->response().status() == 503);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "overloaded");
  CHECK(std::string(line["detail"])
            .ends_with("hold: 3 requests are held already, and of this client more than of others"));
  CHECK(proxy.group().state().held.count() == 3);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(2s);
  CHECK(other.response().body == "back");
}

TEST_CASE("hold: a client that leaves is noticed, and asks nothing of the endpoint") {
  ProxyFixture proxy(with("hold: 10s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  for (const bool reset : {false, true}) {
    TestClient& client = proxy.connect();
    client.send(get);
    reset ? client.peer().reset() : client.peer().leave();
    proxy.settle();
    CHECK(client.gone());
    CHECK(proxy.log.last("exchange")["cause"] == "client_closed");
  }
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(2s);
  CHECK(proxy.upstream.at(3001).connections.empty());
}

TEST_CASE("hold: a drain lets held requests go on, and its deadline ends them") {
  ProxyFixture proxy(with("hold: 10s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = answers(response_text("back"));
  TestClient& client = proxy.connect();
  client.send(get);
  client.connection().drain();
  proxy.advance(1s);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(1s);
  CHECK(client.response().body == "back");
  CHECK(client.ended());

  proxy.upstream.at(3001).reach = Reach::refused;
  for (const auto& connection : proxy.upstream.at(3001).connections) connection->leave();
  proxy.settle();
  TestClient& late = proxy.connect();
  late.send(get);
  late.connection().drain();
  proxy.advance(1s);
  late.connection().cancel(base::Cause::shutting_down);
  proxy.settle();
  CHECK(late.response().status() == 503);
  CHECK(proxy.log.last("exchange")["cause"] == "shutting_down");
}

TEST_CASE("hold: an upgrade is held too") {
  ProxyFixture proxy(with("hold: 10s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& client = proxy.connect();
  client.send(upgrade);
  proxy.advance(2s);
  CHECK(client.unread().empty());
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(600ms);
  CHECK(client.unread().starts_with("HTTP/1.1 101 "));
  CHECK(proxy.log.line("tunnel_open")["held_ms"].get<double>() >= 2000);
}

TEST_CASE("hold: what an upgrade waited for its turn before is time that it was held") {
  ProxyFixture proxy(with("hold: 10s") + "websocket: { admission: { rate: 1/s, burst: 1, wait: 5s } }\n");
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  send_from(proxy, 3, upgrade);
  proxy.advance(3s);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(1s);
  const auto lines = proxy.log_lines("tunnel_open");
  REQUIRE(lines.size() == 3);
  for (const base::Json& line : lines) CHECK(line["held_ms"].get<double>() >= 3000);
}

TEST_CASE("hold: many held requests do not knock all at once, and none is forgotten") {
  ProxyFixture proxy(with("hold: 10s"));
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3001).behaviour = answers(response_text("back"));
  const auto clients = send_from(proxy, 200, get);
  const int first = proxy.upstream.at(3001).dials;
  proxy.advance(5s);
  CHECK(proxy.upstream.at(3001).dials - first < 20);
  proxy.upstream.at(3001).reach = Reach::good;
  proxy.advance(1s);
  for (TestClient* client : clients) CHECK(client->response().body == "back");
}

TEST_CASE("hold: an endpoint that takes connections and breaks them is given up after the attempts") {
  ProxyFixture proxy(with("hold: 10s, retries: 2"));
  proxy.upstream.at(3001).behaviour = resets_after("", 0);
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(3s);
  CHECK(client.response().status() == 502);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["cause"] == "upstream_closed");
  CHECK(line["attempts"] == 3);
}

TEST_CASE("hold: a GET whose connection breaks goes again, what may not be repeated does not") {
  ProxyFixture proxy(with("hold: 10s"));
  FakeEndpoint& endpoint = proxy.upstream.at(3001);
  endpoint.behaviour = resets_after("", 0);
  TestClient& client = proxy.connect();
  client.send(get);
  endpoint.reach = Reach::refused;
  proxy.advance(1s);
  CHECK_FALSE(client.try_response().has_value());
  endpoint.behaviour = answers(response_text("back"));
  endpoint.reach = Reach::good;
  proxy.advance(1s);
  CHECK(client.response().body == "back");

  for (std::string_view request : {post, empty_post}) {
    ProxyFixture other(with("hold: 10s"));
    other.upstream.at(3001).behaviour = closes_after("", 0);
    TestClient& second = other.connect();
    second.send(request);
    CHECK(second.response().status() == 502);
    CHECK(other.upstream.at(3001).dials == 1);
  }
}

TEST_CASE("hold: both endpoints are tried on each turn, and the first that is back takes it") {
  ProxyFixture proxy(with("hold: 10s", {3001, 3002}));
  proxy.upstream.at(3001).reach = proxy.upstream.at(3002).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(2s);
  CHECK(proxy.upstream.at(3001).dials == proxy.upstream.at(3002).dials);
  proxy.upstream.at(3002).reach = Reach::good;
  proxy.advance(600ms);
  CHECK(client.response().body == "second");
}

TEST_CASE("retries: a connection whose answer was not read to its end is not used again") {
  ProxyFixture proxy(with("retries: { on: [connect, reset, status_503] }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour = answers(response_text("busy", "", "503 Busy"));
  proxy.upstream.at(3002).behaviour = answers(response_text("fine"));
  TestClient& client = proxy.connect();
  for (int i = 0; i < 4; ++i) {
    client.send(get);
    CHECK(client.response().body == "fine");
  }
  CHECK(proxy.upstream.at(3001).dials > 0);
  CHECK(proxy.upstream.at(3001).open_count() == 0);
}

TEST_CASE("retries: a status that is named is asked of another endpoint, once the methods allow it") {
  const std::string busy = response_text("busy", "", "503 Busy");
  ProxyFixture proxy(with("retries: { on: [connect, reset, status_503] }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour = answers(busy);
  proxy.upstream.at(3002).behaviour = answers(response_text("fine"));
  TestClient& client = proxy.connect();
  for (int i = 0; i < 4; ++i) {
    client.send(get);
    CHECK(client.response().body == "fine");
  }
  proxy.upstream.at(3002).behaviour = answers(busy);
  client.send(get);
  const HttpMessage last = client.response();
  CHECK(last.status() == 503);
  CHECK(last.body == "busy");  // the endpoint's own answer
  const base::Json line = proxy.log.last("exchange");
  CHECK(line["attempts"] == 2);
  CHECK(line["cause"].is_null());
  client.send(empty_post);
  CHECK(client.response().body == "busy");
  CHECK(proxy.log.last("exchange")["attempts"] == 1);
}

TEST_CASE("retries: without its name a status is passed on") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  for (uint16_t port : {3001, 3002})
    proxy.upstream.at(port).behaviour = answers(response_text("busy", "", "503 Busy"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.response().status() == 503);
  CHECK(proxy.log.line("exchange")["attempts"] == 1);
}

TEST_CASE("retries: a head that does not come is asked elsewhere when timeout is named") {
  ProxyFixture proxy(with("timeouts: { response: 2s }, retries: { on: [timeout] }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour = says_nothing();
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(2100ms);
  CHECK(client.response().body == "second");
}

TEST_CASE("retries: an interim response that the client has seen ends them") {
  ProxyFixture proxy(with("retries: { on: [status_503] }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour =
      answers("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + response_text("busy", "", "503 Busy"));
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send(get);
  CHECK(client.unread().find("103 Early Hints") != std::string::npos);
  CHECK(proxy.log.line("exchange")["status"] == 503);
  CHECK(proxy.upstream.at(3002).dials == 0);
}

TEST_CASE("retries: the budget keeps an outage from multiplying the load") {
  ProxyFixture proxy(
      with("eject: none, retries: { attempts: 1, budget: 10%, budget_minimum: 1 }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour = proxy.upstream.at(3002).behaviour = closes_after("", 0);
  constexpr size_t requests = 400;
  for (TestClient* client : send_from(proxy, requests, get)) CHECK(client->response().status() == 502);
  const size_t asked = proxy.upstream.at(3001).request_count() + proxy.upstream.at(3002).request_count();
  CHECK(asked == requests + requests / 10 + 10);
}

TEST_CASE("eject: an endpoint that breaks every connection is left alone, tried once, and taken back") {
  ProxyFixture proxy(with("eject: { failures: 3, time: 5s }", {3001, 3002}));
  FakeEndpoint& bad = proxy.upstream.at(3001);
  bad.behaviour = closes_after("", 0);
  proxy.upstream.at(3002).behaviour = answers(response_text("good"));
  TestClient& client = proxy.connect();
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) {
      client.send(get);
      CHECK(client.response().body == "good");
    }
  };
  ask(20);
  CHECK(bad.dials == 3);
  CHECK(proxy.log.line("endpoint_ejected")["endpoint"] == "http://127.0.0.1:3001");
  proxy.advance(5100ms);
  ask(20);
  CHECK(bad.dials == 4);  // the trial request, which no client has to pay for
  proxy.advance(9s);
  ask(4);
  CHECK(bad.dials == 4);
  bad.behaviour = answers(response_text("good"));
  proxy.advance(2s);
  ask(4);
  CHECK(proxy.log.line("endpoint_readmitted")["endpoint"] == "http://127.0.0.1:3001");
  CHECK(bad.request_count() == 6);
}

TEST_CASE("eject: when every endpoint fails they are tried all the same") {
  ProxyFixture proxy(with("eject: { failures: 1, time: 60s }", {3001, 3002}));
  proxy.upstream.at(3001).behaviour = proxy.upstream.at(3002).behaviour = closes_after("", 0);
  TestClient& client = proxy.connect();
  for (int i = 0; i < 5; ++i) {
    client.send(get);
    CHECK(client.response().status() == 502);
  }
  proxy.upstream.at(3001).behaviour = proxy.upstream.at(3002).behaviour = answers(response_text("good"));
  client.send(get);
  CHECK(client.response().body == "good");
}

TEST_CASE("eject: a reload keeps it, with its back-off") {
  const std::string yaml = with("eject: { failures: 1, time: 60s }", {3001, 3002});
  ProxyFixture proxy(yaml);
  proxy.upstream.at(3001).behaviour = closes_after("", 0);
  proxy.upstream.at(3002).behaviour = answers(response_text("good"));
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.adopt(yaml);
  for (int i = 0; i < 6; ++i) client.send(get);
  CHECK(proxy.upstream.at(3001).dials == 1);
}

TEST_CASE("health: an endpoint that is down gets no requests, and all of them when both are") {
  ProxyFixture proxy(with("health: { path: /healthz }", {3001, 3002}));
  for (uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = answers(response_text("fine"));
  TestClient& client = proxy.connect();
  const auto ask = [&](int times) {
    for (int i = 0; i < times; ++i) {
      client.send(get);
      CHECK(client.response().body == "fine");
    }
  };
  proxy.tell_health(0, false);
  ask(6);
  CHECK(proxy.upstream.at(3001).request_count() == 0);
  proxy.tell_health(1, false);  // trying the endpoint is better than refusing
  ask(6);
  CHECK(proxy.upstream.at(3001).request_count() == 3);
  proxy.tell_health(0, true);
  ask(6);
  CHECK(proxy.upstream.at(3001).request_count() == 9);
}

TEST_CASE("health: with hold requests wait until a check passes, and go at once when it does") {
  ProxyFixture proxy(with("hold: 10s, health: { path: /healthz, start: down }"));
  proxy.upstream.at(3001).behaviour = answers(response_text("ready"));
  TestClient& client = proxy.connect();
  client.send(get);
  proxy.advance(5s);
  CHECK(proxy.upstream.at(3001).dials == 0);  // it listens, but reports that it is not ready
  proxy.tell_health(0, true);
  CHECK(client.response().body == "ready");

  proxy.tell_health(0, false);
  client.send(get);
  proxy.advance(11s);
  CHECK(client.response().status() == 503);
  const base::Json line = proxy.log.last("exchange");
  CHECK(line["cause"] == "hold_expired");
  CHECK(line["attempts"] == 0);
  CHECK(line["detail"] == "no endpoint passes its health checks");
}
