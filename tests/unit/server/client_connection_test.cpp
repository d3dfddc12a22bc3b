#include "server/client_connection.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "support/certificates.h"
#include "support/proxy_fixture.h"
#include "support/raw_tls_client.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

// A worker whose endpoint answers "hello".
struct Greeting {
  Greeting() { proxy.upstream.at(3001).behaviour = answers(response_text("hello")); }
  ProxyFixture proxy;
};

// The same worker with a certificate for a.example.
struct SecuredGreeting : Greeting {
  SecuredGreeting() {
    auto made =
        net::ServerTls::make({.certificates = {authority.issue({"a.example"})}, .ciphers = {}}, tickets);
    REQUIRE(made.has_value());
    tls = std::move(*made);
  }
  TestClient& connect() {
    ClientOptions options;
    options.tls = tls.get();
    return proxy.connect(options);
  }
  CertificateAuthority authority;
  net::TicketKeys tickets;
  std::unique_ptr<const net::ServerTls> tls;
};

}  // namespace

TEST_CASE("client connection: requests follow each other on one connection until one says close") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  for (int i = 0; i < 5; ++i) {
    client.send(get);
    const HttpMessage response = client.response();
    CHECK(response.body == "hello");
    CHECK_FALSE(response.has("Connection"));
    CHECK_FALSE(client.over());
  }
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.response().field("Connection") == "close");
  CHECK(client.ended());
  client.peer().finish();
  turns.proxy.settle();
  CHECK(client.gone());
}

TEST_CASE("client connection: HTTP/1.0 closes unless it asks to stay") {
  Greeting turns;
  TestClient& closes = turns.proxy.connect();
  closes.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(closes.response().body == "hello");
  CHECK(closes.ended());
  TestClient& stays = turns.proxy.connect();
  stays.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(stays.response().field("Connection") == "keep-alive");
  CHECK_FALSE(stays.over());
}

TEST_CASE("client connection: one that rests longer than the keep-alive time ends") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send(get);
  CHECK(client.response().body == "hello");
  turns.proxy.advance(74s);
  CHECK_FALSE(client.over());
  turns.proxy.advance(2s);
  CHECK(client.ended());
  CHECK(client.unread().empty());
  CHECK(client.gone());
}

TEST_CASE("client connection: a head that does not come in time is answered 408, silence is not answered") {
  Greeting turns;
  TestClient& slow = turns.proxy.connect();
  slow.send("GET / HTTP/1.1\r\nHo");
  TestClient& silent = turns.proxy.connect();
  turns.proxy.advance(14s);
  CHECK_FALSE(slow.over());
  CHECK_FALSE(silent.over());
  turns.proxy.advance(2s);
  CHECK(slow.response().status() == 408);
  CHECK(slow.ended());
  CHECK(silent.over());
  CHECK(silent.unread().empty());
  CHECK(silent.gone());
}

TEST_CASE("client connection: a client that does not end its side is not waited for longer than a moment") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(client.ended());
  turns.proxy.advance(4s);
  CHECK_FALSE(client.gone());
  turns.proxy.advance(2s);
  CHECK(client.gone());
}

TEST_CASE("client connection: one that rests ends at once when the worker drains") {
  Greeting turns;
  TestClient& fresh = turns.proxy.connect();
  TestClient& used = turns.proxy.connect();
  used.send(get);
  CHECK(used.response().body == "hello");
  fresh.connection().drain();
  used.connection().drain();
  turns.proxy.settle();
  CHECK(fresh.gone());
  CHECK(used.gone());
}

TEST_CASE("client connection: an exchange under way is finished when the worker drains, and is the last") {
  Greeting turns;
  turns.proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = turns.proxy.connect();
  client.send(get);
  client.connection().drain();
  turns.proxy.settle();
  CHECK_FALSE(client.over());
  turns.proxy.upstream.at(3001).last().send(response_text("late"));
  turns.proxy.settle();
  const HttpMessage response = client.response();
  CHECK(response.body == "late");
  CHECK(response.field("Connection") == "close");
  CHECK(client.ended());
}

TEST_CASE("client connection: a request that has begun is still served when the worker drains") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send(get.substr(0, 20));
  client.connection().drain();
  client.send(get.substr(20));
  const HttpMessage response = client.response();
  CHECK(response.body == "hello");
  CHECK(response.field("Connection") == "close");
  CHECK(client.ended());
}

TEST_CASE("client connection: cancelling one answers 503 where no response has begun") {
  Greeting turns;
  turns.proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& client = turns.proxy.connect();
  client.send(get);
  client.connection().cancel(base::Cause::shutting_down);
  turns.proxy.settle();
  CHECK(client.response().status() == 503);
  CHECK(client.gone());
  CHECK(turns.proxy.upstream.open_count() == 0);
  const base::Json line = turns.proxy.log.line("exchange");
  CHECK(line["cause"] == "shutting_down");
  CHECK(line["stage"] == "response_head");
}

