// Renewal: a newer token of a session takes the place of the older one on what the session has open.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"
#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"
#include "websocket/frame.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";

const std::string yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
revocations: { token_life: 1h }
jwt:
  login: { secret: "0123456789abcdef0123456789abcdef", algorithms: [HS256], leeway: 0s }
  first:
    secret: "0123456789abcdef0123456789abcdef"
    algorithms: [HS256]
    leeway: 0s
    from: [{ message: json, type: auth, token: /data/token }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: renew, match: { exact: /.postern/renew }, jwt: login, renew: true }
  - { name: token, match: { path: /api/token/ }, upstream: app, compression: true, refresh_calls: { path: /api/token/refresh/, token: access, use: login } }
  - { name: cookie, match: { path: /cookie/ }, upstream: app, refresh_calls: { path: /cookie/refresh, token: { cookie: access }, use: login } }
  - { name: admin, match: { path: /admin/ }, upstream: app, jwt: login, required_claims: { role: admin }, websocket: { ping_interval: none } }
  - name: message
    match: { path: /message/ }
    upstream: app
    jwt: login
    websocket: { ping_interval: none, renewal_message: { type: auth, token: /data/token } }
  - name: passed
    match: { path: /passed/ }
    upstream: app
    jwt: login
    websocket: { ping_interval: none, renewal_message: { type: auth, token: /data/token, pass: true } }
  - name: first
    match: { path: /first/ }
    upstream: app
    jwt: first
    websocket: { ping_interval: none, renewal_message: { type: auth, token: /data/token } }
  - name: open
    match: { path: /open/ }
    upstream: app
    jwt: { use: login, required: false }
    websocket: { ping_interval: none, renewal_message: { type: auth, token: /data/token } }
  - name: all
    upstream: app
    jwt: login
    websocket: { ping_interval: none, expiry_notice: { before: 5s, message: soon } }
    event_streams: { expiry_notice: { before: 5s, event: soon, data: now } }
)";

struct Fixture {
  Fixture() { ProxyFixture::unix_fraction = {}; }
  ~Fixture() { ProxyFixture::unix_fraction = {}; }
  // The wall clock goes on as well.
  void advance(std::chrono::milliseconds duration) {
    constexpr std::chrono::milliseconds step = 100ms;
    for (; duration > 0ms; duration -= step) {
      ProxyFixture::unix_fraction += std::min(duration, step);
      proxy.advance(std::min(duration, step));
    }
  }
  std::string token(base::Json claims, int64_t life = 20) {
    const int64_t now = ProxyFixture::unix_time +
                        std::chrono::floor<std::chrono::seconds>(ProxyFixture::unix_fraction).count();
    base::Json all = {{"sub", "ann"}, {"iat", now}, {"exp", now + life}};
    all.update(claims);
    return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret), all);
  }
  std::string authorization(const base::Json& claims, int64_t life = 20) {
    return "Authorization: Bearer " + token(claims, life) + "\r\n";
  }
  FakeEndpoint& endpoint() { return proxy.upstream.at(3001); }
  TestClient& open_socket(const base::Json& claims = base::Json::object(), const std::string& path = "/ws") {
    endpoint().behaviour = accepts_websocket();
    TestClient& client = proxy.connect();
    client.send(SocketFixture::handshake_text(authorization(claims), path));
    const HttpMessage response = client.response();
    REQUIRE(response.status() == 101);
    connection_id = response.field("X-Request-Id");
    return client;
  }
  HttpMessage renew(const std::string& fields, const std::string& method = "POST") {
    TestClient& client = proxy.connect();
    client.send(method + " /.postern/renew HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + fields + "\r\n");
    return client.response();
  }
  HttpMessage refresh(const std::string& answer, const std::string& path = "/api/token/refresh/",
                      const std::string& method = "POST") {
    endpoint().behaviour = answers(answer);
    TestClient& client = proxy.connect();
    client.send(method + " " + path +
                " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n");
    return client.response(method == "HEAD");
  }
  // The text messages that the client got, and "close CODE" for a Close.
  std::string heard(TestClient& client) {
    const std::string bytes = client.take_unread();
    std::string all;
    for (size_t at = 0; at + 2 <= bytes.size();) {
      const auto length = static_cast<size_t>(static_cast<uint8_t>(bytes[at + 1]));
      const std::string payload = bytes.substr(at + 2, length);
      all += static_cast<uint8_t>(bytes[at]) == 0x88
                 ? "close " + std::to_string(websocket::read_close(payload).code)
                 : payload + ' ';
      at += 2 + length;
    }
    return all;
  }

  ProxyFixture proxy{yaml};
  std::string connection_id;  // of the last socket
};

