// Handshakes whose token has expired: the application's refresh endpoint is asked for a fresh one, once for
// all that come with one cookie, and the fresh token goes on in the place of the old one.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/socket_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;
using telemetry::RouteCount;

namespace {

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";
constexpr std::string_view other_secret = "another secret of the tests, long enough too";
const std::string from_app = "Origin: https://app.example.com\r\n";

std::string site(const std::string& jwt, const std::string& route = "") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
origins: { web: { allow: ["https://app.example.com"] } }
websocket: { close_codes: { refused_expired: 4408 } }
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"] }
jwt:
  login:
    secret: ")" +
         std::string(secret) +
         R"("
    algorithms: [HS256]
    issuer: tests
    leeway: 0s
    from: [header, { header: X-Token }, { cookie: access }, { query: token }, subprotocol]
  ids:
    secret: ")" +
         std::string(secret) +
         R"("
    algorithms: [HS256]
    issuer: tests
    leeway: 0s
    subject: user_id
    from: [{ query: token }]
routes:
  - name: chat
    upstream: app
    origins: web
    jwt: )" +
         jwt + "\n" + route;
}

const std::string usual =
    "{ use: login, refresh: { path: \"/api/token/refresh/?v=2\", cookie: refresh, token: access } }";

using Claims = base::Json;

std::string token(int64_t expires, const Claims& more = Claims::object(), std::string_view key = secret) {
  Claims claims = {{"iss", "tests"}, {"sub", "user-7"}, {"exp", expires}};
  if (!more.is_null()) claims.update(more);
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, key), claims);
}

const std::string expired = token(ProxyFixture::unix_time - 60);
const std::string fresh = token(ProxyFixture::unix_time + 300);

std::string giving(const std::string& given, const std::string& fields = "") {
  return response_text("{\"access\":\"" + given + "\"}", "Content-Type: application/json\r\n" + fields);
}

bool asks_for_token(const HttpMessage& request) { return request.target().starts_with("/api/token/"); }

struct Site {
  explicit Site(const std::string& jwt = usual, const std::string& route = "") : proxy(site(jwt, route)) {
    endpoint().behaviour = [this](FakeConnection& connection) {
      while (!connection.switched) {
        const auto request = connection.take_request();
        if (!request) return;
        if (asks_for_token(*request)) {
          refreshes.push_back(*request);
          asked.push_back(&connection);
          if (!answer.empty()) connection.send(answer);
          continue;
        }
        handshakes.push_back(*request);
        if (!request->has("Sec-WebSocket-Key")) {
          connection.send(response_text("hello", "Content-Type: text/plain\r\n"));
          continue;
        }
        connection.switched = true;
        connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: " +
            accept_of(request->field("Sec-WebSocket-Key")) + "\r\nSet-Cookie: own=1\r\n\r\n");
      }
    };
  }
  FakeEndpoint& endpoint() { return proxy.upstream.at(3001); }
  // Each client has an address of its own: one that comes back after a refusal would have to wait.
  TestClient& connect(const std::string& path = "/ws?a=1&token=" + expired + "&b=2",
                      const std::string& fields = "Cookie: refresh=r1; theme=dark\r\n") {
    TestClient& client = proxy.connect({.address = "198.51.100." + std::to_string(proxy.clients.size())});
    client.send(SocketFixture::handshake_text(from_app + fields, path));
    return client;
  }
  uint64_t count(RouteCount count) { return proxy.metrics.totals().routes.at("chat")[count]; }
  // The code of the Close that a refused handshake got; 0: it got a status.
  uint16_t close_code(TestClient& client) {
    if (client.response().status() != 101) return 0;
    proxy.advance(300ms);
    const std::string frame = client.take_unread();
    REQUIRE(frame.size() >= 4);
    return static_cast<uint16_t>(static_cast<unsigned char>(frame[2]) << 8 |
                                 static_cast<unsigned char>(frame[3]));
  }
  base::Json last_line() { return proxy.log.last("exchange"); }

  std::string answer = giving(fresh);
  std::vector<HttpMessage> refreshes;
  std::vector<FakeConnection*> asked;
  std::vector<HttpMessage> handshakes;
  ProxyFixture proxy;
};

constexpr uint16_t code_expired = 4408;

}  // namespace

