// Requests that wait while a password is checked beside the worker, and the ways into a route.
#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "support/password_room.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

std::string site(const std::string& route, const std::string& hash = std::string(cheap_hash)) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
basic_auth: { staging: { realm: Staging, users: { alice: ")" +
         hash + R"(" } } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes:
  - name: all
    upstream: app
)" + route;
}

struct Site {
  explicit Site(const std::string& route = "    basic_auth: { use: staging, forward_user: X-User }\n")
      : proxy(site(route)) {
    proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
  }
  TestClient& ask(const std::string& user, const std::string& password,
                  const std::string& address = "203.0.113.9", const std::string& more = "") {
    TestClient& client = proxy.connect({.address = address});
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + more + "Authorization: " + basic_field(user, password) +
                "\r\n\r\n");
    return client;
  }
  bool check_one() {
    const bool checked = proxy.state.passwords.work_now();
    proxy.settle();
    return checked;
  }

  ProxyFixture proxy;
};

const std::string challenge = "Basic realm=\"Staging\", charset=\"UTF-8\"";

}  // namespace

TEST_CASE("basic auth: a request waits for its check, and those that come meanwhile share it") {
  Site site;
  TestClient& first = site.ask("alice", "open sesame");
  TestClient& second = site.ask("alice", "open sesame");
  CHECK_FALSE(first.try_response());
  CHECK_FALSE(second.try_response());
  CHECK(site.proxy.state.passwords.waiting() == 1);
  CHECK(site.proxy.upstream.at(3001).dials == 0);
  CHECK(site.check_one());
  CHECK(first.response().body == "hello");
  CHECK(second.response().body == "hello");
  CHECK(site.ask("alice", "open sesame").response().body == "hello");  // known: it does not wait
  CHECK_FALSE(site.check_one());
}

TEST_CASE("basic auth: others are served while a password is checked") {
  Site site;
  TestClient& waiting = site.ask("alice", "open");
  TestClient& none = site.proxy.connect();
  none.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpMessage refused = none.response();
  CHECK(refused.status() == 401);
  CHECK(refused.field("WWW-Authenticate") == challenge);
  CHECK_FALSE(waiting.try_response());
  CHECK(site.check_one());
  const HttpMessage wrong = waiting.response();
  CHECK(wrong.status() == 401);
  CHECK(wrong.field("WWW-Authenticate") == challenge);
  CHECK(site.proxy.upstream.at(3001).dials == 0);
  CHECK(site.proxy.log.last("exchange")["cause"] == "credentials_refused");
  CHECK(site.proxy.log.text().find("alice") == std::string::npos);
}

TEST_CASE("basic auth: a client that leaves while it waits costs no check") {
  Site site;
  TestClient& client = site.ask("alice", "open sesame");
  client.peer().reset();
  site.proxy.settle();
  CHECK(client.gone());
  CHECK(site.proxy.state.passwords.waiting() == 0);
  CHECK_FALSE(site.check_one());
  CHECK(site.proxy.log.line("exchange")["cause"] == "client_closed");
}

TEST_CASE("basic auth: a check that does not come in time is told as such") {
  Site site;
  TestClient& client = site.ask("alice", "open sesame");
  site.proxy.advance(16s);
  site.proxy.settle();
  CHECK(client.response().status() == 503);
  const base::Json line = site.proxy.log.line("exchange");
  CHECK(line["cause"] == "password_checks_full");
  CHECK(line["detail"] == "the check of the password did not come within 15000 ms");
  CHECK(site.proxy.state.passwords.waiting() == 0);
}

TEST_CASE("basic auth: the endpoint gets the user from the gateway alone, and no password") {
  Site site;
  TestClient& client = site.ask("alice", "open sesame", "203.0.113.9", "X-User: root\r\nX_User: root\r\n");
  CHECK(site.check_one());
  CHECK(client.response().status() == 200);
  const HttpMessage& sent = site.proxy.upstream.at(3001).connections.at(0)->requests.at(0);
  CHECK(sent.field("X-User") == "alice");
  CHECK_FALSE(sent.has("X_User"));
  CHECK_FALSE(sent.has("Authorization"));
}

TEST_CASE("basic auth: a reload that changes the hash forgets what was right") {
  Site site;
  TestClient& before = site.ask("alice", "open sesame");
  CHECK(site.check_one());
  CHECK(before.response().status() == 200);
  site.proxy.adopt(
      ::site("    basic_auth: staging\n", "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCX"));
  TestClient& after = site.ask("alice", "open sesame");
  CHECK_FALSE(after.try_response());
  CHECK(site.check_one());
  CHECK(after.response().status() == 401);
}

TEST_CASE("any access: an address of allow needs no password, all others do, and deny stays") {
  Site site(
      "    basic_auth: staging\n    allow: [\"10.0.0.0/8\"]\n    deny: [\"10.9.0.0/16\"]\n    access: any\n");
  TestClient& office = site.proxy.connect({.address = "10.1.2.3"});
  office.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(office.response().body == "hello");
  TestClient& elsewhere = site.proxy.connect();
  elsewhere.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpMessage refused = elsewhere.response();
  CHECK(refused.status() == 401);
  CHECK(refused.field("WWW-Authenticate") == challenge);
  TestClient& home = site.ask("alice", "open sesame");
  CHECK(site.check_one());
  CHECK(home.response().body == "hello");
  CHECK(site.ask("alice", "open sesame", "10.9.0.1").response().status() == 403);
}

TEST_CASE("any access: a wrong password from an allowed address passes without it, after the check") {
  Site site("    basic_auth: staging\n    allow: [\"10.0.0.0/8\"]\n    access: any\n");
  TestClient& client = site.ask("alice", "old password", "10.1.2.3");
  CHECK_FALSE(client.try_response());
  CHECK(site.check_one());
  CHECK(client.response().body == "hello");
  CHECK_FALSE(site.proxy.upstream.at(3001).connections.at(0)->requests.at(0).has("Authorization"));
}