const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("renewal: a new token at the renewing route keeps sockets of its session open") {
  Fixture f;
  TestClient& first = f.open_socket();
  TestClient& second = f.open_socket();
  TestClient& bob = f.open_socket({{"sub", "bob"}});
  f.advance(10s);
  const HttpMessage done = f.renew(f.authorization(base::Json::object()));
  CHECK(done.status() == 200);
  CHECK(done.body == "{\"renewed\":2,\"expires_at\":" + std::to_string(ProxyFixture::unix_time + 30) + "}\n");
  CHECK(done.field("Cache-Control") == "no-store");
  f.advance(14s);
  CHECK(f.heard(first) == "");
  CHECK(f.heard(second) == "");
  CHECK(f.heard(bob) == "soon close 1012");
  f.advance(2s);
  CHECK(f.heard(first) == "soon ");
  f.advance(5s);
  CHECK(f.heard(first) == "close 1012");
  CHECK(f.proxy.log.line("token_renewed")["connections"] == 2);
  CHECK(f.proxy.log.line("token_renewed")["by"] == "renew");
  CHECK(f.proxy.metrics.process[telemetry::Count::tokens_renewed] == 2);
}

TEST_CASE("renewal: one connection, by the id of its request") {
  Fixture f;
  TestClient& first = f.open_socket();
  const std::string id = f.connection_id;
  TestClient& second = f.open_socket();
  f.advance(10s);
  CHECK(f.renew(f.authorization(base::Json::object()) + "Postern-Connection: nobody\r\n")
            .body.starts_with("{\"renewed\":0"));
  CHECK(f.renew(f.authorization({{"sub", "bob"}}) + "Postern-Connection: " + id + "\r\n")
            .body.starts_with("{\"renewed\":0"));
  CHECK(f.renew(f.authorization(base::Json::object()) + "Postern-Connection: " + id + "\r\n")
            .body.starts_with("{\"renewed\":1"));
  f.advance(11s);
  CHECK(f.heard(first) == "");
  CHECK(f.heard(second) == "soon close 1012");
}

TEST_CASE("renewal: the renewing route takes valid tokens by POST, and nothing else") {
  Fixture f;
  f.open_socket();
  CHECK(f.renew("").status() == 401);
  CHECK(f.renew("Authorization: Bearer rubbish\r\n").status() == 401);
  CHECK(f.renew(f.authorization(base::Json::object(), -5)).status() == 401);
  CHECK(f.renew(f.authorization(base::Json::object()), "PUT").status() == 405);
  CHECK(f.proxy.log_lines("token_renewed").empty());
}

TEST_CASE("renewal: another session of the same user, or another role, renews nothing") {
  Fixture f;
  TestClient& session = f.open_socket({{"sid", "one"}});
  TestClient& admin = f.open_socket({{"sid", "two"}, {"role", "admin"}}, "/admin/ws");
  f.advance(10s);
  CHECK(f.renew(f.authorization({{"sid", "three"}})).body.starts_with("{\"renewed\":0"));
  CHECK(f.renew(f.authorization(base::Json::object())).body.starts_with("{\"renewed\":0"));
  CHECK(f.renew(f.authorization({{"sid", "two"}, {"role", "reader"}})).body.starts_with("{\"renewed\":0"));
  CHECK(f.renew(f.authorization({{"sid", "two"}, {"role", "admin"}})).body.starts_with("{\"renewed\":1"));
  f.advance(11s);
  CHECK(f.heard(session) == "soon close 1012");
  CHECK(f.heard(admin) == "");
}

TEST_CASE("renewal: a refresh call that passes by renews, and the client gets its answer unchanged") {
  Fixture f;
  TestClient& socket = f.open_socket();
  f.advance(10s);
  const std::string body = "{\"access\":\"" + f.token(base::Json::object()) + "\"}";
  const HttpMessage answer = f.refresh(response_text(body, "Content-Type: application/json\r\n"));
  CHECK(answer.status() == 200);
  CHECK(answer.body == body);
  CHECK(f.endpoint().last().requests.back().field("Accept-Encoding").empty());
  f.advance(11s);
  CHECK(f.heard(socket) == "");
  const base::Json record = f.proxy.log.line("token_renewed");
  CHECK(record["by"] == "refresh_calls");
  CHECK(record["route"] == "token");
}