TEST_CASE("token exchange: a stale token beside a refresh cookie opens the socket at the first attempt") {
  Site site;
  site.answer = giving(fresh, "Set-Cookie: refresh=r2; Path=/; HttpOnly\r\nCache-Control: no-store\r\n");
  TestClient& client = site.connect("/ws?a=1&token=" + expired + "&b=2",
                                    "Cookie: refresh=r1; theme=dark\r\nUser-Agent: Firefox\r\n"
                                    "Accept-Encoding: gzip\r\nX-Key: k\r\n");
  const HttpMessage opened = client.response();
  CHECK(opened.status() == 101);
  CHECK(opened.field("Set-Cookie") == "own=1, refresh=r2; Path=/; HttpOnly");
  REQUIRE(site.refreshes.size() == 1);
  const HttpMessage& asked = site.refreshes.front();
  CHECK(asked.start == "POST /api/token/refresh/?v=2 HTTP/1.1");
  CHECK(asked.field("Host") == "app.example");
  CHECK(asked.field("Cookie") == "refresh=r1; theme=dark");
  CHECK(asked.field("Origin") == "https://app.example.com");
  CHECK(asked.field("User-Agent") == "Firefox");
  CHECK(asked.field("X-Forwarded-For") == "198.51.100.0");
  CHECK(asked.field("Content-Length") == "0");
  CHECK(asked.body.empty());
  for (const char* name : {"Accept-Encoding", "X-Key", "Upgrade", "Sec-WebSocket-Key", "X-Forwarded-Uri",
                           "X-Original-URL", "X-Original-URI"}) {
    CAPTURE(name);
    CHECK_FALSE(asked.has(name));
  }
  for (const auto& [name, value] : asked.fields) CHECK(value.find(expired) == std::string::npos);
  REQUIRE(site.handshakes.size() == 1);
  CHECK(site.handshakes.front().target() == "/ws?a=1&token=" + fresh + "&b=2");
  CHECK(site.count(RouteCount::refresh_done) == 1);
  CHECK(site.proxy.log.text().find(fresh) == std::string::npos);
  CHECK(site.proxy.log.text().find(expired) == std::string::npos);
}

TEST_CASE("token exchange: the fresh token stands where the old one stood, and the old one nowhere") {
  struct Place {
    std::string name;
    std::string target;
    std::string fields;
  };
  const auto places = [](const std::string& token) {
    return std::vector<Place>{
        {"Authorization", "/ws", "Authorization: Bearer " + token + "\r\n"},
        {"X-Token", "/ws", "X-Token: " + token + "\r\n"},
        {"Cookie", "/ws", "Cookie: a=1; access=" + token + "; refresh=r1\r\n"},
        {"", "/ws?token=" + token, ""},
    };
  };
  const std::vector<Place> sent = places(expired);
  const std::vector<Place> wanted = places(fresh);
  for (size_t i = 0; i < sent.size(); ++i) {
    CAPTURE(sent[i].name);
    Site site;
    const std::string cookie = sent[i].name == "Cookie" ? "" : "Cookie: refresh=r1\r\n";
    CHECK(site.connect(sent[i].target, sent[i].fields + cookie).response().status() == 101);
    REQUIRE(site.handshakes.size() == 1);
    const HttpMessage& got = site.handshakes.front();
    CHECK(got.target() == wanted[i].target);
    if (!sent[i].name.empty())
      CHECK(wanted[i].fields == sent[i].name + ": " + got.field(sent[i].name) + "\r\n");
    CHECK(got.start.find(expired) == std::string::npos);
    for (const auto& [name, value] : got.fields) CHECK(value.find(expired) == std::string::npos);
  }
}

TEST_CASE(
    "token exchange: a token among the subprotocols is answered as offered, and moved where it shall go") {
  const std::string keep = usual.substr(0, usual.size() - 1);
  for (const std::string form : {"bearer, TOKEN", "bearer.TOKEN", "ENCODED"}) {
    CAPTURE(form);
    std::string offered = form;
    if (offered == "ENCODED")
      offered = "base64url.bearer.authorization.k8s.io." + crypto::encode_base64url(expired);
    if (const size_t at = offered.find("TOKEN"); at != std::string::npos) offered.replace(at, 5, expired);
    const std::string answered = offered.substr(0, offered.find(','));
    const std::string fields = "Sec-WebSocket-Protocol: " + offered + "\r\nCookie: refresh=r1\r\n";
    {
      Site site;
      const HttpMessage opened = site.connect("/ws", fields).response();
      CHECK(opened.status() == 101);
      CHECK(opened.field("Sec-WebSocket-Protocol") == answered);
      CHECK_FALSE(site.handshakes.at(0).has("Sec-WebSocket-Protocol"));
    }
    Site site(keep + ", forward_as: subprotocol }");
    CHECK(site.connect("/ws", fields).response().field("Sec-WebSocket-Protocol") == answered);
    CHECK(site.handshakes.at(0).field("Sec-WebSocket-Protocol") == "bearer, " + fresh);
  }
}

