// WebSockets whose client sends its token in the first message: the gateway opens them itself, and no
// endpoint hears of a client without a good token.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/jwt_keys.h"
#include "support/socket_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using namespace websocket::test;

namespace {

using Frames = std::vector<std::string>;

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";
const std::string graphql_offer = "Sec-WebSocket-Protocol: other, graphql-transport-ws\r\n";
const std::string graphql_answer = "Sec-WebSocket-Protocol: graphql-transport-ws\r\n";
const std::string stomp_offer = "Sec-WebSocket-Protocol: v12.stomp, v11.stomp\r\n";

struct Setup {
  std::string source = "{ message: graphql }";
  std::string jwt = "login";  // of the route
  std::string websocket = "{ ping_interval: none }";
  std::string keys = "secret: \"" + std::string(secret) + "\", algorithms: [HS256]";
};

std::string yaml(const Setup& setup) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
jwt:
  login: { )" +
         setup.keys + ", from: [header, { ticket: ticket }, " + setup.source + R"(] }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: socket, match: { path: /ws }, upstream: app, jwt: )" +
         setup.jwt + ", websocket: " + setup.websocket + R"( }
  - { name: ticket, match: { path: /ticket }, jwt: login, ticket: 30s }
)";
}

std::string token(int64_t lasts = 600, const base::Json& more = base::Json::object()) {
  base::Json claims = {{"sub", "user-7"}, {"exp", ProxyFixture::unix_time + lasts}};
  claims.update(more);
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret), claims);
}

std::string init(const std::string& token) {
  return R"({"type":"connection_init","payload":{"Authorization":"Bearer )" + token + "\"}}";
}

std::string connect_frame(const std::string& token) {
  return "CONNECT\naccept-version:1.2\nAuthorization:Bearer " + token + "\nhost:app\n\n" +
         std::string(1, '\0');
}

struct First {
  explicit First(const Setup& setup = {}, const std::string& offer = graphql_offer,
                 const std::string& answer = graphql_answer)
      : proxy(yaml(setup)) {
    proxy.upstream.at(3001).behaviour = accepts_websocket(answer);
    if (!offer.empty()) open(offer);
  }
  void open(const std::string& fields, std::string_view path = "/ws") {
    client = &proxy.connect({.address = "198.51.100." + std::to_string(proxy.clients.size())});
    client->send(SocketFixture::handshake_text(fields, path));
    head = client->response();
  }
  void say(const std::string& text_message) { client->send(frame(text, text_message)); }
  FakeEndpoint& app() { return proxy.upstream.at(3001); }
  size_t dials() { return app().connections.size(); }
  Frames client_heard() { return SocketFixture::read(client->take_unread(), false); }
  Frames endpoint_heard() { return SocketFixture::read(app().last().take_unread(), true); }
  std::string endpoint_head(std::string_view name) { return app().last().requests.back().field(name); }
  // What a refused client gets after the pause before a Close.
  std::string closed() {
    proxy.advance(300ms);
    const Frames heard = client_heard();
    CHECK(client->ended());
    CHECK(dials() == 0);
    return heard.empty() ? "" : heard.back().substr(0, 10);
  }
  base::Json line() { return proxy.log.last("exchange"); }
  bool logs(const std::string& text) { return proxy.log.text().find(text) != std::string::npos; }

  ProxyFixture proxy;
  TestClient* client = nullptr;
  HttpMessage head;
};

}  // namespace

TEST_CASE("first message: a valid token opens the socket to the endpoint, which gets the message unchanged") {
  First first;
  CHECK(first.head.status() == 101);
  CHECK(first.head.field("Sec-WebSocket-Protocol") == "graphql-transport-ws");
  CHECK(first.head.field("Sec-WebSocket-Extensions").empty());
  CHECK(first.dials() == 0);
  const std::string message = init(token());
  first.say(message);
  REQUIRE(first.dials() == 1);
  CHECK(first.endpoint_head("Sec-WebSocket-Protocol") == "graphql-transport-ws");
  CHECK(first.endpoint_heard() == Frames{"text " + message});
  first.app().last().send(server_frame(text, "ack"));
  first.proxy.settle();
  CHECK(first.client_heard() == Frames{"text ack"});
  first.say("more");
  CHECK(first.endpoint_heard() == Frames{"text more"});
  CHECK(first.proxy.log.line("tunnel_open")["subprotocol"] == "graphql-transport-ws");
}

