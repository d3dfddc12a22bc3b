// Logout: at the application, in one tab of several, and by the provider (OpenID Connect Back-Channel
// Logout).
#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "policy/jwt_signer.h"
#include "support/proxy_fixture.h"
#include "support/socket_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";
constexpr int64_t now = ProxyFixture::unix_time;

const std::string yaml = R"(
listeners: [{ address: "127.0.0.1:0" }]
revocations: { token_life: 1h }
jwt: { login: { issuer: "https://login.example", secret: "0123456789abcdef0123456789abcdef", algorithms: [HS256] } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - { name: all, upstream: app, jwt: { use: login, required: false }, logout: [/logout, /bye], websocket: { ping_interval: none } }
  - { name: provider, match: { exact: /.postern/logout }, backchannel_logout: { use: login, audience: client } }
)";

std::string sign(base::Json claims) {
  base::Json all = {{"iss", "https://login.example"}, {"iat", now - 10}, {"exp", now + 3600}};
  all.update(claims);
  return policy::sign_jwt(crypto::HmacKey(crypto::Algorithm::hs256, secret), all);
}

std::string authorization(const base::Json& claims) {
  return "Authorization: Bearer " + sign(claims) + "\r\n";
}

base::Json logout_claims(const std::string& name, const std::string& value) {
  return {{"aud", "client"},
          {"jti", "logout of " + value},
          {name, value},
          {"events", {{"http://schemas.openid.net/event/backchannel-logout", base::Json::object()}}}};
}

const base::Json ann = {{"sub", "ann"}, {"sid", "s1"}, {"jti", "t1"}};
const base::Json ann_elsewhere = {{"sub", "ann"}, {"sid", "s2"}, {"jti", "t2"}};

struct Fixture {
  int ask(const std::string& head, const base::Json& claims, const std::string& status = "200 OK") {
    proxy.upstream.at(3001).behaviour = answers(response_text("", {}, status));
    TestClient& client = proxy.connect();
    client.send(head + " HTTP/1.1\r\nHost: a\r\n" + (claims.is_null() ? "" : authorization(claims)) + "\r\n");
    return client.response(head.starts_with("HEAD")).status();
  }
  TestClient& open_socket(const base::Json& claims) {
    proxy.upstream.at(3001).behaviour = accepts_websocket();
    TestClient& client = proxy.connect();
    client.send(SocketFixture::handshake_text(authorization(claims)));
    REQUIRE(client.response().status() == 101);
    return client;
  }
  HttpMessage post(const std::string& body, const std::string& type = "application/x-www-form-urlencoded") {
    TestClient& client = proxy.connect();
    client.send("POST /.postern/logout HTTP/1.1\r\nHost: a\r\nContent-Type: " + type +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.response();
  }
  size_t entries() { return proxy.state.revocations.size(); }

  ProxyFixture proxy{yaml};
};

}  // namespace

TEST_CASE("logout: one tab ends what its session holds elsewhere, and no other session") {
  Fixture f;
  TestClient& tab = f.open_socket(ann);
  TestClient& other = f.open_socket(ann_elsewhere);
  CHECK(f.ask("POST /logout", ann, "204 No Content") == 204);
  f.proxy.advance(900ms);
  CHECK(tab.take_unread().size() > 3);
  CHECK(other.take_unread().empty());
  CHECK(f.ask("GET /x", ann) == 401);
  CHECK(f.ask("GET /x", {{"sub", "ann"}, {"sid", "s1"}, {"jti", "fresh"}}) == 401);
  CHECK(f.ask("GET /x", ann_elsewhere) == 200);
  const base::Json line = f.proxy.log.line("token_revoked");
  CHECK(line["by"] == "logout");
  CHECK(line["named"] == "sid");
  CHECK(line["route"] == "all");
}

TEST_CASE("logout: what is no logout, or has failed, ends nothing") {
  Fixture f;
  CHECK(f.ask("POST /logout", ann, "500 Internal Server Error") == 500);
  CHECK(f.ask("POST /logout", ann, "403 Forbidden") == 403);
  CHECK(f.ask("POST /logout/now", ann) == 200);
  CHECK(f.ask("POST /x?logout=/logout", ann) == 200);
  CHECK(f.ask("HEAD /logout", ann) == 200);
  CHECK(f.ask("OPTIONS /logout", ann) == 200);
  CHECK(f.ask("POST /logout", nullptr) == 200);  // nobody's
  CHECK(f.entries() == 0);
  CHECK(f.ask("GET /bye?to=/", ann, "302 Found") == 302);
  CHECK(f.entries() == 1);
}

