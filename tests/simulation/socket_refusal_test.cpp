// Refused upgrades: a page learns by a Close frame what is wrong with its token. For any other reason, and
// for any other client, the answer is the status.
#include <doctest/doctest.h>

#include <fstream>

#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/socket_fixture.h"
#include "support/temporary_folder.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";
const std::string from_app = "Origin: https://app.example.com\r\n";

std::string yaml(const std::string& websocket = "{}") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
origins: { web: { allow: ["https://app.example.com"] } }
jwt:
  session: { secret: ")" +
         std::string(secret) +
         R"(", algorithms: [HS256], from: [header, { query: token }, subprotocol], required_claims: { room: lobby } }
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"] }
  held: { endpoints: ["http://127.0.0.1:3002"], hold: { time: 10s } }
websocket: )" +
         websocket + R"(
routes:
  - { name: token, match: { path: /token }, upstream: app, origins: web, jwt: session }
  - { name: held, match: { path: /held }, upstream: held }
  - { name: few, match: { path: /few }, upstream: app, websocket: { sockets: { per_client: 1 } } }
  - { name: closed, match: { path: /closed }, upstream: app, maintenance: true }
  - { name: open, match: { path: /open }, upstream: app }
)";
}

std::string token(const base::Json& more = {{"room", "lobby"}},
                  int64_t expires = ProxyFixture::unix_time + 600) {
  base::Json claims = {{"sub", "user-7"}, {"exp", expires}};
  claims.update(more);
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret), claims);
}

struct Answer {
  uint16_t status = 0;
  std::string protocol;
  uint16_t code = 0;
  base::Json reason;
  base::Json line;
};

// The number of requests of a route by the class of their status, without empty classes: "3xx 1, 5xx 2".
std::string classes(ProxyFixture& proxy, const std::string& route) {
  using telemetry::RouteCount;
  const telemetry::Totals totals = proxy.metrics.totals();
  const telemetry::RouteSeries& series = totals.routes.at(route);
  std::string shown;
  for (const auto& [count, name] : {std::pair(RouteCount::requests_1xx, "1xx"),
                                    {RouteCount::requests_2xx, "2xx"},
                                    {RouteCount::requests_3xx, "3xx"},
                                    {RouteCount::requests_4xx, "4xx"},
                                    {RouteCount::requests_5xx, "5xx"}})
    if (series[count] > 0)
      shown += (shown.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(series[count]);
  return shown;
}

// Uses another client each time, since a client that comes back to be refused again has to wait.
Answer ask(ProxyFixture& proxy, std::string_view path, const std::string& fields) {
  TestClient& client = proxy.connect({.address = "198.51.100." + std::to_string(proxy.clients.size())});
  client.send(SocketFixture::handshake_text(fields, path));
  const HttpMessage head = client.response();
  Answer answer;
  answer.status = static_cast<uint16_t>(head.status());
  answer.protocol = head.field("Sec-WebSocket-Protocol");
  answer.line = proxy.log.last("exchange");
  if (answer.status != 101) return answer;
  CHECK(head.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(client.unread().empty());  // the Close is delayed for a moment
  proxy.advance(300ms);
  const std::string frame = client.take_unread();
  REQUIRE(frame.size() >= 4);
  CHECK(frame[0] == '\x88');
  const websocket::CloseBody body = websocket::read_close(std::string_view(frame).substr(2));
  CHECK(body.reason.size() <= 123);
  answer.code = body.code;
  answer.reason = base::Json::parse(body.reason);
  CHECK(client.ended());
  return answer;
}

}  // namespace

TEST_CASE(
    "socket refusal: a page is told 4401 and 4403 with the reason and the id, and all else by its status") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  const auto refused = [&](std::string_view path, const std::string& fields, uint16_t code,
                           std::string_view error) {
    CAPTURE(path);
    const Answer answer = ask(proxy, path, from_app + fields);
    CHECK(answer.status == 101);
    CHECK(answer.code == code);
    CHECK(answer.reason["error"] == error);
    CHECK(answer.reason["id"] == answer.line["request_id"]);
    CHECK(answer.line["status"] == 101);
    CHECK(answer.line["close_code"] == code);
    CHECK(answer.line.at("refused_status") == answer.reason["status"]);
    CHECK(answer.line["cause"] == error);
  };
  refused("/token", "", 4401, "token_missing");
  refused("/token?token=nonsense", "", 4401, "token_malformed");
  refused("/token?token=" + token({{"room", "lobby"}}, ProxyFixture::unix_time - 600), "", 4401,
          "token_expired");
  refused("/token?token=" + token({{"room", "cellar"}}), "", 4403, "token_claims");
  CHECK(ask(proxy, "/nowhere", from_app).status == 404);
  CHECK(ask(proxy, "/closed", from_app).status == 503);
  TestClient& first = proxy.connect();
  first.send(SocketFixture::handshake_text("", "/few"));
  CHECK(first.response().status() == 101);
  TestClient& too_many = proxy.connect();
  too_many.send(SocketFixture::handshake_text(from_app, "/few"));
  CHECK(too_many.response().status() == 429);
  CHECK(classes(proxy, "token") == "4xx 4");
  CHECK(classes(proxy, "closed") == "5xx 1");
  CHECK(classes(proxy, "few") == "1xx 1, 4xx 1");
  first.peer().leave();
  proxy.advance(15s);
  CHECK(proxy.tunnels.size() == 0);
  TestClient& second = proxy.connect();
  second.send(SocketFixture::handshake_text(from_app, "/few"));
  second.response();
  CHECK(proxy.tunnels.size() == 1);
  CHECK(proxy.tunnels.refused().size() == 0);
}

