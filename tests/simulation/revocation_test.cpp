// Tokens that are revoked while WebSockets, event streams and requests use them.
#include <doctest/doctest.h>

#include <string>

#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"
#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"
#include "websocket/frame.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;
using state::Revocation;
using Kind = Revocation::Kind;

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";

const std::string yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
jwt: { session: { secret: "0123456789abcdef0123456789abcdef", algorithms: [HS256] } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app, jwt: session, websocket: { ping_interval: none } }]
)";

std::string token(const std::string& subject) {
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret),
                          base::Json{{"iss", "https://login.example"},
                                     {"sub", subject},
                                     {"sid", "session of " + subject},
                                     {"jti", "token of " + subject},
                                     {"iat", ProxyFixture::unix_time - 10},
                                     {"exp", ProxyFixture::unix_time + 3600}});
}

std::string authorization(const std::string& subject) {
  return "Authorization: Bearer " + token(subject) + "\r\n";
}

const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
const std::string stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + chunked;

std::string chunk(std::string_view bytes) {
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

struct Fixture {
  TestClient& open_socket(const std::string& subject) {
    endpoint().behaviour = accepts_websocket();
    TestClient& client = proxy.connect();
    client.send(SocketFixture::handshake_text(authorization(subject)));
    REQUIRE(client.response().status() == 101);
    return client;
  }
  TestClient& get(const std::string& subject, const std::string& answer) {
    endpoint().behaviour = answers(answer);
    TestClient& client = proxy.connect();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n" + authorization(subject) + "\r\n");
    return client;
  }
  FakeEndpoint& endpoint() { return proxy.upstream.at(3001); }
  void revoke(Kind kind, const std::string& value, int64_t before = 0) {
    proxy.state.revocations.add(
        {kind, value, "https://login.example", before, ProxyFixture::unix_time + 3600},
        ProxyFixture::unix_time);
  }
  uint16_t close_code(TestClient& client) {
    const std::string bytes = client.take_unread();
    REQUIRE(bytes.size() > 3);
    CHECK(static_cast<uint8_t>(bytes[0]) == 0x88);
    CHECK(websocket::read_close(bytes.substr(2)).reason == "token_revoked");
    return websocket::read_close(bytes.substr(2)).code;
  }

  ProxyFixture proxy{yaml};
};

}  // namespace

TEST_CASE("revocation: the sockets of a subject end within a second, those of others stay") {
  Fixture f;
  TestClient& ann = f.open_socket("ann");
  TestClient& also_ann = f.open_socket("ann");
  TestClient& bob = f.open_socket("bob");
  f.proxy.advance(10s);
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(900ms);
  CHECK(f.close_code(ann) == 4401);
  CHECK(f.close_code(also_ann) == 4401);
  CHECK(bob.take_unread().empty());
  f.proxy.advance(3s);
  CHECK(f.proxy.tunnels.size() == 1);
  const auto records = f.proxy.log_lines("tunnel_close");
  CHECK(records.size() == 2);
  for (const base::Json& record : records) {
    CHECK(record["cause"] == "token_revoked");
    CHECK(record["by"] == "gateway");
  }
}

TEST_CASE("revocation: by session, by token and by time, also after a reload") {
  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    Fixture f;
    TestClient& ann = f.open_socket("ann");
    TestClient& bob = f.open_socket("bob");
    f.proxy.adopt(yaml);
    if (way == 0) f.revoke(Kind::session, "session of ann");
    if (way == 1) f.revoke(Kind::token, "token of ann");
    if (way == 2) f.revoke(Kind::subject_before, "ann", ProxyFixture::unix_time);
    f.proxy.advance(900ms);
    CHECK(f.close_code(ann) == 4401);
    CHECK(bob.take_unread().empty());
    f.proxy.adopt(yaml);
    CHECK(f.get("ann", response_text("mine")).response().status() == 401);
    CHECK(f.get("bob", response_text("mine")).response().status() == 200);
  }
}