TEST_CASE("renewal: a refresh answer in chunks, and in a cookie") {
  Fixture f;
  TestClient& socket = f.open_socket();
  f.advance(10s);
  const std::string token = f.token(base::Json::object());
  const std::string body = "{\"access\":\"" + token + "\"}";
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", body.size());
  CHECK(f.refresh("HTTP/1.1 200 OK\r\n" + chunked + size + body + "\r\n0\r\n\r\n").body == body);
  f.advance(11s);
  CHECK(f.heard(socket) == "");
  const std::string later = f.token(base::Json::object());
  CHECK(f.refresh(response_text("", "Set-Cookie: access=" + later + "; HttpOnly\r\n"), "/cookie/refresh")
            .status() == 200);
  f.advance(10s);
  CHECK(f.heard(socket) == "");
}

TEST_CASE("renewal: a refresh call that gives no token is told, and the answer passes all the same") {
  Fixture f;
  TestClient& socket = f.open_socket();
  f.advance(10s);
  const std::string good = f.token(base::Json::object());
  const auto asked = [&](const std::string& body, const std::string& status = "200 OK") {
    return f.refresh(response_text(body, {}, status)).body == body;
  };
  CHECK(asked("{\"access\":\"" + good + "\"}", "401 Unauthorized"));
  CHECK(f.proxy.log_lines("renewal_without_effect").empty());
  CHECK(asked("rubbish"));
  CHECK(asked("{\"refresh\":\"" + good + "\"}"));
  CHECK(asked("{\"access\":\"rubbish\"}"));
  CHECK(asked("{\"access\":\"" + good + "\",\"more\":\"" + std::string(70'000, 'x') + "\"}"));
  CHECK(f.proxy.log_lines("renewal_without_effect").size() == 4);
  CHECK(f.refresh(response_text("{\"access\":\"" + good + "\"}"), "/api/token/other").status() == 200);
  CHECK(f.refresh(response_text("{\"access\":\"" + good + "\"}"), "/api/token/refresh/", "HEAD").status() ==
        200);
  f.advance(11s);
  CHECK(f.heard(socket) == "soon close 1012");
  CHECK(f.proxy.log_lines("token_renewed").empty());
  CHECK(f.proxy.log.text().find(good) == std::string::npos);
}

TEST_CASE("renewal: an event stream is told of the end of its token, and lives on with a newer one") {
  Fixture f;
  f.endpoint().behaviour = answers("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + chunked);
  TestClient& client = f.proxy.connect();
  client.send("GET /events HTTP/1.1\r\nHost: a\r\n" + f.authorization(base::Json::object()) + "\r\n");
  client.take_unread();
  f.advance(14s);
  CHECK(client.take_unread() == "");
  f.advance(1500ms);
  CHECK(client.take_unread() == "17\r\nevent: soon\ndata: now\n\n\r\n");
  CHECK(f.renew(f.authorization(base::Json::object())).body.starts_with("{\"renewed\":1"));
  f.advance(14s);
  CHECK(client.take_unread() == "");
  f.advance(2s);
  CHECK(client.take_unread() == "17\r\nevent: soon\ndata: now\n\n\r\n");
  f.advance(6s);
  CHECK(client.take_unread() == "0\r\n\r\n");
  CHECK(f.proxy.log.line("stream_close")["cause"] == "token_expired");
}

TEST_CASE("renewal: a revoked token renews nothing, and revoking the new one ends the socket") {
  Fixture f;
  TestClient& socket = f.open_socket({{"jti", "old"}});
  f.advance(10s);
  CHECK(f.renew(f.authorization({{"jti", "new"}})).body.starts_with("{\"renewed\":1"));
  f.advance(11s);  // now the socket hangs on the new token
  f.proxy.state.revocations.add(
      {state::Revocation::Kind::token, "new", "", 0, ProxyFixture::unix_time + 3600},
      ProxyFixture::unix_time + 21);
  f.advance(1s);
  CHECK(f.heard(socket) == "close 4401");
  CHECK(f.renew(f.authorization({{"jti", "new"}})).status() == 401);
}

TEST_CASE(
    "renewal: revoking the token that opened a socket ends it, also when another one has taken its place") {
  Fixture f;
  TestClient& socket = f.open_socket({{"jti", "old"}});
  f.advance(10s);
  CHECK(f.renew(f.authorization({{"jti", "new"}})).body.starts_with("{\"renewed\":1"));
  f.proxy.state.revocations.add(
      {state::Revocation::Kind::token, "old", "", 0, ProxyFixture::unix_time + 3600},
      ProxyFixture::unix_time + 10);
  f.advance(1s);
  CHECK(f.heard(socket) == "close 4401");
}

TEST_CASE("renewal: what was renewed stays across a reload, and a closed socket leaves nothing behind") {
  Fixture f;
  TestClient& socket = f.open_socket();
  f.advance(10s);
  f.proxy.adopt(yaml);
  CHECK(f.renew(f.authorization(base::Json::object())).body.starts_with("{\"renewed\":1"));
  f.advance(11s);
  CHECK(f.heard(socket) == "");
  socket.send(websocket::test::close_of(1000));
  f.advance(15s);
  CHECK(f.proxy.tunnels.size() == 0);
  CHECK(f.proxy.state.sessions.size() == 0);
}

TEST_CASE("renewal: a declared message renews the socket on which it comes, and goes on only where it may") {
  for (const std::string path : {"/message/ws", "/passed/ws"}) {
    CAPTURE(path);
    Fixture f;
    TestClient& socket = f.open_socket(base::Json::object(), path);
    TestClient& other = f.open_socket(base::Json::object(), path);
    f.advance(10s);
    const auto say = [&](const std::string& text) {
      socket.send(websocket::test::frame(websocket::test::text, text));
    };
    const auto renewing = [](const std::string& token) {
      return R"({"type":"auth","data":{"token":")" + token + "\"}}";
    };
    say(renewing(f.token(base::Json::object())));
    say("{\"type\":\"other\"}");
    f.advance(11s);
    CHECK(f.heard(socket) == "");
    CHECK(f.heard(other) == "close 1012");
    CHECK(f.proxy.log.line("token_renewed")["by"] == "renewal_message");
    f.advance(13s);
    CHECK(f.heard(socket) == "close 1012");
    CHECK(f.proxy.log.last("tunnel_close")["messages_to_upstream"] == (path == "/message/ws" ? 1 : 2));
  }
}

TEST_CASE("renewal: a message with a wrong token renews nothing, and is looked at once in a second") {
  Fixture f;
  TestClient& socket = f.open_socket(base::Json::object(), "/message/ws");
  f.advance(10s);
  const auto say = [&](const std::string& token) {
    socket.send(websocket::test::frame(websocket::test::text,
                                       R"({"type":"auth","data":{"token":")" + token + "\"}}"));
  };
  say("rubbish");
  say(f.token(base::Json::object()));  // too soon
  f.advance(1100ms);
  say(f.token({{"sub", "bob"}}));
  f.advance(1100ms);
  say(f.token(base::Json::object(), 5));  // it does not last longer
  CHECK(f.proxy.log_lines("renewal_without_effect").size() == 3);
  f.advance(8s);
  CHECK(f.heard(socket) == "close 1012");
  CHECK(f.proxy.log_lines("token_renewed").empty());
}

TEST_CASE("renewal: the first message, that has opened a socket, renews nothing and goes to the endpoint") {
  Fixture f;
  f.endpoint().behaviour = accepts_websocket();
  TestClient& socket = f.proxy.connect();
  socket.send(SocketFixture::handshake_text("", "/first/ws"));
  const auto say = [&](const std::string& token) {
    socket.send(websocket::test::frame(websocket::test::text,
                                       R"({"type":"auth","data":{"token":")" + token + "\"}}"));
  };
  say(f.token(base::Json::object()));
  f.advance(10s);
  say(f.token(base::Json::object()));
  f.advance(11s);
  CHECK(f.proxy.log_lines("renewal_without_effect").empty());
  CHECK(f.proxy.log.line("token_renewed")["route"] == "first");
  f.advance(13s);
  CHECK(f.proxy.log.line("tunnel_close")["messages_to_upstream"] == 1);
  CHECK(f.proxy.log.line("tunnel_close")["cause"] == "token_expired");
}

TEST_CASE("renewal: without a token there is nothing to renew, and the message goes to the endpoint") {
  Fixture f;
  f.endpoint().behaviour = accepts_websocket();
  TestClient& socket = f.proxy.connect();
  socket.send(SocketFixture::handshake_text("", "/open/ws"));
  socket.send(websocket::test::frame(websocket::test::text, R"({"type":"auth","data":{"token":"x"}})"));
  socket.send(websocket::test::close_of(1000));
  f.advance(15s);
  CHECK(f.proxy.log.line("tunnel_close")["messages_to_upstream"] == 1);
}