TEST_CASE("socket refusal: an absent endpoint is 503 after the hold, and before it nothing") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3002).reach = Reach::refused;
  TestClient& client = proxy.connect({.address = "203.0.113.1"});
  client.send(SocketFixture::handshake_text("", "/held"));
  proxy.advance(9s);
  CHECK(client.unread().empty());
  proxy.advance(2s);
  CHECK(client.response().status() == 503);
  TestClient& lucky = proxy.connect({.address = "203.0.113.2"});
  lucky.send(SocketFixture::handshake_text("", "/held"));
  proxy.advance(5s);
  proxy.upstream.at(3002).reach = Reach::good;
  proxy.upstream.at(3002).behaviour = accepts_websocket();
  proxy.advance(2s);
  CHECK(lucky.response().status() == 101);
  CHECK(proxy.tunnels.size() == 1);
}

TEST_CASE("socket refusal: who is no page gets the status, and an origin that is not listed 403") {
  ProxyFixture proxy(yaml());
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  CHECK(ask(proxy, "/token", "").status == 401);
  CHECK(ask(proxy, "/nowhere", "").status == 404);
  CHECK(ask(proxy, "/closed", "").status == 503);
  CHECK(ask(proxy, "/token", "Origin: https://evil.example\r\n").status == 403);
  CHECK(ask(proxy, "/token", from_app + from_app).status == 403);
  TestClient& client = proxy.connect();
  client.send("GET /token HTTP/1.1\r\nHost: a\r\n" + from_app + "\r\n");  // not an upgrade
  CHECK(client.response().status() == 401);
}

TEST_CASE(
    "socket ending: with its token a socket ends at once, and what breaks the rules then passes no more") {
  ProxyFixture proxy(yaml("{ mode: walk, ping_interval: none }"));
  proxy.upstream.at(3001).behaviour = accepts_websocket("");
  TestClient& client = proxy.connect();
  client.send(SocketFixture::handshake_text(
      from_app + "Authorization: Bearer " + token({{"room", "lobby"}}, ProxyFixture::unix_time + 60) + "\r\n",
      "/token"));
  REQUIRE(client.response().status() == 101);
  FakeConnection& endpoint = proxy.upstream.at(3001).last();
  namespace frames = websocket::test;
  client.send(frames::frame(frames::text, "in time"));
  proxy.settle();
  endpoint.take_unread();
  proxy.advance(3min);
  client.send(frames::frame(frames::text, "too late") +
              frames::frame(frames::ping, "x", {.masked = false, .reserved = 7}) +
              frames::frame(frames::goodbye, "\x01"));
  proxy.settle();
  client.peer().leave();
  proxy.advance(3s);
  CHECK(proxy.log.line("tunnel_close")["cause"] == "token_expired");
  const std::string heard = endpoint.take_unread();
  CHECK(heard.find("postern") == heard.npos);
  REQUIRE(heard.size() > 6);
  CHECK(heard[0] == '\x88');  // a Close of the gateway, and nothing else
  CHECK(heard.size() == size_t(6) + (heard[1] & 127));
}