TEST_CASE("first message: whoever has no good token is closed, and no endpoint hears of it") {
  const auto refused = [](const std::string& frames, std::string_view code, std::string_view cause) {
    CAPTURE(cause);
    First first;
    first.client->send(frames);
    CHECK(first.closed() == code);
    CHECK(first.line()["cause"] == cause);
    CHECK(first.line()["status"] == 101);
  };
  refused(frame(text, init("nonsense")), "close 4401", "token_malformed");
  refused(frame(text, init(token(-600))), "close 4401", "token_expired");
  refused(frame(text, R"({"type":"connection_init"})"), "close 4401", "token_missing");
  refused(frame(text, R"({"type":"ping"})"), "close 4401", "token_missing");
  refused(frame(text, "{"), "close 4401", "token_malformed");
  refused(frame(binary, init(token())), "close 4401", "token_malformed");
  refused(frame(text, "\xff"), "close 1007", "token_missing");
  refused(frame(text, init(token()), {.masked = false}), "close 1002", "token_missing");
  refused(frame(text, std::string(70'000, 'x')), "close 1009", "token_missing");
  std::string endless;
  for (int i = 0; i < 40; ++i)
    endless += frame(i == 0 ? text : continuation, std::string(2'000, 'x'), {false});
  refused(endless, "close 1009", "token_missing");
}

TEST_CASE("first message: a client that says nothing is refused in time, for GraphQL with its own code") {
  First first;
  first.client->send(frame(ping, "still here"));
  first.proxy.advance(9s);
  CHECK(first.client_heard().empty());
  CHECK_FALSE(first.client->ended());
  first.proxy.advance(1s);
  CHECK(first.closed() == "close 4408");
  CHECK(first.line()["cause"] == "token_missing");

  First stomp({.source = "{ message: stomp, wait: 2s }"}, stomp_offer, {});
  stomp.proxy.advance(3s);
  const Frames heard = stomp.client_heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].substr(0, 30) == "text ERROR\nmessage:token_missi");
  CHECK(heard[1].substr(0, 10) == "close 4401");
}

TEST_CASE("first message: fragments, pings and what comes behind it reach the endpoint in their order") {
  First first;
  const std::string message = init(token());
  const std::string frames = frame(ping, "a") + frame(text, message.substr(0, 20), {.last = false}) +
                             frame(ping, "b") + frame(continuation, message.substr(20)) +
                             frame(text, "behind") + frame(text, "half").substr(0, 3);
  SUBCASE("in one read") { first.client->send(frames); }
  SUBCASE("byte by byte") {
    for (const char byte : frames) first.client->send(std::string(1, byte));
  }
  CHECK(first.endpoint_heard() == Frames{"ping a", "text+ " + message.substr(0, 20), "ping b",
                                         "continuation " + message.substr(20), "text behind"});
  first.client->send(frame(text, "half").substr(3));
  first.client->send(frame(text, "next"));
  const Frames rest = first.endpoint_heard();
  REQUIRE(!rest.empty());
  CHECK(rest.back() == "text next");
}

TEST_CASE("first message: a token in an earlier place is enough, and no message is awaited") {
  First first({}, "");
  first.open(graphql_offer + "Authorization: Bearer " + token() + "\r\n");
  CHECK(first.head.status() == 101);
  CHECK(first.dials() == 1);
  CHECK(first.endpoint_head("Sec-WebSocket-Protocol") == "other, graphql-transport-ws");
  First bad({}, "");
  bad.open(graphql_offer + "Authorization: Bearer nonsense\r\n");
  CHECK(bad.head.status() == 401);
  First unfit({}, "");
  unfit.open("Sec-WebSocket-Protocol: chat\r\n");
  CHECK(unfit.head.status() == 401);
  CHECK(unfit.line()["detail"].get<std::string>().find("no subprotocol") != std::string::npos);
}

TEST_CASE("first message: a request that opens no WebSocket has no message") {
  First first({}, "");
  TestClient& client = first.proxy.connect();
  client.send("GET /ws HTTP/1.1\r\nHost: app.example\r\n\r\n");
  CHECK(client.response().status() == 401);
}

TEST_CASE("first message: forward_as takes the token out of it, and puts it where the endpoint wants it") {
  const std::string good = token();
  SUBCASE("strip") {
    First first({.jwt = "{ use: login, forward_as: strip }, forward_claims: { sub: X-User }"});
    first.client->send(frame(ping, "p") + frame(text, init(good)) + frame(text, "behind"));
    CHECK(
        first.endpoint_heard() ==
        Frames{"ping p", R"(text {"type":"connection_init","payload":{"Authorization":""}})", "text behind"});
    CHECK(first.endpoint_head("X-User") == "user-7");
    CHECK(first.endpoint_head("Authorization").empty());
  }
  SUBCASE("header") {
    First first({.jwt = "{ use: login, forward_as: { header: Authorization } }"});
    first.say(init(good));
    CHECK(first.endpoint_heard() ==
          Frames{R"(text {"type":"connection_init","payload":{"Authorization":""}})"});
    CHECK(first.endpoint_head("Authorization") == "Bearer " + good);
  }
  SUBCASE("stomp") {
    First first({.source = "{ message: stomp }", .jwt = "{ use: login, forward_as: { cookie: session } }"},
                stomp_offer, "Sec-WebSocket-Protocol: v12.stomp\r\n");
    first.say(connect_frame(good));
    CHECK(first.endpoint_heard() ==
          Frames{"text CONNECT\naccept-version:1.2\nhost:app\n\n" + std::string(1, '\0')});
    CHECK(first.endpoint_head("Cookie") == "session=" + good);
    CHECK(first.endpoint_head("Sec-WebSocket-Protocol") == "v12.stomp");
  }
}

TEST_CASE("first message: a declared message, and an optional token") {
  const std::string declared = "{ message: json, type: auth, token: /data/token, wait: 2s }";
  First first({.source = declared}, "Sec-WebSocket-Protocol: chat, other\r\n",
              "Sec-WebSocket-Protocol: chat\r\n");
  CHECK(first.head.field("Sec-WebSocket-Protocol") == "chat");
  first.say(R"({"type":"auth","data":{"token":")" + token() + "\"}}");
  CHECK(first.dials() == 1);
  First optional({.source = declared, .jwt = "{ use: login, required: false }"}, "Origin: https://a\r\n", {});
  CHECK(optional.dials() == 0);
  optional.client->send(frame(text, "half").substr(0, 3));
  optional.proxy.advance(3s);
  REQUIRE(optional.dials() == 1);
  optional.client->send(frame(text, "half").substr(3));
  CHECK(optional.endpoint_heard() == Frames{"text half"});
}

TEST_CASE("first message: rules of claims and limits by claim judge its token") {
  First first({.jwt = "login, required_claims: { role: admin }"});
  first.say(init(token()));
  CHECK(first.closed() == "close 4403");
  First admin({.jwt = "login, required_claims: { role: admin }"});
  admin.say(init(token(600, {{"role", "admin"}})));
  CHECK(admin.dials() == 1);
}

TEST_CASE("first message: after the 101, what the endpoint refuses is a Close frame too") {
  const auto refused = [](First& first, std::string_view code) {
    first.say(init(token()));
    first.proxy.advance(300ms);
    const Frames heard = first.client_heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].substr(0, 10) == code);
    CHECK(first.client->ended());
    CHECK(first.proxy.tunnels.size() == 0);
  };
  First forbidden;
  forbidden.app().behaviour = answers(response_text("no", {}, "403 Forbidden"));
  refused(forbidden, "close 4403");
  First missing;
  missing.app().behaviour = answers(response_text("no", {}, "404 Not Found"));
  refused(missing, "close 1008");
  First other;  // the client was promised another one
  other.app().behaviour = accepts_websocket("");
  refused(other, "close 1013");
  First down;
  down.app().reach = Reach::refused;
  refused(down, "close 1013");
  CHECK(down.line()["cause"] == "upstream_refused");
}