TEST_CASE("token exchange: every form of forwarding gets the fresh token") {
  const std::string keep = usual.substr(0, usual.size() - 1);
  const std::string query = "/ws?a=1&token=" + expired;
  {
    Site site(keep + ", forward_as: header }");
    CHECK(site.connect(query).response().status() == 101);
    CHECK(site.handshakes.at(0).field("Authorization") == "Bearer " + fresh);
    CHECK(site.handshakes.at(0).target() == "/ws?a=1");
  }
  {
    Site site(keep + ", forward_as: { cookie: jwt } }");
    CHECK(site.connect(query).response().status() == 101);
    CHECK(site.handshakes.at(0).field("Cookie") == "jwt=" + fresh + "; refresh=r1; theme=dark");
  }
  {
    Site site(keep + ", forward_as: { query: token } }");
    CHECK(site.connect("/ws?a=1", "Cookie: refresh=r1\r\nAuthorization: Bearer " + expired + "\r\n")
              .response()
              .status() == 101);
    CHECK(site.handshakes.at(0).target() == "/ws?a=1&token=" + fresh);
    CHECK_FALSE(site.handshakes.at(0).has("Authorization"));
  }
  {
    Site site(keep + ", forward_as: strip }", "    forward_claims: { sub: X-User }\n");
    CHECK(site.connect(query).response().status() == 101);
    CHECK(site.handshakes.at(0).target() == "/ws?a=1");
    CHECK(site.handshakes.at(0).field("X-User") == "user-7");
  }
}

TEST_CASE("token exchange: an event stream is refreshed, and no other request") {
  Site site;
  const auto ask = [&](const std::string& line, const std::string& fields) {
    TestClient& client = site.proxy.connect();
    client.send(line + " HTTP/1.1\r\nHost: app.example.com\r\nCookie: refresh=r1\r\n" + from_app + fields +
                "\r\n");
    return client.response();
  };
  const std::string target = "/events?token=" + expired;
  CHECK(ask("GET " + target, "Accept: text/event-stream\r\n").body == "hello");
  CHECK(site.handshakes.at(0).target() == "/events?token=" + fresh);
  site.refreshes.clear();
  CHECK(ask("GET " + target, "").status() == 401);
  CHECK(ask("GET " + target, "Accept: text/html, */*\r\n").status() == 401);
  CHECK(ask("POST " + target, "Accept: text/event-stream\r\nContent-Length: 0\r\n").status() == 401);
  CHECK(site.refreshes.empty());
  CHECK(site.last_line()["cause"] == "token_expired");
}

TEST_CASE("token exchange: handshakes with one cookie share one call, and so do those just behind it") {
  Site site;
  site.answer = "";
  std::vector<TestClient*> page;
  for (int i = 0; i < 3; ++i) page.push_back(&site.connect());
  TestClient& another = site.connect("/ws?token=" + expired, "Cookie: refresh=other\r\n");
  REQUIRE(site.asked.size() == 2);
  site.asked[0]->send(giving(fresh, "Set-Cookie: refresh=r2\r\n"));
  site.asked[1]->send(giving(fresh));
  site.proxy.settle();
  for (TestClient* client : page) {
    const HttpMessage opened = client->response();
    CHECK(opened.status() == 101);
    CHECK(opened.field("Set-Cookie") == "own=1, refresh=r2");
  }
  CHECK(another.response().field("Set-Cookie") == "own=1");
  // Behind them, with the cookie of before: it would be refused now.
  site.answer = response_text("", "", "401 Unauthorized");
  site.proxy.advance(9s);
  CHECK(site.connect().response().field("Set-Cookie") == "own=1, refresh=r2");
  CHECK(site.refreshes.size() == 2);
  CHECK(site.count(RouteCount::refresh_done) == 5);
  // The kept answer is not good for ever.
  site.proxy.advance(2s);
  CHECK(site.close_code(site.connect()) == code_expired);
  CHECK(site.refreshes.size() == 3);
}