TEST_CASE("socket ending: a client that breaks the rules on its way out is heard no longer") {
  ProxyFixture proxy(yaml("{ mode: walk }"));
  proxy.upstream.at(3001).behaviour = accepts_websocket("");
  TestClient& client = proxy.connect();
  client.send(SocketFixture::handshake_text({}, "/open"));
  REQUIRE(client.response().status() == 101);
  FakeConnection& endpoint = proxy.upstream.at(3001).last();
  endpoint.take_unread();
  proxy.tunnels.leave({});
  proxy.advance(200ms);
  namespace frames = websocket::test;
  const std::string fine = frames::frame(frames::text, "on its way");
  client.send(fine + frames::frame(frames::goodbye, "\x01") + fine);
  proxy.settle();
  const std::string heard = endpoint.take_unread();
  CHECK(heard.substr(0, 2) == fine.substr(0, 2));
  REQUIRE(heard.size() > fine.size() + 8);
  CHECK(heard.substr(fine.size(), 1) == "\x88");  // a Close of the gateway: 1001
  CHECK(heard.size() == fine.size() + 6 + (heard[fine.size() + 1] & 127));
  client.peer().leave();
  proxy.advance(3s);
  CHECK(proxy.log.line("tunnel_close")["cause"] == "shutting_down");
}

TEST_CASE("socket refusal: clients that take an open socket for success get the status") {
  ProxyFixture proxy(yaml());
  CHECK(ask(proxy, "/token?EIO=4&transport=websocket", from_app).status == 401);
  CHECK(ask(proxy, "/token?jobId=all&EIO=4&transport=websocket", from_app).status == 401);
  CHECK(ask(proxy, "/nowhere", from_app + "Sec-WebSocket-Protocol: vite-hmr\r\n").status == 404);
  CHECK(ask(proxy, "/nowhere", from_app + "Sec-WebSocket-Protocol: vite-ping\r\n").status == 404);
  CHECK(ask(proxy, "/token?xEIO=4", from_app + "Sec-WebSocket-Protocol: chat\r\n").code == 4401);
  CHECK(ask(proxy, "/token/live/websocket?_csrf_token=x&vsn=2.0.0", from_app).status == 401);
  CHECK(ask(proxy, "/token?transport=webSockets&clientProtocol=2.1&connectionToken=x", from_app).status ==
        401);
  CHECK(ask(proxy, "/token?clientProtocol=2.1", from_app).code == 4401);
  ProxyFixture close(yaml("{ refuse: close }"));  // a Close that would harm them
  CHECK(ask(close, "/token?EIO=4&transport=websocket", from_app).status == 401);
  CHECK(ask(close, "/nowhere?vsn=2.0.0", from_app).status == 404);
}

TEST_CASE("socket refusal: a page that asks a document, or a fixed answer, to be a socket is told so") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("index.html")) << "<!doctype html>";
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
websocket: { refuse: close }
routes:
  - { name: site, files: ")" +
                     folder.file("") + R"(", spa: true }
  - { name: fixed, match: { path: /fixed }, respond: { body: hello } }
  - { name: away, match: { path: /away }, redirect: { to: "https://b.example/" } }
)");
  for (const auto& [path, error] :
       std::vector<std::pair<std::string, std::string>>{{"/index.html", "not_a_socket"},
                                                        {"/ws", "file_not_found"},
                                                        {"/fixed", "not_a_socket"},
                                                        {"/away", "not_a_socket"}}) {
    const std::string shown(path);  // clang 14 does not allow a lambda to capture a structured binding
    CAPTURE(shown);
    const Answer answer = ask(proxy, path, from_app);
    CHECK(answer.code == 4404);
    CHECK(answer.reason["error"] == error);
  }
  const base::Json line = proxy.log.last("exchange");
  CHECK(line.at("refused_status") == 307);
  CHECK(line.at("detail") == "the route answered the upgrade with 307");
  CHECK(line["cause"].is_null());
  CHECK(classes(proxy, "away") == "3xx 1");
  CHECK(ask(proxy, "/index.html", "Sec-WebSocket-Protocol: vite-hmr\r\n").status == 200);
}