TEST_CASE("first message: a client that leaves while it is awaited costs nothing and is logged") {
  SUBCASE("without a word") {
    First first;
    first.client->peer().leave();
    first.proxy.settle();
    CHECK(first.line()["cause"] == "client_closed");
    CHECK(first.dials() == 0);
  }
  SUBCASE("with a Close frame") {
    First first;
    first.client->send(close_of(1000));
    CHECK(first.client_heard() == Frames{"close 1000"});
    CHECK(first.line()["cause"] == "client_closed");
    CHECK(first.client->ended());
  }
  SUBCASE("in the pause of a refusal") {
    First first;
    first.client->send(frame(text, init("nonsense")));
    first.client->peer().leave();
    first.proxy.advance(1s);
    CHECK(first.line()["cause"] == "token_malformed");
  }
  SUBCASE("before its endpoint has answered") {
    First first;
    first.app().behaviour = says_nothing();
    first.say(init(token()));
    REQUIRE(first.dials() == 1);
    first.client->peer().leave();
    first.proxy.settle();
    CHECK(first.line()["cause"] == "client_closed");
  }
}

TEST_CASE("first message: a reload and the end of a drain while it is awaited") {
  First first;
  first.proxy.adopt(yaml({}));
  first.say(init(token()));
  CHECK(first.dials() == 1);

  First stopped;
  stopped.proxy.tunnels.leave({});
  stopped.client->connection().cancel(base::Cause::shutting_down);
  stopped.proxy.settle();
  CHECK(stopped.line()["cause"] == "shutting_down");
  CHECK(stopped.client->over());
}