TEST_CASE("logout: without sid the token itself ends, and without jti nothing, which is told") {
  Fixture f;
  CHECK(f.ask("POST /logout", {{"sub", "ann"}, {"jti", "t1"}}) == 200);
  CHECK(f.ask("GET /x", {{"sub", "ann"}, {"jti", "t1"}}) == 401);
  CHECK(f.ask("GET /x", {{"sub", "ann"}, {"jti", "t2"}}) == 200);
  CHECK(f.ask("POST /logout", {{"sub", "ann"}}) == 200);
  CHECK(f.ask("GET /x", {{"sub", "ann"}}) == 200);
  CHECK(f.proxy.log.line("logout_without_effect")["finding"] == "logout_unnamed");
}

TEST_CASE("back-channel logout: of a session, and of a user until now") {
  Fixture f;
  TestClient& tab = f.open_socket(ann);
  TestClient& other = f.open_socket(ann_elsewhere);
  const HttpMessage done = f.post("logout_token=" + sign(logout_claims("sid", "s1")));
  CHECK(done.status() == 200);
  CHECK(done.field("Cache-Control") == "no-store");
  f.proxy.advance(900ms);
  CHECK(tab.take_unread().size() > 3);
  CHECK(other.take_unread().empty());
  CHECK(f.post("x=1&logout_token=" + sign(logout_claims("sub", "ann"))).status() == 200);
  f.proxy.advance(900ms);
  CHECK(other.take_unread().size() > 3);
  CHECK(f.ask("GET /x", ann_elsewhere) == 401);
  base::Json later = ann_elsewhere;
  later["iat"] = now;
  CHECK(f.ask("GET /x", later) == 200);  // logged in after the logout, whose iat is 10 s ago
}

TEST_CASE("back-channel logout: what is not in order is refused, and ends nothing") {
  Fixture f;
  const base::Json good = logout_claims("sid", "s1");
  const auto without = [&](const char* name) {
    base::Json claims = good;
    claims.erase(name);
    return claims;
  };
  const auto with = [&](const char* name, base::Json value) {
    base::Json claims = good;
    claims[name] = std::move(value);
    return claims;
  };
  for (const base::Json& wrong :
       {without("events"), without("jti"), without("aud"), without("sid"), with("aud", "other"),
        with("iss", "https://other.example"), with("nonce", "n"), with("nonce", nullptr),
        with("iat", nullptr), with("iat", now - 301), with("iat", now + 600), with("exp", now - 100),
        with("sid", 7), with("sub", 7), with("events", base::Json::array()),
        with("events", {{"http://schemas.openid.net/event/other", {}}}),
        with("events", {{"http://schemas.openid.net/event/backchannel-logout", "yes"}})}) {
    CAPTURE(wrong.dump());
    CHECK(f.post("logout_token=" + sign(wrong)).status() == 400);
  }
  const std::string text = sign(good);
  CHECK(f.post("logout_token=" + text, "application/json").status() == 400);
  CHECK(f.post("").status() == 400);
  CHECK(f.post("logout_token=").status() == 400);
  CHECK(f.post("logout_token=" + text + "&logout_token=" + text).status() == 400);
  CHECK(f.post("logout_token=" + text.substr(0, text.size() - 2)).status() == 400);
  CHECK(f.post("logout_token=" + std::string(40'000, 'x')).status() == 413);
  CHECK(f.ask("GET /.postern/logout", nullptr) == 405);
  CHECK(f.ask("GET /x", ann) == 200);
  CHECK(f.entries() == 0);
  CHECK(f.post("logout_token=" + text).status() == 200);
  CHECK(f.post("logout_token=" + text).status() == 400);  // used before
  CHECK(f.ask("GET /x", ann) == 401);
}

TEST_CASE("back-channel logout: a body that does not come is given up") {
  Fixture f;
  TestClient& client = f.proxy.connect();
  client.send(
      "POST /.postern/logout HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 100\r\n\r\nlogout_token=");
  f.proxy.advance(11s);
  CHECK(client.response().status() == 408);
  TestClient& leaves = f.proxy.connect();
  leaves.send(
      "POST /.postern/logout HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 100\r\n\r\nlogout_token=");
  leaves.peer().reset();
  f.proxy.settle();
  CHECK(f.proxy.log_lines("exchange").size() == 2);
}

TEST_CASE("back-channel logout: a full table is told of, so that the provider may try again") {
  Fixture f;
  auto& table = f.proxy.state.revocations;
  for (size_t i = 0; i < state::Revocations::entries_max; ++i)
    table.add({state::Revocation::Kind::token, std::to_string(i), "", 0, now + 100}, now);
  const HttpMessage full = f.post("logout_token=" + sign(logout_claims("sid", "s1")));
  CHECK(full.status() == 503);
  CHECK(full.has("Retry-After"));
  CHECK(f.ask("POST /logout", ann) == 200);  // the application's answer stays as it is
  const auto lines = f.proxy.log_lines("logout_without_effect");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["by"] == "backchannel_logout");
  for (const base::Json& line : lines) CHECK(line["finding"] == "revocations_full");
  CHECK(f.proxy.metrics.failures[{base::Cause::revocations_full, base::Stage::policy}] > 0);
}