TEST_CASE("socket refusal: what cannot be read as a request is refused by its status, whatever it asks for") {
  for (const char* refuse : {"{ refuse: auto }", "{ refuse: close }"}) {
    ProxyFixture proxy(yaml(refuse));
    for (const char* target : {"/a%0a", "/a%00", "/a#x", "/a/..;/../c", "/../x", "*"}) {
      CAPTURE(target);
      TestClient& client = proxy.connect();
      client.send(SocketFixture::handshake_text(from_app + "Sec-WebSocket-Protocol: chat\r\n", target));
      CHECK(client.response().status() == 400);
    }
  }
}

TEST_CASE("socket refusal: a route may say status for all, or close for all, and codes of its own") {
  ProxyFixture by_status(yaml("{ refuse: status }"));
  CHECK(ask(by_status, "/token", from_app).status == 401);
  ProxyFixture by_close(yaml("{ refuse: close, close_codes: { unauthorized: 4001 } }"));
  CHECK(ask(by_close, "/token", "").code == 4001);
  CHECK(ask(by_close, "/token", "Origin: https://evil.example\r\n").status == 403);
}

TEST_CASE(
    "socket refusal: a token that has expired may have a code of its own, which the client comes back from") {
  const std::string expired = "/token?token=" + token({{"room", "lobby"}}, ProxyFixture::unix_time - 600);
  ProxyFixture usual(yaml());
  CHECK(ask(usual, expired, from_app).code == 4401);
  ProxyFixture all(yaml("{ close_codes: { unauthorized: 4001 } }"));
  CHECK(ask(all, expired, from_app).code == 4001);
  ProxyFixture own(yaml("{ close_codes: { refused_expired: 4408 } }"));
  const Answer answer = ask(own, expired, from_app);
  CHECK(answer.code == 4408);
  CHECK(answer.reason["error"] == "token_expired");
  CHECK(ask(own, "/token", from_app).code == 4401);
  CHECK(ask(own, "/token?token=none", from_app).code == 4401);
}

TEST_CASE(
    "socket refusal: what an endpoint answers keeps its status, or becomes a code where all are to be "
    "closes") {
  ProxyFixture proxy(yaml("{ refuse: close }"));
  ProxyFixture usual(yaml());
  const std::vector<std::pair<std::string, uint16_t>> statuses = {
      {"401 Unauthorized", 4401}, {"403 Forbidden", 4403},
      {"404 Not Found", 4404},    {"429 Too Many Requests", 4429},
      {"400 Bad Request", 4400},  {"503 Service Unavailable", 1013},
      {"500 Oops", 1013}};
  for (const auto& [status, code] : statuses) {
    const std::string shown(status);  // clang 14 does not allow a lambda to capture a structured binding
    CAPTURE(shown);
    proxy.upstream.at(3001).behaviour = answers(response_text("no", "", status));
    const Answer answer = ask(proxy, "/open", from_app);
    CHECK(answer.code == code);
    CHECK(answer.reason["error"] == "refused_by_backend");
    CHECK(answer.reason["status"] == std::stoi(status));
    CHECK(answer.line.at("refused_status") == std::stoi(status));
    CHECK(answer.line.at("detail") == "the endpoint answered the upgrade with " + status.substr(0, 3));
    CHECK(answer.line["cause"].is_null());  // as for any other answer of an endpoint
    CHECK(ask(proxy, "/open", "").code == code);
    usual.upstream.at(3001).behaviour = proxy.upstream.at(3001).behaviour;
    const Answer page = ask(usual, "/open", from_app);
    CHECK(page.status == std::stoi(status));
    CHECK(page.line.count("refused_status") == 0);
    CHECK(ask(usual, "/open", "").status == std::stoi(status));
  }
  CHECK(classes(proxy, "open") == "4xx 10, 5xx 4");
  CHECK(classes(usual, "open") == "4xx 10, 5xx 4");
}

TEST_CASE("socket refusal: an endpoint that answers pages with 5xx is ejected as for any other request") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  app:
    endpoints: ["http://127.0.0.1:3001", "http://127.0.0.1:3002"]
    eject: { on: [status_500], failures: 1, time: 30s }
routes: [{ name: open, upstream: app }]
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("no", "", "500 Oops"));
  proxy.upstream.at(3002).behaviour = answers(response_text("no", "", "403 Forbidden"));
  for (int i = 0; i < 6; ++i) ask(proxy, "/open", from_app);
  CHECK(classes(proxy, "open") == "4xx 5, 5xx 1");
}