TEST_CASE("first message: a reload that changes the route, and a shutdown, end the wait at once") {
  First changed;
  Setup other;
  other.websocket = "{ ping_interval: 5s }";
  changed.proxy.adopt(yaml(other));
  CHECK(changed.closed() == "close 1013");
  CHECK(changed.line()["cause"] == "route_changed");

  First stopped;
  stopped.proxy.tunnels.leave({});
  CHECK(stopped.closed() == "close 1013");
  CHECK(stopped.line()["cause"] == "shutting_down");
}

TEST_CASE("first message: keys that are being fetched are waited for after it") {
  First first({.keys = "issuer: https://login.example, keys: http://localhost:1/keys, algorithms: [ES256]"},
              "");
  FakeEndpoint& provider = first.proxy.providers.at(1);
  provider.behaviour = says_nothing();
  first.open(graphql_offer);
  first.say(init(make_token(
      p256_key(), crypto::Algorithm::es256,
      {{"iss", "https://login.example"}, {"sub", "user-7"}, {"exp", ProxyFixture::unix_time + 600}}, "a")));
  CHECK(first.dials() == 0);
  base::Json key = p256_key().public_jwk();
  key["kid"] = "a";
  const std::string jwks = response_text(base::write_json({{"keys", base::Json::array({key})}}));
  REQUIRE(!provider.connections.empty());
  provider.last().send(jwks);
  first.proxy.settle();
  CHECK(first.dials() == 1);
}

TEST_CASE("first message: where the gateway compresses, it reads a compressed one") {
  First first({.websocket = "{ ping_interval: none, mode: inspect, compression: true }"}, "");
  first.open(graphql_offer + "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  CHECK(first.head.field("Sec-WebSocket-Extensions").find("permessage-deflate") == 0);
  std::string message = init(token());
  message.insert(message.size() - 1, ",\"filler\":\"" + std::string(600, 'x') + "\"");
  websocket::Deflate deflate;
  first.client->send(frame(text, deflate.compress(message), {.reserved = 4}));
  REQUIRE(first.dials() == 1);
  CHECK(first.endpoint_head("Sec-WebSocket-Extensions").empty());
  CHECK(first.endpoint_heard() == Frames{"text " + message});
}

TEST_CASE("first message: who comes back to be refused again waits longer for the Close each time") {
  First first({}, "");
  const auto time_to_close = [&first] {
    TestClient& client = first.proxy.connect();
    client.send(SocketFixture::handshake_text(graphql_offer));
    client.response();
    client.send(frame(text, init("nonsense")));
    Duration waited{};
    for (; !client.ended() && waited < 1min; waited += 100ms) first.proxy.advance(100ms);
    return waited;
  };
  const Duration once = time_to_close();
  time_to_close();
  const Duration third = time_to_close();
  CHECK(once <= 300ms);
  CHECK(third > once);
  CHECK(third < 1min);
  CHECK(first.dials() == 0);
  first.proxy.advance(3s);  // a client that has its Close has so long to leave
  CHECK(first.proxy.tunnels.refused().size() == 0);
}

TEST_CASE("first message: the token stands in no line of a log") {
  First good;
  const std::string text = token();
  good.say(init(text));
  good.client->peer().leave();
  good.proxy.advance(15s);
  CHECK_FALSE(good.logs(text));
  First bad;
  const std::string old = token(-600);
  bad.say(init(old));
  bad.proxy.advance(1s);
  CHECK_FALSE(bad.logs(old));
}