TEST_CASE("revocation: the next request is refused, and says so") {
  Fixture f;
  CHECK(f.get("ann", response_text("mine")).response().status() == 200);  // its token is cached
  f.revoke(Kind::subject, "ann");
  const HttpMessage refused = f.get("ann", response_text("mine")).response();
  CHECK(refused.status() == 401);
  CHECK(refused.field("WWW-Authenticate").find("invalid_token") != std::string::npos);
  CHECK(f.proxy.log_lines("exchange").back()["cause"] == "token_revoked");
  CHECK(f.endpoint().request_count() == 1);
  TestClient& page = f.proxy.connect();
  page.send(SocketFixture::handshake_text(authorization("ann") + "Origin: https://a.example\r\n"));
  CHECK(page.response().status() == 101);  // a page hears it by a Close
  f.proxy.advance(1s);
  CHECK(websocket::read_close(page.take_unread().substr(2)).code == 4401);
}

TEST_CASE("revocation: an event stream ends between two events, at once") {
  Fixture f;
  TestClient& ann = f.get("ann", stream_head + chunk("data: one\n\n"));
  TestClient& bob = f.get("bob", stream_head + chunk("data: one\n\n"));
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(300ms);
  CHECK(ann.response().body == "data: one\n\n");
  CHECK_FALSE(bob.try_response());
  const base::Json record = f.proxy.log.line("stream_close");
  CHECK(record["cause"] == "token_revoked");
  CHECK(record["by"] == "gateway");
  CHECK(f.proxy.streams.size() == 1);
}

TEST_CASE("revocation: in the middle of an event a stream is cut within a second") {
  Fixture f;
  TestClient& ann = f.get("ann", stream_head + chunk("data: one\n\ndata: tw"));
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(900ms);
  CHECK(ann.over());
  CHECK(ann.unread().find("\r\n0\r\n") == std::string::npos);
  CHECK(f.proxy.streams.size() == 0);
}

TEST_CASE("revocation: another long answer is cut") {
  Fixture f;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n" + chunked;
  TestClient& ann = f.get("ann", head + chunk("{}\n"));
  f.proxy.advance(15s);  // now it is a long one
  CHECK_FALSE(ann.over());
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(900ms);
  CHECK(ann.over());
  CHECK(f.proxy.log.line("stream_close")["cause"] == "token_revoked");
}

TEST_CASE("revocation: a socket that opens while its token is revoked ends at once") {
  Fixture f;
  f.endpoint().behaviour = [](FakeConnection&) {};  // its answer comes later
  TestClient& ann = f.proxy.connect();
  ann.send(SocketFixture::handshake_text(authorization("ann")));
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(1s);
  accepts_websocket()(f.endpoint().last());
  f.proxy.settle();
  CHECK(ann.response().status() == 101);
  f.proxy.advance(100ms);
  CHECK(f.close_code(ann) == 4401);
}

TEST_CASE("revocation: a client that closes slowly gets nothing more") {
  Fixture f;
  TestClient& ann = f.open_socket("ann");
  ann.send(websocket::test::close_of(1000));
  CHECK(f.proxy.tunnels.size() == 1);  // the endpoint does not answer
  f.revoke(Kind::subject, "ann");
  f.proxy.advance(900ms);
  CHECK(f.proxy.tunnels.size() == 0);
}

TEST_CASE("revocation: what has no token is not touched") {
  ProxyFixture proxy(ProxyFixture::one_endpoint);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& client = proxy.connect();
  client.send(SocketFixture::handshake_text(authorization("ann")));
  REQUIRE(client.response().status() == 101);
  proxy.state.revocations.add(
      {Kind::all_before, "", "", ProxyFixture::unix_time, ProxyFixture::unix_time + 10},
      ProxyFixture::unix_time);
  proxy.advance(1s);
  CHECK(client.take_unread().empty());
}
