// Tokens whose keys are fetched from a provider: requests wait for keys, and no more than one fetch is caused
// by any number of unknown ones.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/jwt_keys.h"
#include "support/proxy_fixture.h"
#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

const std::string yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
jwt:
  login:
    issuer: https://login.example
    keys: http://localhost:1/keys
    algorithms: [ES256]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app, jwt: login, websocket: { ping_interval: none } }]
)";

std::string jwks(const std::vector<std::string>& kids) {
  base::Json keys = base::Json::array();
  for (const std::string& kid : kids) {
    base::Json key = p256_key().public_jwk();
    key["kid"] = kid;
    keys.push_back(key);
  }
  return response_text(base::write_json(base::Json{{"keys", keys}}));
}

std::string token(std::string_view kid, const SigningKey& key = p256_key(), int64_t lasts = 3600,
                  std::string_view issuer = "https://login.example") {
  return make_token(key, crypto::Algorithm::es256,
                    {{"iss", issuer}, {"sub", "user-7"}, {"exp", ProxyFixture::unix_time + lasts}}, kid);
}

std::string get_with(const std::string& token) {
  return "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\n\r\n";
}

struct Login {
  Login() {
    proxy.upstream.at(3001).behaviour = answers(response_text("yours"));
    provider().behaviour = says_nothing();
  }
  FakeEndpoint& provider() { return proxy.providers.at(1); }
  // The provider has these keys from now on.
  void publish(const std::vector<std::string>& kids) {
    provider().behaviour = answers(jwks(kids));
    for (const auto& connection : provider().connections)
      if (!connection->gateway_closed() && connection->requests.size() == 1) connection->send(jwks(kids));
    proxy.settle();
  }
  TestClient& ask(const std::string& token) {
    TestClient& client = proxy.connect();
    client.send(get_with(token));
    return client;
  }
  size_t fetches() { return provider().request_count(); }

  ProxyFixture proxy{yaml};
};

}  // namespace

TEST_CASE("fetched keys: requests wait for the first keys, and are then judged by them") {
  Login login;
  TestClient& good = login.ask(token("a"));
  TestClient& forged = login.ask(token("a", support::SigningKey::ec(crypto::Curve::p256)));
  login.proxy.advance(3s);
  CHECK_FALSE(good.try_response());
  login.publish({"a"});
  CHECK(good.response().body == "yours");
  CHECK(forged.response().status() == 401);
  CHECK(login.fetches() == 1);
}