TEST_CASE("client connection: a reload changes the routes of the next request on a connection") {
  Greeting turns;
  turns.proxy.upstream.at(3002).behaviour = answers(response_text("new"));
  TestClient& client = turns.proxy.connect();
  client.send(get);
  CHECK(client.response().body == "hello");
  turns.proxy.adopt(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3002"] } }
routes: [{ name: all, upstream: app }]
)");
  client.send(get);
  CHECK(client.response().body == "new");
  CHECK(turns.proxy.upstream.at(3001).open_count() == 0);
}

TEST_CASE("client connection: one that waits for its next request holds no configuration that was replaced") {
  Greeting turns;
  TestClient& used = turns.proxy.connect();
  used.send(get);
  CHECK(used.response().body == "hello");
  TestClient& fresh = turns.proxy.connect();
  TestClient& half = turns.proxy.connect();
  half.send(get.substr(0, 9));
  turns.proxy.upstream.at(3001).behaviour = says_nothing();
  TestClient& busy = turns.proxy.connect();
  busy.send(get);
  const std::weak_ptr<const proxy::Snapshot> old = turns.proxy.current.pin->snapshot;
  turns.proxy.adopt(ProxyFixture::one_endpoint);
  turns.proxy.settle();
  CHECK_FALSE(old.expired());  // one request is in progress
  turns.proxy.upstream.at(3001).last().send(response_text("late"));
  turns.proxy.settle();
  CHECK(busy.response().body == "late");
  CHECK(old.expired());
  for (TestClient* client : {&used, &fresh, &half, &busy}) CHECK_FALSE(client->over());
}

TEST_CASE("client connection: one over TLS holds no configuration either, and goes on") {
  SecuredGreeting turns;
  TestClient& client = turns.connect();
  RawTlsClient secured(client.peer().take_transport());
  secured.begin();
  turns.proxy.settle();
  secured.send(get);
  turns.proxy.settle();
  const std::weak_ptr<const proxy::Snapshot> old = turns.proxy.current.pin->snapshot;
  turns.proxy.adopt(ProxyFixture::one_endpoint);
  CHECK(old.expired());
  turns.tls.reset();  // as the certificate of the old configuration does
  secured.send(get);
  turns.proxy.settle();
  std::string heard = secured.heard();
  for (int i = 0; i < 2; ++i) {
    const auto response = take_response(heard);
    REQUIRE(response.has_value());
    CHECK(response->body == "hello");
  }
}

namespace {

std::string with_limits(const std::string& limits) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
limits: { )" +
         limits + R"( }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app }]
)";
}

std::string post(size_t size) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
         std::string(size, 'x');
}

}  // namespace

TEST_CASE("client connection: the limits of a reload go for the next request of a connection that is there") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send(post(2000));
  CHECK(client.response().status() == 200);
  turns.proxy.adopt(with_limits("body_size: 1000"));
  client.send(post(900));
  CHECK(client.response().status() == 200);
  client.send(post(2000));
  CHECK(client.response().status() == 413);

  TestClient& long_heads = turns.proxy.connect();
  const std::string long_head = "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(3000, 'x') + "\r\n\r\n";
  long_heads.send(long_head);
  CHECK(long_heads.response().status() == 200);
  turns.proxy.adopt(with_limits("head_size: 2KiB"));
  long_heads.send(long_head);
  CHECK(long_heads.response().status() == 431);

  TestClient& raised = turns.proxy.connect();
  raised.send(get);
  CHECK(raised.response().status() == 200);
  turns.proxy.adopt(with_limits("head_size: 8KiB"));
  raised.send(long_head);
  CHECK(raised.response().status() == 200);
}

TEST_CASE("client connection: after a reload a connection rests as long as the new keep-alive time says") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send(get);
  turns.proxy.adopt(with_limits("keepalive_timeout: 10s"));
  client.send(get);
  turns.proxy.advance(9s);
  CHECK_FALSE(client.over());
  turns.proxy.advance(2s);
  CHECK(client.over());
}

TEST_CASE("client connection: a reload that allows fewer requests on one connection counts those before") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get);
    CHECK_FALSE(client.response().has("Connection"));
  }
  turns.proxy.adopt(with_limits("requests_per_connection: 2"));
  client.send(get);
  CHECK(client.response().field("Connection") == "close");
}

TEST_CASE("client connection: HTTP passes over TLS") {
  SecuredGreeting turns;
  TestClient& client = turns.connect();
  RawTlsClient secured(client.peer().take_transport());
  secured.ask_for("a.example");
  secured.begin();
  turns.proxy.settle();
  REQUIRE(secured.connected());
  for (int i = 0; i < 2; ++i) {
    secured.send(get);
    turns.proxy.settle();
  }
  std::string heard = secured.heard();
  for (int i = 0; i < 2; ++i) {
    const auto response = take_response(heard);
    REQUIRE(response.has_value());
    CHECK(response->body == "hello");
  }
  CHECK(turns.proxy.upstream.at(3001).last().requests.at(0).field("X-Forwarded-Proto") == "https");
  CHECK(turns.proxy.log.last("exchange")["tls"] == true);
}