TEST_CASE(
    "token exchange: a call goes on when the client leaves, and its answer waits for its next attempt") {
  Site site;
  site.answer = "";
  TestClient& gone = site.connect();
  gone.peer().leave();
  site.proxy.settle();
  CHECK(gone.gone());
  REQUIRE(site.asked.size() == 1);
  CHECK_FALSE(site.asked[0]->gateway_closed());
  site.asked[0]->send(giving(fresh, "Set-Cookie: refresh=r2\r\n"));
  site.proxy.settle();
  CHECK(site.handshakes.empty());
  const HttpMessage opened = site.connect().response();
  CHECK(opened.status() == 101);
  CHECK(opened.field("Set-Cookie") == "own=1, refresh=r2");
  CHECK(site.refreshes.size() == 1);
}

TEST_CASE("token exchange: without a fresh token the refusal is that of the expired one") {
  struct Case {
    const char* name;
    void (*prepare)(Site&);
    std::string detail;
    RouteCount count;
  };
  const std::string app = "app ";
  const std::vector<Case> cases = {
      {"refused", [](Site& site) { site.answer = response_text("{}", "", "401 Unauthorized"); },
       "app answered 401", RouteCount::refresh_refused},
      {"forbidden", [](Site& site) { site.answer = response_text("{}", "", "403 Forbidden"); },
       "app answered 403", RouteCount::refresh_refused},
      {"redirected", [](Site& site) { site.answer = response_text("", "Location: /\r\n", "302 Found"); },
       "app answered 302", RouteCount::refresh_refused},
      {"fails", [](Site& site) { site.answer = response_text("oops", "", "500 Oops"); }, "app answered 500",
       RouteCount::refresh_failed},
      {"garbage", [](Site& site) { site.answer = response_text("<html>"); },
       "app answered 200, and its answer has a body that is not valid JSON", RouteCount::refresh_failed},
      {"no token", [](Site& site) { site.answer = response_text("{\"refresh\":\"x\"}"); },
       "app answered 200, and its answer has no member access", RouteCount::refresh_failed},
      {"huge", [](Site& site) { site.answer = response_text(std::string(size_t{65} * 1024, ' ')); },
       "app: the body of its answer is larger than 65536 bytes", RouteCount::refresh_failed},
      {"slow", [](Site& site) { site.answer = ""; }, "app did not answer within 5000 ms",
       RouteCount::refresh_failed},
      {"down", [](Site& site) { site.endpoint().reach = Reach::refused; }, "app", RouteCount::refresh_failed},
      {"not HTTP", [](Site& site) { site.answer = "nonsense\r\n\r\n"; }, "app", RouteCount::refresh_failed},
      {"no token but text", [](Site& site) { site.answer = giving("undefined"); },
       "the token that app gave is refused: The token does not have three parts.",
       RouteCount::refresh_failed},
      {"an expired one", [](Site& site) { site.answer = giving(expired); },
       "the token that app gave is refused: The token expired at", RouteCount::refresh_failed},
      {"forged",
       [](Site& site) { site.answer = giving(token(ProxyFixture::unix_time + 300, {}, other_secret)); },
       "the token that app gave is refused: The token's signature does not fit the key.",
       RouteCount::refresh_failed},
      {"another user",
       [](Site& site) {
         site.answer = giving(token(ProxyFixture::unix_time + 300, {{"sub", "user-8"}}));
       },
       "the token that app gave is of another user", RouteCount::refresh_failed},
      {"another issuer",
       [](Site& site) {
         site.answer = giving(token(ProxyFixture::unix_time + 300, {{"iss", "others"}}));
       },
       "the token that app gave is refused: The token's iss is not \"tests\".", RouteCount::refresh_failed},
  };
  for (const Case& one : cases) {
    CAPTURE(std::string(one.name));
    Site site;
    one.prepare(site);
    TestClient& client = site.connect();
    site.proxy.advance(5100ms);
    site.proxy.settle();
    CHECK(site.close_code(client) == code_expired);
    const base::Json line = site.last_line();
    CHECK(line["cause"] == "token_expired");
    const std::string detail = line["detail"];
    CAPTURE(detail);
    CHECK(detail.starts_with("The token expired at "));
    CHECK(detail.find("It was not exchanged for a fresh one: " + one.detail) != std::string::npos);
    CHECK(site.handshakes.empty());
    CHECK(site.count(one.count) == 1);
    CHECK(site.proxy.log.text().find(expired) == std::string::npos);
  }
}