TEST_CASE("socket refusal: one of the subprotocols is echoed, the marker of a token before all") {
  ProxyFixture proxy(yaml("{ refuse: close }"));
  proxy.upstream.at(3001).behaviour = answers(response_text("no", "", "403 Forbidden"));
  CHECK(ask(proxy, "/open", from_app + "Sec-WebSocket-Protocol: chat, other\r\n").protocol == "chat");
  CHECK(ask(proxy, "/open", from_app).protocol.empty());
  CHECK(ask(proxy, "/open", from_app + "Sec-WebSocket-Protocol: Bearer.s3cret, chat\r\n").protocol == "chat");
  CHECK(ask(proxy, "/open", from_app + "Sec-WebSocket-Protocol: bearer.s3cret\r\n").protocol ==
        "bearer.s3cret");
  CHECK(ask(proxy, "/open",
            from_app + "Sec-WebSocket-Protocol: bearer.s3cret\r\nSec-WebSocket-Protocol: chat\r\n")
            .protocol == "chat");
  CHECK(ask(proxy, "/token",
            from_app + "Sec-WebSocket-Protocol: bearer." + token({{"room", "cellar"}}) + ", chat\r\n")
            .protocol == "chat");
  CHECK(ask(proxy, "/token", from_app + "Sec-WebSocket-Protocol: bearer, nonsense\r\n").protocol == "bearer");
  CHECK(ask(proxy, "/token", from_app + "Sec-WebSocket-Protocol: bearer, " + token() + "\r\n").code == 4403);
}

TEST_CASE("socket refusal: a flood gets statuses when a thousand are being told already") {
  ProxyFixture proxy(yaml());
  for (size_t i = 0; i < tunnel::RefusedSockets::most; ++i)
    proxy.connect({.address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)})
        .send(SocketFixture::handshake_text(from_app, "/token"));
  CHECK(proxy.tunnels.refused().size() == tunnel::RefusedSockets::most);
  TestClient& one_more = proxy.connect();
  one_more.send(SocketFixture::handshake_text(from_app, "/token"));
  CHECK(one_more.response().status() == 401);
  proxy.advance(3s);
  CHECK(proxy.tunnels.refused().size() == 0);
  CHECK(proxy.metrics.process[telemetry::Count::sockets_refusing] == 0);
}

TEST_CASE(
    "socket expiry: a token that expires ends its socket with a code to come back from, or as the route "
    "says") {
  const auto open = [](const std::string& websocket) {
    auto proxy = std::make_unique<ProxyFixture>(yaml(websocket));
    proxy->upstream.at(3001).behaviour = accepts_websocket();
    TestClient& client = proxy->connect();
    client.send(SocketFixture::handshake_text(
        from_app, "/token?token=" + token({{"room", "lobby"}}, ProxyFixture::unix_time + 30)));
    REQUIRE(client.response().status() == 101);
    proxy->advance(29s);
    CHECK(client.take_unread().find('\x88') == std::string::npos);
    proxy->advance(62s);  // with the leeway
    return proxy;
  };
  auto usual = open("{ ping_interval: none }");
  const std::string frame = usual->clients.front()->take_unread();
  CHECK(websocket::read_close(frame.substr(2)).code == 1012);
  CHECK(websocket::read_close(frame.substr(2)).reason == "token_expired");
  usual->advance(3s);
  CHECK(usual->log.line("tunnel_close")["cause"] == "token_expired");
  CHECK(usual->log.line("tunnel_close")["by"] == "gateway");
  auto final_code = open("{ ping_interval: none, close_codes: { token_expired: 4401 } }");
  CHECK(websocket::read_close(final_code->clients.front()->take_unread().substr(2)).code == 4401);
  auto late = open("{ ping_interval: none, token_grace: 1m }");
  CHECK(late->clients.front()->take_unread().empty());
  late->advance(60s);
  CHECK(websocket::read_close(late->clients.front()->take_unread().substr(2)).reason == "token_expired");
  auto kept = open("{ ping_interval: none, on_token_expiry: keep, token_grace: 1m }");
  CHECK(kept->clients.front()->take_unread().empty());
  CHECK(kept->tunnels.size() == 1);
}