TEST_CASE(
    "client connection: plain HTTP on a TLS port is answered 400 in the clear, in whatever pieces it comes") {
  for (const std::vector<size_t>& pieces : {std::vector<size_t>{}, {1}, {2, 5}}) {
    SecuredGreeting turns;
    TestClient& client = turns.connect();
    client.wire().to_second.pieces = pieces;
    client.send(get);
    const HttpMessage response = client.response();
    CHECK(response.status() == 400);
    CHECK(response.field("Connection") == "close");
    CHECK(response.body.find("\"error\":\"tls_expected\"") != std::string::npos);
    CHECK(client.ended());
    const base::Json line = turns.proxy.log.line("tls_handshake_failed");
    CHECK(line["cause"] == "tls_expected");
    CHECK(line["client"] == "203.0.113.9");
    turns.proxy.advance(6s);
    CHECK(client.gone());
  }
}

TEST_CASE("client connection: a client that leaves after plain HTTP on a TLS port is not waited for") {
  SecuredGreeting turns;
  TestClient& client = turns.connect();
  client.send(get);
  CHECK(client.response().status() == 400);
  CHECK_FALSE(client.gone());
  client.peer().finish();
  turns.proxy.settle();
  CHECK(client.gone());
}

TEST_CASE("client connection: a refused TLS client gets its alert and our end, and a moment to read them") {
  for (const bool leaves : {true, false}) {
    SecuredGreeting turns;
    TestClient& client = turns.connect();
    RawTlsClient secured(client.peer().take_transport());
    secured.offer_protocols("\x02h2");
    secured.begin();
    turns.proxy.settle();
    CHECK(secured.alert() == SSL_AD_NO_APPLICATION_PROTOCOL);
    CHECK(secured.carrier().ended());
    CHECK_FALSE(secured.carrier().broken());
    CHECK_FALSE(client.gone());
    if (leaves) {
      secured.carrier().finish();
      turns.proxy.settle();
    } else {
      secured.carrier().send("bytes that nobody wants");
      turns.proxy.advance(3s);
    }
    CHECK(client.gone());
    const base::Json line = turns.proxy.log.line("tls_handshake_failed");
    CHECK(line["cause"] == "tls_handshake_failed");
    CHECK(line["detail"] ==
          "the client offers by ALPN only what is not spoken here (h2); this listener speaks http/1.1");
    CHECK(line["since_last_line"] == 1);
  }
}

TEST_CASE("client connection: a TLS client that refuses us, or is gone, is not waited for") {
  SecuredGreeting turns;
  TestClient& refusing = turns.connect();
  RawTlsClient secured(refusing.peer().take_transport());
  SSL_set_verify(secured.ssl(), SSL_VERIFY_PEER, nullptr);
  secured.begin();
  turns.proxy.settle();
  CHECK(refusing.gone());
  TestClient& leaving = turns.connect();
  leaving.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  leaving.peer().leave();
  turns.proxy.settle();
  CHECK(leaving.gone());
}

TEST_CASE("client connection: of many failed handshakes the log hears a few in a second, and their number") {
  SecuredGreeting turns;
  const auto fail = [&] {
    TestClient& client = turns.connect();
    client.send("\x01\x02\x03 nothing that anybody knows");
    client.peer().finish();
    turns.proxy.settle();
    CHECK(client.gone());
  };
  for (int i = 0; i < 50; ++i) fail();
  CHECK(turns.proxy.log.lines("tls_handshake_failed").size() == 20);
  turns.proxy.advance(1s);
  fail();
  const std::vector<base::Json> lines = turns.proxy.log.lines("tls_handshake_failed");
  REQUIRE(lines.size() == 21);
  CHECK(lines.back()["since_last_line"] == 31);
  CHECK(turns.proxy.metrics.failures[{base::Cause::tls_handshake_failed, base::Stage::tls_handshake}] == 51);
}

TEST_CASE("client connection: a TLS handshake on a plain port is named in the log") {
  Greeting turns;
  TestClient& client = turns.proxy.connect();
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  CHECK(client.over());
  CHECK(turns.proxy.log.line("exchange")["cause"] == "tls_unexpected");
}

TEST_CASE("client connection: a handshake that does not come in time ends the connection") {
  SecuredGreeting turns;
  TestClient& client = turns.connect();
  turns.proxy.advance(9s);
  CHECK_FALSE(client.over());
  turns.proxy.advance(2s);
  CHECK(client.over());
  CHECK(client.gone());
  CHECK(turns.proxy.log.line("tls_handshake_failed")["cause"] == "client_timed_out");
}

TEST_CASE("client connection: one that is drained in its handshake ends after it") {
  SecuredGreeting turns;
  TestClient& client = turns.connect();
  client.connection().drain();
  RawTlsClient secured(client.peer().take_transport());
  secured.begin();
  turns.proxy.advance(6s);
  CHECK(client.gone());
}
