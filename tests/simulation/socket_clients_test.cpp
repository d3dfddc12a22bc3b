// How the reconnect loops of clients behave: their attempts, their pauses, and how they end. Each loop models
// a real one (of a bot's page, a chat, a monitor, and two of Socket.IO) on the clock of the fixture. The
// gateway must make none of them worse than a direct connection would.
#include <doctest/doctest.h>

#include "crypto/hmac.h"
#include "policy/jwt_signer.h"
#include "support/socket_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view secret = "a secret of the tests, long enough for HS256";
const std::string page = "Origin: https://app.example.com\r\n";

std::string yaml(const std::string& websocket = "{}") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
jwt:
  session: { secret: ")" +
         std::string(secret) +
         R"(", algorithms: [HS256], from: [header, { query: token }], required_claims: { room: lobby } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] }, away: { endpoints: ["http://127.0.0.1:3002"] } }
rate_limits: { few: { rate: 1/h, burst: 1 } }
websocket: )" +
         websocket + R"(
routes:
  - { name: token, match: { path: /token }, upstream: app, jwt: session }
  - { name: hub, match: { path: /hub }, upstream: app }
  - { name: away, match: { path: /away }, upstream: away }
  - { name: few, match: { path: /few }, upstream: app, rate_limit: few }
  - { name: app, match: { path: /app }, upstream: app }
)";
}

std::string token(const std::string& room) {
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret),
                          {{"sub", "user-7"}, {"exp", ProxyFixture::unix_time + 600'000}, {"room", room}});
}

// The result of one attempt to open a socket.
struct Tried {
  bool opened = false;
  uint16_t code = 1006;
  int status = 0;
  base::Duration took{};  // until the socket was open, or had failed
};

Tried try_to_open(ProxyFixture& proxy, const std::string& path, const std::string& fields = page,
                  const std::string& address = "203.0.113.1") {
  TestClient& client = proxy.connect({.address = address});
  client.send(SocketFixture::handshake_text(fields, path));
  Tried tried;
  for (; client.unread().empty() && tried.took < 60s; tried.took += 50ms) proxy.advance(50ms);
  tried.status = client.response().status();
  tried.opened = tried.status == 101;
  if (!tried.opened) {
    client.peer().leave();
    return tried;
  }
  proxy.advance(300ms);
  const std::string frame = client.take_unread();
  REQUIRE(frame.size() >= 4);
  tried.code = websocket::read_close(std::string_view(frame).substr(2)).code;
  return tried;
}

// The reconnect loop of a page.
struct Loop {
  std::string name;
  int attempts_max;                   // after these it gives up, or falls back
  base::Duration first_pause;         //
  base::Duration longest_pause;       // the pause is doubled up to this
  bool open_resets;                   // an open socket resets its back-off
  std::vector<uint16_t> final_codes;  // after which it does not reconnect
  std::string handshake;              // parameters of its URL
};

const std::vector<Loop> loops = {
    {"bots", 3, 10s, 10s, true, {}, ""},
    {"chat", 10, 1s, 16s, false, {4401, 1008}, ""},
    {"webbuilder", 10, 1s, 30s, true, {}, ""},
    {"dashboard", 10, 1s, 5s, false, {}, "EIO=4&transport=websocket"},
    {"files", 10, 1s, 5s, false, {}, "jobId=all&EIO=4&transport=websocket"},
};

struct Run {
  int attempts = 0;
  int opened = 0;
  base::Duration paused{};  // in total
  bool told = false;        // it ended with a code that it treats as final
  bool ended = false;
};

// `attempt` makes one attempt. For Engine.IO, a socket is open only after its own handshake, which does not
// come.
template <class Attempt>
Run run(const Loop& loop, const Attempt& attempt) {
  Run run;
  base::Duration pause = loop.first_pause;
  for (int failed = 0; run.attempts < 60;) {
    const Tried tried = attempt();
    ++run.attempts;
    run.opened += tried.opened ? 1 : 0;
    if (std::find(loop.final_codes.begin(), loop.final_codes.end(), tried.code) != loop.final_codes.end()) {
      run.told = run.ended = true;
      return run;
    }
    if (tried.opened && loop.open_resets) {
      failed = 0;
      pause = loop.first_pause;
    }
    if (++failed >= loop.attempts_max) {
      run.ended = true;
      return run;
    }
    run.paused += pause + tried.took;
    pause = std::min(pause * 2, loop.longest_pause);
  }
  return run;
}

}  // namespace