TEST_CASE("token exchange: a client that is told by a status learns nothing of the refresh endpoint") {
  Site site;
  site.endpoint().reach = Reach::refused;
  TestClient& client = site.proxy.connect();
  client.send(SocketFixture::handshake_text("Cookie: refresh=r1\r\n", "/ws?token=" + expired));
  const HttpMessage answer = client.response();
  CHECK(answer.status() == 401);
  CHECK(answer.field("WWW-Authenticate").find("exchange") == std::string::npos);
  CHECK(answer.field("WWW-Authenticate").find("The token expired at") != std::string::npos);
  CHECK(answer.body.find("127.0.0.1") == std::string::npos);
  CHECK(answer.body.find("exchange") == std::string::npos);
}

TEST_CASE("token exchange: the client's session is not lost where its handshake is refused") {
  const std::string other =
      giving(token(ProxyFixture::unix_time + 300, {{"sub", "user-8"}}), "Set-Cookie: refresh=r2; Path=/\r\n");
  Site site;
  site.answer = other;
  TestClient& told_by_close = site.connect();
  const HttpMessage refused = told_by_close.response();
  CHECK(refused.status() == 101);
  CHECK(refused.field("Set-Cookie") == "refresh=r2; Path=/");
  TestClient& told_by_status = site.proxy.connect();
  told_by_status.send(SocketFixture::handshake_text("Cookie: refresh=r9\r\n", "/ws?token=" + expired));
  const HttpMessage status = told_by_status.response();
  CHECK(status.status() == 401);
  CHECK(status.field("Set-Cookie") == "refresh=r2; Path=/");
  // An answer without a token, too: what it has set has replaced the old cookie.
  site.answer = response_text("{}", "Set-Cookie: refresh=r3\r\n");
  CHECK(site.connect("/ws?token=" + expired, "Cookie: refresh=r5\r\n").response().field("Set-Cookie") ==
        "refresh=r3");
}

TEST_CASE("token exchange: cookies of the answer obey the rules of the route's cookies") {
  Site site(usual, "    cookies: { path: { /api/token/: / } }\n");
  site.answer = giving(fresh, "Set-Cookie: refresh=r2; Path=/api/token/; HttpOnly\r\n");
  CHECK(site.connect().response().field("Set-Cookie") == "own=1, refresh=r2; Path=/; HttpOnly");
}

TEST_CASE("token exchange: nobody is asked about a token that is not merely expired") {
  Site site;
  const auto refused = [&](const std::string& text, const std::string& cookies) {
    TestClient& client = site.connect("/ws?token=" + text, "Cookie: " + cookies + "\r\n");
    site.close_code(client);
    return site.last_line();
  };
  const int64_t past = ProxyFixture::unix_time - 60;
  CHECK(refused(token(past, {}, other_secret), "refresh=r1")["cause"] == "token_signature");
  CHECK(refused(token(past, {{"iss", "others"}}), "refresh=r1")["cause"] == "token_expired");
  CHECK(refused(token(past, {{"nbf", past + 3600}}), "refresh=r1")["cause"] == "token_expired");
  CHECK(refused("undefined", "refresh=r1")["cause"] == "token_malformed");
  // Nor without one cookie that names the session.
  const auto detail = [](const base::Json& line) { return line["detail"].get<std::string>(); };
  CHECK(detail(refused(expired, "theme=dark")).ends_with("the request has no cookie refresh"));
  CHECK(detail(refused(expired, "refresh=")).ends_with("the request has no cookie refresh"));
  CHECK(detail(refused(expired, "refresh=r1; refresh=r2"))
            .ends_with("the request has more than one cookie refresh"));
  CHECK(detail(refused(expired, "refresh=r1; refresh=r1"))
            .ends_with("the request has more than one cookie refresh"));
  CHECK(site.refreshes.empty());
  // A good token, and a page of another origin.
  CHECK(site.connect("/ws?token=" + fresh).response().status() == 101);
  TestClient& foreign = site.proxy.connect();
  foreign.send(SocketFixture::handshake_text("Origin: https://evil.example\r\nCookie: refresh=r1\r\n",
                                             "/ws?token=" + expired));
  CHECK(foreign.response().status() == 403);
  CHECK(site.refreshes.empty());
  CHECK(site.count(RouteCount::refresh_done) == 0);
}