TEST_CASE("token expiry: a socket is closed at the time of its token, not at the second after") {
  ProxyFixture::unix_fraction = 900ms;
  {
    ProxyFixture proxy(yaml("{ ping_interval: none }"));
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    TestClient& client = proxy.connect();
    client.send(SocketFixture::handshake_text(
        from_app, "/token?token=" + token({{"room", "lobby"}}, ProxyFixture::unix_time + 30)));
    REQUIRE(client.response().status() == 101);
    proxy.advance(89s + 90ms);  // with the leeway, 0.1 s more
    CHECK(client.take_unread().empty());
    proxy.advance(40ms);
    CHECK_FALSE(client.take_unread().empty());
  }
  ProxyFixture::unix_fraction = 0ms;
}

TEST_CASE(
    "socket limits: of a route, of a client and of a subject, and a reload does not forget who is there") {
  const auto limited = [](const std::string& sockets) {
    return SocketFixture::yaml("{ ping_interval: none, refuse: status, sockets: " + sockets + " }", "");
  };
  const std::string yaml_text = limited("{ total: 3, per_client: 2 }");
  ProxyFixture proxy(yaml_text);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  const auto open = [&](const std::string& address) {
    TestClient& client = proxy.connect({.address = address});
    client.send(SocketFixture::handshake_text(""));
    return client.response().status();
  };
  CHECK(open("203.0.113.1") == 101);
  CHECK(open("203.0.113.1") == 101);
  CHECK(open("203.0.113.1") == 429);
  CHECK(open("203.0.113.2") == 101);
  CHECK(open("203.0.113.3") == 429);
  proxy.adopt(yaml_text);
  CHECK(open("203.0.113.1") == 429);
  CHECK(std::string(proxy.log.last("exchange")["detail"]).find("has 3 open") != std::string::npos);
  proxy.clients[0]->peer().leave();
  proxy.advance(15s);
  CHECK(open("203.0.113.1") == 101);
}

TEST_CASE("socket limits: messages and bytes count over all sockets of a client, and of a user") {
  const auto text_of = [](const std::string& limits) {
    return SocketFixture::yaml("{ ping_interval: none, from_client: { on_rate: drop }, " + limits + " }",
                               "rate_limits: { chat: { rate: 2/s, by: client_address }, upload: { rate: 4/s, "
                               "by: client_address } }");
  };
  using namespace postern::websocket::test;
  const auto open = [](ProxyFixture& proxy, const std::string& address) -> TestClient& {
    TestClient& client = proxy.connect({.address = address});
    client.send(SocketFixture::handshake_text(""));
    CHECK(client.response().status() == 101);
    return client;
  };
  ProxyFixture proxy(text_of("message_limit: chat"));
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& first = open(proxy, "203.0.113.1");
  FakeConnection& first_end = proxy.upstream.at(3001).last();
  TestClient& second = open(proxy, "203.0.113.1");
  FakeConnection& second_end = proxy.upstream.at(3001).last();
  TestClient& stranger = open(proxy, "203.0.113.2");
  FakeConnection& strangers_end = proxy.upstream.at(3001).last();
  const std::string one = frame(text, "1");
  first.send(one + one);
  CHECK(first_end.take_unread() == one + one);
  second.send(one);
  CHECK(second_end.take_unread().empty());
  stranger.send(one);
  CHECK(strangers_end.take_unread() == one);
  proxy.advance(500ms);
  second.send(one + one);
  CHECK(second_end.take_unread() == one);
  CHECK(proxy.metrics.process[telemetry::Count::messages_dropped] == 2);

  ProxyFixture bytes(text_of("byte_limit: upload"));
  bytes.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& sender = open(bytes, "203.0.113.1");
  FakeConnection& end = bytes.upstream.at(3001).last();
  const std::string three = frame(binary, std::string(3000, 'x'));
  const std::string last = frame(binary, std::string(100, 'y'));
  sender.send(three + last + frame(binary, std::string(1000, 'z')) + frame(binary, "rest"));
  CHECK(end.take_unread() == three + last + frame(binary, "rest"));  // 3 KiB and a part of the next
}