TEST_CASE("socket clients: what a later try may heal leaves every loop as it is on a direct connection") {
  for (const Loop& loop : loops) {
    for (const auto& [path, status] : std::vector<std::pair<std::string, int>>{{"/away", 502},
                                                                               {"/few", 429},
                                                                               {"/nowhere", 404},
                                                                               {"/app/404", 404},
                                                                               {"/app/403", 403},
                                                                               {"/app/500", 500}}) {
      const std::string shown = loop.name + " " + path;
      CAPTURE(shown);
      ProxyFixture proxy(yaml());
      proxy.upstream.at(3002).reach = Reach::refused;
      proxy.upstream.at(3001).behaviour =
          path == "/app/403"   ? answers(response_text("no", "", "403 Forbidden"))
          : path == "/app/500" ? answers(response_text("no", "", "500 Oops"))
                               : answers(response_text("no", "", "404 Not Found"));
      if (path == "/few") try_to_open(proxy, "/few");
      const std::string target = path + (loop.handshake.empty() ? "" : "?" + loop.handshake);
      const Run direct = run(loop, [] { return Tried{}; });
      const Run behind = run(loop, [&, expected = status] {
        const Tried tried = try_to_open(proxy, target);
        CHECK(tried.status == expected);
        return tried;
      });
      CHECK(behind.attempts == direct.attempts);
      CHECK(behind.opened == 0);
      CHECK(behind.ended);
      CHECK(behind.paused >= direct.paused);
      CHECK(behind.paused <= direct.paused + direct.attempts * 100ms);
    }
  }
}

TEST_CASE(
    "socket clients: a refused token or claim ends every loop, at once where the client knows the code") {
  for (const Loop& loop : loops) {
    for (const auto& [query, code] : std::vector<std::pair<std::string, uint16_t>>{
             {"token=nonsense", 4401}, {"token=" + token("cellar"), 4403}}) {
      const std::string shown = loop.name + " " + std::to_string(code);
      CAPTURE(shown);
      ProxyFixture proxy(yaml());
      const Run direct = run(loop, [] { return Tried{}; });
      const Run behind = run(loop, [&, expected = code, &query = query] {
        const Tried tried =
            try_to_open(proxy, "/token?" + query + (loop.handshake.empty() ? "" : "&" + loop.handshake));
        if (tried.opened) CHECK(tried.code == expected);
        return tried;
      });
      CHECK(behind.ended);
      if (!loop.handshake.empty()) CHECK(behind.opened == 0);
      if (loop.name == "chat" && code == 4401) {
        CHECK(behind.told);
        CHECK(behind.attempts == 1);
      } else {
        // A client whose back-off is reset by an open socket is refused by Close a few times, and then with
        // the status, so that its loop ends.
        CHECK(behind.attempts <= direct.attempts + static_cast<int>(state::SocketMemory::closes_max));
        CHECK(behind.paused >= direct.paused);
      }
    }
  }
}

TEST_CASE("socket clients: who comes back to be refused again waits longer each time for its open socket") {
  ProxyFixture proxy(yaml());
  const auto pause = [&](const std::string& address = "203.0.113.1", const std::string& path = "/token") {
    const Tried tried = try_to_open(proxy, path, page, address);
    CHECK(tried.code == 4401);
    return tried.took;
  };
  for (const base::Duration expected : {0ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10000ms, 10000ms}) {
    const base::Duration took = pause();
    CHECK(took >= expected);
    CHECK(took <= expected + 100ms);
  }
  CHECK(pause("203.0.113.2") == 0ms);  // another client
  const Tried refused = try_to_open(proxy, "/token");
  CHECK(refused.status == 401);  // it does not treat the Close as final: a status ends its loop
  CHECK(refused.took == 0ms);
  proxy.advance(2min);
  CHECK(pause() == 0ms);  // forgotten
  CHECK(pause() >= 500ms);
  proxy.upstream.at(3001).behaviour = accepts_websocket("");
  TestClient& let_in = proxy.connect({.address = "203.0.113.1"});
  let_in.send(SocketFixture::handshake_text(page, "/token?token=" + token("lobby")));
  CHECK(let_in.response().status() == 101);
  CHECK(pause() == 0ms);  // from time to time it has a token
}