TEST_CASE("fetched keys: without any keys the answer is 503, and says that it is not about the token") {
  Login login;
  login.provider().reach = Reach::refused;
  login.proxy.advance(40s);
  TestClient& client = login.ask(token("a"));
  login.proxy.advance(31s);
  const HttpMessage response = client.response();
  CHECK(response.status() == 503);
  CHECK(response.has("Retry-After"));
  CHECK_FALSE(response.has("WWW-Authenticate"));
  const base::Json line = login.proxy.log.line("exchange");
  CHECK(line["cause"] == "keys_unavailable");
  CHECK(login.proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("fetched keys: a provider that hangs at the start is given up after the wait") {
  Login login;
  TestClient& client = login.ask(token("a"));
  login.proxy.advance(60s);
  CHECK(client.response().status() == 503);
}

TEST_CASE("fetched keys: without any keys a token that no key could save does not wait") {
  Login login;
  CHECK(login.ask("garbage").response().status() == 401);
  CHECK(login.ask(token("a", p256_key(), -3600)).response().status() == 401);
  CHECK(login.ask(token("a", p256_key(), 3600, "https://elsewhere.example")).response().status() == 403);
  CHECK(login.fetches() == 1);
}

TEST_CASE("fetched keys: a token with a new key waits for one fetch, and no valid token is refused") {
  Login login;
  login.publish({"a"});
  login.proxy.advance(31s);
  login.publish({"a", "b"});
  CHECK(login.ask(token("b")).response().body == "yours");
  CHECK(login.fetches() == 2);
  login.publish({"b", "c"});  // rotated again, within the cooldown
  TestClient& early = login.ask(token("c"));
  CHECK_FALSE(early.try_response());
  CHECK(login.ask(token("b")).response().body == "yours");  // nobody else waits
  CHECK(login.fetches() == 2);
  login.proxy.advance(31s);
  CHECK(early.response().body == "yours");
  CHECK(login.fetches() == 3);
}

TEST_CASE("fetched keys: any number of unknown keys causes one fetch within the cooldown") {
  Login login;
  login.publish({"a"});
  login.proxy.advance(31s);
  std::vector<TestClient*> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(&login.ask(token("random" + std::to_string(i))));
  login.publish({"a", "new"});
  TestClient& valid = login.ask(token("new"));
  for (int i = 500; i < 900; ++i) clients.push_back(&login.ask(token("random" + std::to_string(i))));
  CHECK(login.fetches() == 2);
  login.proxy.advance(31s);
  CHECK(login.fetches() == 3);
  CHECK(valid.response().body == "yours");
  size_t refused = 0;
  for (TestClient* client : clients)
    if (client->response().status() == 401) ++refused;
  CHECK(refused == clients.size());
}

TEST_CASE("fetched keys: a key that was looked for is not waited for again until the next fetch") {
  Login login;
  login.publish({"a"});
  login.proxy.advance(31s);
  const HttpMessage first = login.ask(token("lost")).response();
  CHECK(first.status() == 401);
  CHECK(login.proxy.log.line("exchange")["cause"] == "token_key_unknown");
  CHECK(login.fetches() == 2);
  CHECK(login.ask(token("lost")).response().status() == 401);  // at once
  CHECK(login.fetches() == 2);
  login.proxy.advance(31s);
  login.publish({"a", "lost"});
  CHECK(login.ask(token("lost")).response().body == "yours");
}

TEST_CASE("fetched keys: a token that would be refused anyway is not worth a fetch") {
  Login login;
  login.publish({"a"});
  login.proxy.advance(31s);
  CHECK(login.ask(token("b", p256_key(), -3600)).response().status() == 401);
  CHECK(login.ask(token("b", p256_key(), 3600, "https://other.example")).response().status() == 401);
  CHECK(login.fetches() == 1);
}

TEST_CASE("fetched keys: while the provider is down, known keys serve and unknown ones get 503") {
  Login login;
  login.publish({"a"});
  login.proxy.advance(31s);
  login.provider().reach = Reach::refused;
  const HttpMessage unknown = login.ask(token("b")).response();
  CHECK(unknown.status() == 503);
  CHECK(login.ask(token("a")).response().body == "yours");
  login.provider().reach = Reach::good;
  login.publish({"a", "b"});
  TestClient& waiting = login.ask(token("b"));
  login.proxy.advance(31s);
  CHECK(waiting.response().body == "yours");
}

TEST_CASE("fetched keys: at most a thousand requests wait in a worker") {
  Login login;
  std::vector<TestClient*> clients;
  for (size_t i = 0; i < policy::KeyWaits::waiting_max; ++i) clients.push_back(&login.ask(token("a")));
  CHECK_FALSE(clients.front()->try_response());
  CHECK(login.ask(token("a")).response().status() == 503);
  clients.front()->peer().reset();
  login.proxy.settle();
  TestClient& next = login.ask(token("a"));
  CHECK_FALSE(next.try_response());
  login.publish({"a"});
  CHECK(next.response().body == "yours");
}

TEST_CASE("fetched keys: when a key is gone, the sockets of its routes are closed and may come again") {
  Login login;
  login.proxy.upstream.at(3001).behaviour = accepts_websocket();
  login.publish({"a"});
  TestClient& client = login.proxy.connect();
  client.send(SocketFixture::handshake_text("Authorization: Bearer " + token("a") + "\r\n"));
  CHECK(client.response().status() == 101);
  login.proxy.advance(9min);
  login.publish({"a", "b"});
  login.proxy.advance(10min);
  CHECK(login.fetches() >= 3);
  CHECK(login.proxy.tunnels.size() == 1);
  login.publish({"b"});
  login.proxy.advance(12min);
  CHECK(login.proxy.tunnels.size() == 0);
  CHECK(login.proxy.log.line("tunnel_close")["cause"] == "route_changed");
  CHECK(login.proxy.log.line("tunnel_close")["close_code"] == 1012);
}

TEST_CASE("fetched keys: a reload while requests wait loses none of them") {
  Login login;
  TestClient& waiting = login.ask(token("a"));
  login.proxy.adopt(yaml);
  CHECK_FALSE(waiting.try_response());
  login.publish({"a"});
  CHECK(waiting.response().body == "yours");
}