TEST_CASE("socket limits: what a socket counts by is what its client sent, whatever the endpoint gets") {
  using namespace postern::websocket::test;
  const std::string as_sent = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
jwt:
  session: { secret: ")" + std::string(secret) +
                              R"(", algorithms: [HS256], from: [header] }
rate_limits: { chat: { rate: 2/s, by: { header: %F } } }
routes:
  - name: all
    upstream: app
    %R
    websocket: { ping_interval: none, from_client: { on_rate: drop }, message_limit: chat }
)";
  struct Case {
    std::string field;
    std::string rule;  // of the route
    std::string more;  // fields of the handshake
  };
  const std::string authorization = "Authorization: Bearer " + token() + "\r\n";
  for (const Case& one : {Case{"X-Key", "request_headers: { remove: [X-Key] }", ""},
                          {"X-Key", "request_headers: { set: { X-Key: same } }", ""},
                          {"X-Key", "", "Connection: x-key\r\n"},
                          {"X-User", "jwt: session\n    forward_claims: { sub: X-User }", authorization}}) {
    CAPTURE(one.rule);
    std::string text_of = as_sent;
    text_of.replace(text_of.find("%F"), 2, one.field);
    text_of.replace(text_of.find("%R"), 2, one.rule);
    ProxyFixture proxy(text_of);
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    const auto passed = [&](std::string_view key) {
      TestClient& client = proxy.connect();
      client.send(SocketFixture::handshake_text(one.field + ": " + std::string(key) + "\r\n" + one.more));
      REQUIRE(client.response().status() == 101);
      client.send(frame(text, "1") + frame(text, "2"));
      return proxy.upstream.at(3001).last().take_unread().size() / frame(text, "1").size();
    };
    CHECK(passed("alice") == 2);
    CHECK(passed("bob") == 2);
    CHECK(passed("alice") == 0);
  }
}

TEST_CASE("socket limits: where they slow, the sockets of a client get no more together than one of them") {
  using namespace postern::websocket::test;
  const std::string chat = "rate_limits: { chat: { rate: 10/s, burst: 2, by: client_address } }";
  const auto text_of = [&](const std::string& limit) {
    return SocketFixture::yaml("{ ping_interval: none, from_client: { on_rate: slow }, " + limit + ": chat }",
                               chat);
  };
  const auto heard = [](ProxyFixture& proxy) {
    size_t bytes = 0;
    for (auto& connection : proxy.upstream.at(3001).connections) bytes += connection->take_unread().size();
    return bytes;
  };
  for (const char* limit : {"message_limit", "byte_limit"}) {
    CAPTURE(limit);
    ProxyFixture proxy(text_of(limit));
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    for (int i = 0; i < 10; ++i) proxy.connect().send(SocketFixture::handshake_text(""));
    heard(proxy);
    const std::string one = frame(text, std::string(1016, 'x'));  // 1 KiB
    for (const auto& client : proxy.clients) client->send(one + one + one);
    CHECK(heard(proxy) == 2 * one.size());
    proxy.advance(1s + 50ms);
    CHECK(heard(proxy) == 10 * one.size());
    proxy.advance(1s);
    CHECK(heard(proxy) == 10 * one.size());
    // The places of sockets that end become free.
    proxy.tunnels.cut_all();
    proxy.advance(200ms);
    heard(proxy);
    TestClient& late = proxy.connect();
    late.send(SocketFixture::handshake_text(""));
    heard(proxy);
    late.send(one);
    CHECK(heard(proxy) == one.size());
  }
}

TEST_CASE(
    "socket admission: who comes too fast waits for a turn, and is refused when it would not come in time") {
  ProxyFixture proxy(
      SocketFixture::yaml("{ ping_interval: none, admission: { rate: 10/s, burst: 2, wait: 500ms } }", ""));
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  for (int i = 0; i < 10; ++i)
    proxy.connect({.address = "203.0.113." + std::to_string(i + 1)})
        .send(SocketFixture::handshake_text(i % 2 ? from_app : ""));
  CHECK(proxy.tunnels.size() == 2);
  const auto status_of = [&](size_t i) { return proxy.clients[i]->try_response(); };
  for (size_t i = 7; i < 10; ++i) {  // the eighth would wait for 600 ms
    const auto answer = status_of(i);
    REQUIRE(answer);
    CHECK(answer->status() == 503);
    CHECK(proxy.log.last("exchange")["cause"] == "overloaded");
  }
  proxy.advance(130ms);
  CHECK(proxy.tunnels.size() == 3);
  proxy.clients[3]->peer().leave();  // its turn comes nevertheless
  proxy.advance(500ms);
  CHECK(proxy.tunnels.size() == 6);
  CHECK(double(proxy.log.last("tunnel_open")["duration_ms"]) >= 499);
  proxy.advance(1s);
  for (int i = 0; i < 2; ++i) proxy.connect().send(SocketFixture::handshake_text(""));
  CHECK(proxy.tunnels.size() == 8);
}