TEST_CASE("socket clients: a pause before a refusal is left by its client, and ends when the worker drains") {
  ProxyFixture proxy(yaml());
  for (int i = 0; i < 5; ++i) try_to_open(proxy, "/token");
  const auto knock = [&]() -> TestClient& {
    TestClient& client = proxy.connect({.address = "203.0.113.1"});
    client.send(SocketFixture::handshake_text(page, "/token"));
    return client;
  };
  TestClient& impatient = knock();
  proxy.advance(1s);
  CHECK(impatient.unread().empty());
  impatient.peer().reset();
  proxy.settle();
  CHECK(impatient.gone());
  CHECK(proxy.log.last("exchange")["cause"] == "token_missing");
  TestClient& waiting = knock();
  proxy.advance(1s);
  CHECK(waiting.unread().empty());
  proxy.tunnels.leave({});
  proxy.advance(50ms);
  CHECK(waiting.response().status() == 101);
  proxy.advance(50ms);
  CHECK(websocket::read_close(waiting.take_unread().substr(2)).code == 4401);
}

TEST_CASE("socket clients: one client waits at most so often at once, and others are told meanwhile") {
  ProxyFixture proxy(yaml());
  for (int i = 0; i < 2; ++i) try_to_open(proxy, "/token");
  std::vector<TestClient*> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.push_back(&proxy.connect({.address = "203.0.113.1"}));
    waiting.back()->send(SocketFixture::handshake_text(page, "/token"));
  }
  int refused = 0;
  for (TestClient* client : waiting) refused += client->unread().starts_with("HTTP/1.1 401 ") ? 1 : 0;
  CHECK(refused == 4);  // six more with a Close, then statuses
  CHECK(try_to_open(proxy, "/token", page, "203.0.113.2").took == 0ms);
}

TEST_CASE("socket clients: subprotocols that define codes of their own hear none that means something else") {
  for (const std::string protocol : {"graphql-transport-ws", "graphql-ws"}) {
    CAPTURE(protocol);
    const std::string fields = page + "Sec-WebSocket-Protocol: " + protocol + "\r\n";
    ProxyFixture usual(yaml());
    usual.upstream.at(3001).behaviour = answers(response_text("no", "", "429 Too Many Requests"));
    CHECK(try_to_open(usual, "/token", fields).code == 4401);
    CHECK(try_to_open(usual, "/token?token=" + token("cellar"), fields, "203.0.113.2").code == 4403);
    CHECK(try_to_open(usual, "/app", fields).status == 429);
    ProxyFixture close(yaml("{ refuse: close }"));
    close.upstream.at(3001).behaviour = answers(response_text("no", "", "429 Too Many Requests"));
    CHECK(try_to_open(close, "/app", fields).status == 429);  // 4429 would be final for this client
    CHECK(try_to_open(close, "/app", page, "203.0.113.2").code == 4429);
    CHECK(try_to_open(close, "/nowhere", fields, "203.0.113.3").status == 404);
    CHECK(try_to_open(close, "/away", fields, "203.0.113.4").code == 1013);
    close.upstream.at(3001).behaviour = answers(response_text("no", "", "400 Bad Request"));
    CHECK(try_to_open(close, "/app", fields, "203.0.113.5").code == 4400);
    ProxyFixture own(yaml("{ close_codes: { unauthorized: 4429 } }"));
    CHECK(try_to_open(own, "/token", fields).status == 401);
  }
}

TEST_CASE(
    "socket clients: SignalR gets the status for the connection that its negotiate gave it, others a Close") {
  ProxyFixture proxy(yaml());
  CHECK(try_to_open(proxy, "/token/hub?id=abc").code == 4401);  // an id of some other kind
  proxy.upstream.at(3001).behaviour = answers(response_text("{\"connectionToken\":\"abc\"}"));
  TestClient& client = proxy.connect({.address = "203.0.113.1"});
  const std::string negotiate =
      " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token("lobby") + "\r\nContent-Length: 0\r\n\r\n";
  client.send("POST /token/hub/negotiate?negotiateVersion=1" + negotiate);
  CHECK(client.response().status() == 200);
  const Tried hub = try_to_open(proxy, "/token/hub?id=abc&access_token=x");
  CHECK(hub.status == 401);
  CHECK(try_to_open(proxy, "/token/hub").code == 4401);                              // no id
  CHECK(try_to_open(proxy, "/token/other?id=abc").code == 4401);                     // another path
  CHECK(try_to_open(proxy, "/token/hub?id=abc", page, "203.0.113.2").code == 4401);  // another client
  proxy.upstream.at(3001).behaviour = answers(response_text("no", "", "404 Not Found"));
  CHECK(try_to_open(proxy, "/hub?id=x").status == 404);
}