TEST_CASE("token exchange: the user is the claim that is named, and a token without it is nobody's") {
  const auto without_sub = [](int64_t expires, const Claims& more) {
    Claims claims = more;
    claims["sub"] = nullptr;
    return token(expires, claims);
  };
  const int64_t past = ProxyFixture::unix_time - 60;
  const int64_t future = ProxyFixture::unix_time + 300;
  Site by_sub;
  by_sub.answer = giving(without_sub(future, {{"user_id", 7}}));
  by_sub.close_code(by_sub.connect("/ws?token=" + without_sub(past, {{"user_id", 7}})));
  CHECK(by_sub.last_line()["detail"].get<std::string>().ends_with("replaces one that names no user"));
  const std::string by_id =
      "{ use: ids, refresh: { path: /api/token/refresh/, cookie: refresh, token: access } }";
  for (const int user : {7, 8}) {
    Site site(by_id);
    site.answer = giving(without_sub(future, {{"user_id", user}}));
    TestClient& client = site.connect("/ws?token=" + without_sub(past, {{"user_id", 7}}));
    CHECK(site.handshakes.size() == (user == 7 ? 1 : 0));
    CHECK(client.response().status() == 101);  // the other one is told by a Close
  }
  // A session that both name is the same.
  for (const char* session : {"s1", "s2"}) {
    Site site;
    site.answer = giving(token(future, {{"sid", session}}));
    site.connect("/ws?token=" + token(past, {{"sid", "s1"}}));
    CHECK(site.handshakes.size() == (session == std::string("s1") ? 1 : 0));
  }
}

TEST_CASE("token exchange: the answer may have the token in a cookie or a field") {
  for (const std::string place : {"{ cookie: access }", "{ header: X-Access }"}) {
    CAPTURE(place);
    Site site("{ use: login, refresh: { path: /api/token/refresh/, cookie: refresh, method: GET, token: " +
              place + " } }");
    site.answer = place.find("cookie") != std::string::npos
                      ? response_text("", "Set-Cookie: access=" + fresh + "; HttpOnly\r\n")
                      : response_text("", "X-Access: Bearer " + fresh + "\r\n");
    CHECK(site.connect().response().status() == 101);
    CHECK(site.refreshes.at(0).start == "GET /api/token/refresh/ HTTP/1.1");
    CHECK_FALSE(site.refreshes.at(0).has("Content-Length"));
    CHECK(site.handshakes.at(0).target() == "/ws?a=1&token=" + fresh + "&b=2");
  }
}

TEST_CASE("token exchange: a refresh endpoint elsewhere gets its own Host") {
  Site site(
      "{ use: login, refresh: { url: \"http://127.0.0.1:3002/refresh\", cookie: refresh, token: access } }");
  site.proxy.upstream.at(3002).behaviour = answers(giving(fresh));
  CHECK(site.connect().response().status() == 101);
  const HttpMessage& asked = site.proxy.upstream.at(3002).last().requests.back();
  CHECK(asked.start == "POST /refresh HTTP/1.1");
  CHECK(asked.field("Host") == "127.0.0.1:3002");
  CHECK(site.refreshes.empty());
}

TEST_CASE("token exchange: a call that may have arrived is not made twice") {
  Site site;
  site.answer = giving(fresh);
  CHECK(site.connect().response().status() == 101);
  // The endpoint closes the kept connection of the first call when the second arrives.
  site.endpoint().behaviour = [&site](FakeConnection& connection) {
    if (connection.take_request()) {
      site.asked.push_back(&connection);
      connection.reset();
    }
  };
  const size_t before = site.asked.size();
  site.close_code(site.connect("/ws?token=" + expired, "Cookie: refresh=r2\r\n"));
  CHECK(site.asked.size() == before + 1);
  CHECK(site.count(RouteCount::refresh_failed) == 1);
}

TEST_CASE("token exchange: what the fresh token does not permit is refused for that") {
  Site site(usual, "    required_claims: { room: lobby }\n");
  site.close_code(site.connect());
  CHECK(site.last_line()["cause"] == "claims_refused");
  CHECK(site.refreshes.size() == 1);
  CHECK(site.handshakes.empty());
}
