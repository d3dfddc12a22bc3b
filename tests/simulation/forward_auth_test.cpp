// Requests about which an authentication server is asked: what it is sent, what its answers do, and what
// happens when it gives none.
#include <doctest/doctest.h>

#include <cctype>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "base/error.h"
#include "support/proxy_fixture.h"
#include "support/socket_fixture.h"

using namespace postern;
using namespace support;
using namespace std::chrono_literals;

namespace {

std::string site(const std::string& auth, const std::string& more = "") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"] }
)" + more +
         R"(
routes:
  - { name: open, match: { path: /open }, upstream: app }
  - name: closed
    upstream: app
    forward_auth: )" +
         auth + "\n";
}

const std::string usual =
    "{ url: \"http://127.0.0.1:4180/oauth2/auth\", answer_headers: { X-Auth-User: X-WEBAUTH-USER } }";

struct Site {
  explicit Site(const std::string& auth = usual, const std::string& more = "") : proxy(site(auth, more)) {
    proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
    server().behaviour = answers(response_text("", "X-Auth-User: alice\r\n", "202 Accepted"));
  }
  FakeEndpoint& server() { return proxy.upstream.at(4180); }
  TestClient& ask(const std::string& fields = "", const std::string& line = "GET /page?a=1") {
    TestClient& client = proxy.connect();
    client.send(line + " HTTP/1.1\r\nHost: app.example.com\r\n" + fields + "\r\n");
    return client;
  }
  const HttpMessage& question(size_t connection = 0) {
    return server().connections.at(connection)->requests.back();
  }
  const HttpMessage& forwarded() { return proxy.upstream.at(3001).last().requests.back(); }
  uint64_t count(telemetry::RouteCount count) { return proxy.metrics.totals().routes.at("closed")[count]; }

  ProxyFixture proxy;
};

using telemetry::RouteCount;

// What the endpoint gets under names that some reader takes for this one.
std::vector<std::string> seen_as(const HttpMessage& request, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, value] : request.fields) {
    std::string folded;
    for (const char c : field) folded += (std::isalnum(static_cast<unsigned char>(c)) != 0) ? c : '-';
    if (base::equal_ignoring_case(folded, name)) values.push_back(value);
  }
  return values;
}

}  // namespace

TEST_CASE("forward auth: the request passes when the server says so, with the fields that are declared") {
  Site site;
  CHECK(site.ask("Cookie: s=1\r\n").response().body == "hello");
  CHECK(site.forwarded().field("X-WEBAUTH-USER") == "alice");
  CHECK_FALSE(site.forwarded().has("X-Auth-User"));
  CHECK(site.forwarded().field("Cookie") == "s=1");
  CHECK(site.count(RouteCount::auth_passed) == 1);
  CHECK_FALSE(site.proxy.log.line("exchange")["stages"]["policy_ms"].is_null());
}

TEST_CASE("forward auth: the server is asked with GET, and told what the request is") {
  Site site;
  TestClient& client = site.ask(
      "Cookie: s=1\r\nAuthorization: Bearer t\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n"
      "If-None-Match: \"x\"\r\nRange: bytes=0-1\r\nAccept-Encoding: gzip\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
      "X-Forwarded-Uri: /other\r\nX_Original_URL: http://evil/\r\nX-Original-Method: GET\r\nX-Key: k\r\n"
      "X-Forwarded-For: 10.0.0.1\r\nX-WEBAUTH-USER: root\r\n",
      "POST /page?a=1");
  client.send("abc");
  CHECK(client.response().body == "hello");
  const HttpMessage& asked = site.question();
  CHECK(asked.start == "GET /oauth2/auth HTTP/1.1");
  CHECK(asked.body.empty());
  CHECK(asked.field("Host") == "127.0.0.1:4180");
  CHECK(asked.field("Cookie") == "s=1");
  CHECK(asked.field("Authorization") == "Bearer t");
  CHECK(asked.field("X-Key") == "k");
  CHECK(asked.field("X-Forwarded-Method") == "POST");
  CHECK(asked.field("X-Forwarded-Proto") == "http");
  CHECK(asked.field("X-Forwarded-Host") == "app.example.com");
  CHECK(asked.field("X-Forwarded-Uri") == "/page?a=1");
  CHECK(asked.field("X-Forwarded-For") == "203.0.113.9");
  CHECK(asked.field("X-Original-Method") == "POST");
  CHECK(asked.field("X-Original-URL") == "http://app.example.com/page?a=1");
  CHECK(asked.field("X-Original-URI") == "/page?a=1");
  CHECK(asked.has("X-Request-Id"));
  for (const char* name : {"Content-Length", "Content-Type", "If-None-Match", "Range", "Accept-Encoding",
                           "X-Hop", "Connection", "X_Original_URL", "X-WEBAUTH-USER"}) {
    CAPTURE(name);
    CHECK_FALSE(asked.has(name));
  }
  CHECK(site.forwarded().body == "abc");
}

TEST_CASE("forward auth: request_headers narrows what the server gets of the client") {
  Site site("{ url: \"http://127.0.0.1:4180/a?b=c\", request_headers: [cookie] }",
            "trusted_proxies: [203.0.113.0/24]");
  CHECK(
      site.ask("Cookie: s=1\r\nAuthorization: Bearer t\r\nX-Forwarded-For: 192.0.2.7\r\n").response().body ==
      "hello");
  const HttpMessage& asked = site.question();
  CHECK(asked.target() == "/a?b=c");
  CHECK(asked.field("Cookie") == "s=1");
  CHECK_FALSE(asked.has("Authorization"));
  CHECK(asked.field("X-Forwarded-For") == "192.0.2.7, 203.0.113.9");
}

TEST_CASE("forward auth: no spelling of a declared field gets past") {
  const char* spellings[] = {"X-WEBAUTH-USER: root",
                             "x-webauth-user: root",
                             "X_WEBAUTH_USER: root",
                             "X-WEBAUTH_USER: root",
                             "X.WEBAUTH.USER: root",
                             "X~webauth!user: root",
                             "X-WEBAUTH-USER:root",
                             "X-WEBAUTH-USER: \troot \t",
                             "X-WEBAUTH-USER: alice\r\nX-WEBAUTH-USER: root",
                             "Connection: X-WEBAUTH-USER\r\nX-WEBAUTH-USER: root",
                             "Connection: X_WEBAUTH_USER, close\r\nX_WEBAUTH_USER: root"};
  for (const char* spelling : spellings) {
    CAPTURE(spelling);
    Site site;
    CHECK(site.ask(std::string(spelling) + "\r\n").response().body == "hello");
    CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER") == std::vector<std::string>{"alice"});
    CHECK(seen_as(site.question(), "X-WEBAUTH-USER").empty());
    // The server names nobody, or the route asks nobody.
    site.server().behaviour = answers(response_text(""));
    CHECK(site.ask(std::string(spelling) + "\r\n").response().body == "hello");
    CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER").empty());
    CHECK(site.ask(std::string(spelling) + "\r\n", "GET /open").response().body == "hello");
    CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER").empty());
  }
  for (const char* refused :
       {"X-WEBAUTH-USER : root", " X-WEBAUTH-USER: root", "A: b\r\n X-WEBAUTH-USER: root",
        "X-WEBAUTH-USER\xc2\xa0: root", "X-WEBAUTH-USER: a\rX-WEBAUTH-USER: root"}) {
    CAPTURE(refused);
    Site site;
    CHECK(site.ask(std::string(refused) + "\r\n").response().status() == 400);
    CHECK(site.server().dials == 0);
  }
  Site site;
  TestClient& chunked = site.ask("Transfer-Encoding: chunked\r\nTrailer: X-WEBAUTH-USER\r\n", "POST /page");
  chunked.send("1\r\na\r\n0\r\nX-WEBAUTH-USER: root\r\n\r\n");
  CHECK(chunked.response().body == "hello");
  CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER") == std::vector<std::string>{"alice"});
  CHECK(site.forwarded().trailers.empty());
}

TEST_CASE("forward auth: Authorization may come from the server, and then never from the client") {
  Site site("{ url: \"http://127.0.0.1:4180/auth\", answer_headers: [Authorization] }");
  site.server().behaviour = answers(response_text("", "Authorization: Bearer of-server\r\n"));
  CHECK(site.ask("Authorization: Basic eDp5\r\n").response().body == "hello");
  CHECK(site.question().field("Authorization") == "Basic eDp5");
  CHECK(site.forwarded().field("Authorization") == "Bearer of-server");
  site.server().behaviour = answers(response_text(""));
  CHECK(site.ask("Authorization: Basic eDp5\r\n").response().body == "hello");
  CHECK_FALSE(site.forwarded().has("Authorization"));
  CHECK(site.ask("Authorization: Basic eDp5\r\n", "GET /open").response().body == "hello");
  CHECK(site.forwarded().field("Authorization") == "Basic eDp5");
}

TEST_CASE("forward auth: another answer goes to the client") {
  Site site;
  site.server().behaviour =
      answers(response_text("<p>who?</p>",
                            "Location: https://login.example/start\r\nSet-Cookie: csrf=1\r\nSet-Cookie: "
                            "b=2\r\nContent-Type: text/html\r\n"
                            "Connection: X-Secret\r\nX-Secret: 1\r\nX-Auth-User: nobody\r\n",
                            "302 Found"));
  TestClient& client = site.ask();
  const HttpMessage answer = client.response();
  CHECK(answer.status() == 302);
  CHECK(answer.body == "<p>who?</p>");
  CHECK(answer.field("Location") == "https://login.example/start");
  CHECK(answer.field("Set-Cookie") == "csrf=1, b=2");
  CHECK(answer.field("Content-Type") == "text/html");
  CHECK_FALSE(answer.has("X-Secret"));
  CHECK(answer.count("Date") == 1);
  CHECK(site.proxy.upstream.at(3001).dials == 0);
  const base::Json line = site.proxy.log.line("exchange");
  CHECK(line["cause"] == "auth_refused");
  CHECK(line["detail"] == "the authentication server answered 302");
  CHECK(site.count(RouteCount::auth_refused) == 1);
  // The connection to the client, and that to the server, serve the next request.
  site.server().behaviour = answers(response_text(""));
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.response().body == "hello");
  CHECK(site.server().dials == 1);
}

TEST_CASE("forward auth: an answer that says nothing is explained") {
  Site site;
  site.server().behaviour = answers(
      response_text("", "WWW-Authenticate: Bearer\r\nContent-Type: text/x-none\r\n", "401 Unauthorized"));
  const HttpMessage answer = site.ask().response();
  CHECK(answer.status() == 401);
  CHECK(answer.field("WWW-Authenticate") == "Bearer");
  CHECK(answer.field("Content-Type") == "application/json");
  CHECK(base::Json::parse(answer.body)["error"] == "auth_refused");
  TestClient& head = site.ask("", "HEAD /page");
  const HttpMessage to_head = head.response(true);
  CHECK(to_head.status() == 401);
  CHECK(to_head.body.empty());
}

TEST_CASE("forward auth: a browser that goes to a page is sent to sign in, nobody else is") {
  Site site("{ url: \"http://127.0.0.1:4180/auth\", sign_in: \"/oauth2/start?rd={uri}&u={url}\" }");
  site.server().behaviour = answers(response_text("no", "Set-Cookie: s=; Max-Age=0\r\n", "401 Unauthorized"));
  const HttpMessage page = site.ask("Accept: text/html,*/*\r\n").response();
  CHECK(page.status() == 302);
  CHECK(page.field("Location") ==
        "/oauth2/start?rd=%2Fpage%3Fa%3D1&u=http%3A%2F%2Fapp.example.com%2Fpage%3Fa%3D1");
  CHECK(page.field("Set-Cookie") == "s=; Max-Age=0");
  CHECK(page.field("Cache-Control") == "no-store");
  CHECK(page.body.empty());
  CHECK(site.ask("Sec-Fetch-Mode: navigate\r\n").response().status() == 302);
  CHECK(site.ask("Accept: text/html\r\nSec-Fetch-Mode: cors\r\n").response().status() == 401);
  CHECK(site.ask("Accept: application/json\r\n").response().body == "no");
  CHECK(site.ask("Accept: text/html\r\nContent-Length: 0\r\n", "POST /page").response().status() == 401);
  site.server().behaviour = answers(response_text("no", "", "403 Forbidden"));
  CHECK(site.ask("Accept: text/html\r\n").response().status() == 403);
}

TEST_CASE("forward auth: cookies of an answer that lets the request pass go to the client if declared") {
  for (const bool declared : {false, true}) {
    CAPTURE(declared);
    Site site("{ url: \"http://127.0.0.1:4180/auth\", set_cookies: " +
              std::string(declared ? "true" : "false") + " }");
    site.server().behaviour = answers(response_text("", "Set-Cookie: s=2; Path=/\r\nSet-Cookie: t=3\r\n"));
    site.proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                                                     response_text("hello", "Set-Cookie: own=1\r\n"));
    TestClient& client = site.ask();
    const HttpMessage early = client.response();
    CHECK(early.status() == 103);
    CHECK_FALSE(early.has("Set-Cookie"));
    CHECK(client.response().field("Set-Cookie") == (declared ? "own=1, s=2; Path=/, t=3" : "own=1"));
  }
}

TEST_CASE("forward auth: without a usable answer no request passes") {
  struct Case {
    const char* name;
    void (*prepare)(Site&);
    int status;
    std::string cause;
    std::string detail;
  };
  const std::string name = "http://127.0.0.1:4180";
  const std::vector<Case> cases = {
      {"down", [](Site& site) { site.server().reach = Reach::refused; }, 503, "auth_unavailable", "refused"},
      {"unreachable", [](Site& site) { site.server().reach = Reach::unreachable; }, 503, "auth_unavailable",
       ""},
      {"hangs", [](Site& site) { site.server().behaviour = says_nothing(); }, 504, "auth_timed_out",
       name + " did not answer within 5000 ms"},
      {"does not connect", [](Site& site) { site.server().reach = Reach::silent; }, 504, "auth_timed_out",
       ""},
      {"closes", [](Site& site) { site.server().behaviour = closes_after(response_text("x"), 0); }, 503,
       "auth_unavailable", "upstream_closed"},
      {"cuts its answer",
       [](Site& site) { site.server().behaviour = resets_after(response_text("12345", "", "403 No"), 40); },
       503, "auth_unavailable", ""},
      {"fails", [](Site& site) { site.server().behaviour = answers(response_text("oops", "", "500 Oops")); },
       502, "auth_bad_answer", name + " answered 500"},
      {"answers 304",
       [](Site& site) { site.server().behaviour = answers("HTTP/1.1 304 Not Modified\r\n\r\n"); }, 502,
       "auth_bad_answer", name + " answered 304"},
      {"huge body",
       [](Site& site) {
         site.server().behaviour =
             answers(response_text(std::string(size_t{65} * 1024, 'x'), "", "403 Forbidden"));
       },
       502, "auth_bad_answer", "the body of its answer is larger than 65536 bytes"},
  };
  for (const Case& one : cases) {
    CAPTURE(std::string(one.name));
    Site site;
    one.prepare(site);
    TestClient& client = site.ask();
    site.proxy.advance(5100ms);
    site.proxy.settle();
    const HttpMessage answer = client.response();
    CHECK(answer.status() == one.status);
    CHECK(answer.has("Retry-After") == (one.status == 503));
    CHECK(answer.body.find("127.0.0.1") == std::string::npos);
    const base::Json line = site.proxy.log.line("exchange");
    CHECK(line["cause"] == one.cause);
    const std::string detail = line["detail"];
    CAPTURE(detail);
    CHECK(detail.find(one.detail) != std::string::npos);
    CHECK(site.proxy.upstream.at(3001).dials == 0);
    CHECK(site.count(RouteCount::auth_failed) == 1);
    // It comes back.
    site.proxy.advance(2s);
    site.server().reach = Reach::good;
    site.server().behaviour = answers(response_text(""));
    CHECK(site.ask().response().body == "hello");
  }
}

TEST_CASE("forward auth: a huge body of an answer that lets pass is not waited for, nor taken") {
  Site site;
  site.server().behaviour = answers(response_text(std::string(size_t{300} * 1024, 'x')));
  CHECK(site.ask().response().body == "hello");
  CHECK(site.ask().response().body == "hello");
  // A body that never comes does not hold the request either.
  site.server().behaviour = [](FakeConnection& connection) {
    while (connection.take_request()) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  };
  CHECK(site.ask().response().body == "hello");
  site.proxy.advance(6s);
  site.proxy.settle();
  CHECK(site.server().open_count() == 0);
}

TEST_CASE("forward auth: connections to the server are used again, and a stale one costs nothing") {
  Site site;
  for (int i = 0; i < 3; ++i) CHECK(site.ask().response().body == "hello");
  CHECK(site.server().dials == 1);
  // The server closes it on the next request, without an answer.
  site.server().behaviour = [](FakeConnection& connection) {
    while (connection.take_request()) {
      if (connection.requests.size() > 3) return connection.leave();
      connection.send(response_text(""));
    }
  };
  CHECK(site.ask().response().body == "hello");
  CHECK(site.server().dials == 2);
}

TEST_CASE("forward auth: several servers stand in for each other") {
  Site site("{ upstream: auth, path: /a }",
            "  auth: { endpoints: [\"http://127.0.0.1:4180\", \"http://127.0.0.1:4181\"] }");
  site.server().reach = Reach::refused;
  site.proxy.upstream.at(4181).behaviour = answers(response_text(""));
  for (int i = 0; i < 4; ++i) CHECK(site.ask().response().body == "hello");
  CHECK(site.proxy.upstream.at(4181).request_count() == 4);
}

TEST_CASE("forward auth: who leaves while it waits ends the question") {
  for (const bool resets : {false, true}) {
    CAPTURE(resets);
    Site site;
    site.server().behaviour = says_nothing();
    TestClient& client = site.ask();
    CHECK(site.server().open_count() == 1);
    if (resets)
      client.peer().reset();
    else
      client.peer().finish();  // it may have left
    site.proxy.settle();
    CHECK(site.server().open_count() == 0);
    CHECK(site.proxy.log.line("exchange")["cause"] == "client_closed");
  }
}

TEST_CASE("forward auth: a reload in the middle changes nothing for the request") {
  Site site;
  site.server().behaviour = says_nothing();
  TestClient& client = site.ask();
  site.proxy.adopt(R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: open, upstream: app }]
)");
  CHECK(site.ask().response().body == "hello");
  site.server().last().send(response_text("", "X-Auth-User: alice\r\n"));
  site.proxy.settle();
  CHECK(client.response().body == "hello");
  CHECK(site.forwarded().field("X-WEBAUTH-USER") == "alice");
}

TEST_CASE("forward auth: a question that comes back through the same route is a loop") {
  Site site("http://127.0.0.1:4180/page");
  site.server().behaviour = [&](FakeConnection& connection) {
    while (auto asked = connection.take_request()) {
      TestClient& again = site.proxy.connect();
      again.queue("GET /page HTTP/1.1\r\nHost: a\r\nCDN-Loop: " + asked->field("CDN-Loop") + "\r\n\r\n");
      connection.send(response_text("", "", "401 No"));
    }
  };
  CHECK(site.ask().response().status() == 401);
  site.proxy.settle();
  CHECK(site.proxy.clients.back()->response().status() == 508);
  CHECK(site.server().request_count() == 1);
}

TEST_CASE("forward auth: only so many requests wait for one server") {
  Site site;
  site.server().behaviour = says_nothing();
  for (int i = 0; i < 1000; ++i) {
    TestClient& client = site.proxy.connect();
    client.queue("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  site.proxy.settle();
  const HttpMessage refused = site.ask().response();
  CHECK(refused.status() == 503);
  CHECK(base::Json::parse(refused.body)["error"] == "auth_waits_full");
  CHECK(site.ask("", "GET /open").response().body == "hello");
  site.proxy.clients.front()->peer().reset();
  site.proxy.settle();
  site.server().behaviour = answers(response_text(""));
  CHECK(site.ask().response().body == "hello");
}

// --- upgrades ---

TEST_CASE("forward auth: a WebSocket is asked about once, and a refusal of one is told as such") {
  Site site("{ url: \"http://127.0.0.1:4180/auth\", set_cookies: true, answer_headers: [X-User] }");
  site.server().behaviour = answers(response_text("", "X-User: alice\r\nSet-Cookie: s=2\r\n"));
  site.proxy.upstream.at(3001).behaviour = accepts_websocket();
  TestClient& client = site.proxy.connect();
  client.send(SocketFixture::handshake_text("Cookie: s=1\r\nSec-WebSocket-Protocol: chat\r\nX_User: root\r\n",
                                            "/ws"));
  const HttpMessage opened = client.response();
  CHECK(opened.status() == 101);
  CHECK(opened.field("Set-Cookie") == "s=2");
  CHECK(site.forwarded().field("X-User") == "alice");
  CHECK_FALSE(site.forwarded().has("X_User"));
  const HttpMessage& asked = site.question();
  CHECK(asked.field("Sec-WebSocket-Protocol") == "chat");
  for (const char* name : {"Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    CAPTURE(name);
    CHECK_FALSE(asked.has(name));
  }
  CHECK(site.server().request_count() == 1);

  site.server().behaviour =
      answers(response_text("", "Location: /login\r\nSet-Cookie: c=1\r\n", "302 Found"));
  TestClient& program = site.proxy.connect({.address = "203.0.113.20"});
  program.send(SocketFixture::handshake_text("", "/ws"));
  const HttpMessage refused = program.response();
  CHECK(refused.status() == 401);
  CHECK_FALSE(refused.has("Location"));
  CHECK(refused.field("Set-Cookie") == "c=1");
  CHECK(base::Json::parse(refused.body)["detail"] == "the authentication server answered 302");
  // A page cannot see a status, so it gets a Close frame.
  TestClient& page = site.proxy.connect({.address = "203.0.113.21"});
  page.send(SocketFixture::handshake_text("Origin: http://app.example.com\r\n", "/ws"));
  CHECK(page.response().status() == 101);
  site.proxy.advance(300ms);
  CHECK(page.unread().find("\"error\":\"auth_refused\",\"status\":401") != std::string::npos);
}

// --- several ways in ---

TEST_CASE("forward auth: it may be one way in of several, also while its server is down") {
  Site site(usual + "\n    access: any\n    allow: 10.0.0.0/8");
  CHECK(site.ask().response().body == "hello");
  CHECK(site.forwarded().field("X-WEBAUTH-USER") == "alice");
  site.server().behaviour = answers(response_text("log in", "", "401 Unauthorized"));
  const HttpMessage refused = site.ask().response();
  CHECK(refused.status() == 401);
  CHECK(refused.body == "log in");
  const auto by_address = [&] {
    TestClient& client = site.proxy.connect({.address = "10.1.2.3"});
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX_WEBAUTH_USER: root\r\n\r\n");
    site.proxy.advance(5100ms);
    site.proxy.settle();
    CHECK(client.response().body == "hello");
    CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER").empty());
  };
  by_address();
  site.server().behaviour = says_nothing();
  by_address();
  site.server().reach = Reach::refused;
  by_address();
}

TEST_CASE("forward auth: a preflight that the endpoint answers passes") {
  Site site;
  CHECK(
      site.ask("Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\nX_WEBAUTH_USER: root\r\n",
               "OPTIONS /page")
          .response()
          .body == "hello");
  CHECK(seen_as(site.forwarded(), "X-WEBAUTH-USER").empty());
  CHECK(site.server().dials == 0);
}

// --- the cache ---

namespace {

std::string cached(const std::string& rules) {
  return "{ url: \"http://127.0.0.1:4180/auth\", answer_headers: [X-User], set_cookies: true, cache: " +
         rules + " }";
}

}  // namespace

TEST_CASE("forward auth: an answer is kept for the same request of the same client") {
  Site site(cached("10s"));
  site.server().behaviour = answers_with([](const HttpMessage& asked) {
    return response_text("", "X-User: of " + asked.field("Cookie") + "\r\n");
  });
  for (int i = 0; i < 3; ++i) {
    CHECK(site.ask("Cookie: s=1\r\n").response().body == "hello");
    CHECK(site.forwarded().field("X-User") == "of s=1");
  }
  CHECK(site.server().request_count() == 1);
  CHECK(site.count(RouteCount::auth_cached) == 2);
  CHECK(site.count(RouteCount::auth_passed) == 3);
  size_t asked = 1;
  for (const char* fields : {"Cookie: s=2\r\n", "Cookie: s=1\r\nAuthorization: x\r\n",
                             "Cookie: s=1\r\nX-Key: 1\r\n", "Cookie: s=\r\n", ""}) {
    CAPTURE(fields);
    CHECK(site.ask(fields).response().body == "hello");
    CHECK(site.server().request_count() == ++asked);
  }
  for (const char* line : {"GET /page", "HEAD /page?a=1", "GET /page?a=2"}) {
    CAPTURE(line);
    site.ask("Cookie: s=1\r\n", line);
    CHECK(site.server().request_count() == ++asked);
  }
  TestClient& other = site.proxy.connect({.address = "203.0.113.10"});
  other.send("GET /page?a=1 HTTP/1.1\r\nHost: app.example.com\r\nCookie: s=1\r\n\r\n");
  CHECK(site.server().request_count() == ++asked);
  site.proxy.advance(10s);
  CHECK(site.ask("Cookie: s=1\r\n").response().body == "hello");
  CHECK(site.server().request_count() == ++asked);
}

TEST_CASE("forward auth: a field that Connection takes away decides as well") {
  Site site(cached("10s"));
  CHECK(site.ask("X-Key: 1\r\nConnection: X-Key\r\n").response().body == "hello");
  CHECK_FALSE(site.question().has("X-Key"));
  CHECK(site.ask("X-Key: 1\r\n").response().body == "hello");
  CHECK(site.question().has("X-Key"));
  CHECK(site.server().request_count() == 2);
}

TEST_CASE("forward auth: cache.key says what decides") {
  Site site(cached("{ time: 10s, key: [\"cookie:s\", host, \"header:x-key\"] }"));
  for (const char* fields : {"Cookie: t=9; s=1\r\n", "Cookie: s=1; t=8\r\nUser-Agent: other\r\n"})
    CHECK(site.ask(fields, "GET /" + std::to_string(site.server().request_count())).response().body ==
          "hello");
  CHECK(site.server().request_count() == 1);
  size_t asked = 1;
  for (const char* fields : {"Cookie: s=2\r\n", "Cookie: s=1\r\nX-Key: 1\r\n", "Cookie: s=1; s=2\r\n",
                             "Cookie: s_0=1; s_1=2\r\n", "Cookie: s_0=12\r\n", "X-Key: 1\r\n"}) {
    CAPTURE(fields);
    for (int i = 0; i < 2; ++i) CHECK(site.ask(fields).response().body == "hello");
    CHECK(site.server().request_count() == ++asked);
  }
  // Nothing of these tells clients apart, so the server may know them by something else.
  for (const char* fields : {"", "Cookie: other=1\r\n", "Authorization: Bearer x\r\n"}) {
    CAPTURE(fields);
    for (int i = 0; i < 2; ++i) {
      CHECK(site.ask(fields).response().body == "hello");
      CHECK(site.server().request_count() == ++asked);
    }
  }
}

TEST_CASE("forward auth: what may not be kept is asked for again") {
  const std::vector<std::pair<std::string, std::string>> answers_of = {
      {"Set-Cookie: s=2\r\n", "200 OK"},
      {"Cache-Control: private, no-store\r\n", "200 OK"},
      {"Cache-Control: no-cache\r\n", "200 OK"},
      {"X-User: " + std::string(5000, 'u') + "\r\n", "200 OK"},
      {"", "401 Unauthorized"},
      {"Location: /login\r\n", "302 Found"},
      {"", "500 Oops"}};
  for (const auto& one : answers_of) {
    const std::string fields = one.first.substr(0, 60);
    const std::string status = one.second;
    CAPTURE(fields);
    CAPTURE(status);
    Site site(cached("10s"));
    site.server().behaviour = answers(response_text("", one.first, one.second));
    for (int i = 0; i < 2; ++i) site.ask("Cookie: s=1\r\n").response();
    CHECK(site.server().request_count() == 2);
  }
  Site site(cached("{ time: 10s, refusals: 2s }"));
  site.server().behaviour = answers(response_text("no", "", "403 Forbidden"));
  for (int i = 0; i < 3; ++i) CHECK(site.ask("Cookie: s=1\r\n").response().body == "no");
  CHECK(site.server().request_count() == 1);
  site.proxy.advance(2s);
  CHECK(site.ask("Cookie: s=1\r\n").response().body == "no");
  CHECK(site.server().request_count() == 2);
}

TEST_CASE("forward auth: a changed question is not answered by what was kept before") {
  Site site(cached("10s"));
  CHECK(site.ask().response().body == "hello");
  site.proxy.adopt(::site(cached("10s")));
  CHECK(site.ask().response().body == "hello");
  CHECK(site.server().request_count() == 1);
  site.proxy.adopt(::site(cached("11s")));
  CHECK(site.ask().response().body == "hello");
  CHECK(site.server().request_count() == 2);
}

TEST_CASE("forward auth: equal requests that come together share one question") {
  Site site(cached("10s"));
  site.server().behaviour = says_nothing();
  TestClient& first = site.ask("Cookie: s=1\r\n");
  TestClient& second = site.ask("Cookie: s=1\r\n");
  TestClient& third = site.ask("Cookie: s=2\r\n");
  CHECK(site.server().request_count() == 2);
  first.peer().reset();  // the one that has asked; the other still waits
  site.proxy.settle();
  CHECK(site.server().open_count() == 2);
  const std::string answer = response_text("", "X-User: alice\r\n");
  site.server().connections.at(0)->send(answer);
  site.proxy.settle();
  const HttpMessage shared = second.response();
  CHECK(shared.body == "hello");
  CHECK_FALSE(third.try_response());
  third.peer().reset();
  site.proxy.settle();
  // An equal request does not join a question that was given up.
  site.server().behaviour = answers(response_text(""));
  CHECK(site.ask("Cookie: s=2\r\n").response().body == "hello");
}

TEST_CASE("forward auth: an answer that sets a cookie is for the one who has asked") {
  Site site(cached("10s"));
  site.server().behaviour = says_nothing();
  TestClient& first = site.ask();
  TestClient& second = site.ask();
  CHECK(site.server().request_count() == 1);
  site.server().behaviour = answers(response_text("", "Set-Cookie: s=of-second\r\n"));
  site.server().connections.at(0)->send(response_text("", "Set-Cookie: s=of-first\r\n"));
  site.proxy.settle();
  CHECK(first.response().field("Set-Cookie") == "s=of-first");
  CHECK(second.response().field("Set-Cookie") == "s=of-second");
}

TEST_CASE("forward auth: with a narrow key, a refusal of one address is not the answer to another") {
  for (const bool kept : {false, true}) {
    CAPTURE(kept);
    Site site(cached(std::string("{ time: 10s, key: \"cookie:s\"") + (kept ? ", refusals: 1s }" : " }")));
    site.server().behaviour = says_nothing();
    TestClient& first = site.ask("Cookie: s=1\r\n", "GET /one");
    TestClient& second = site.ask("Cookie: s=1\r\n", "GET /two");
    CHECK(site.server().request_count() == 1);
    site.server().behaviour = answers_with([](const HttpMessage& asked) {
      return response_text("", "Location: /login?rd=" + asked.field("X-Forwarded-Uri") + "\r\n", "302 Found");
    });
    site.server().last().send(response_text("", "Location: /login?rd=/one\r\n", "302 Found"));
    site.proxy.settle();
    CHECK(first.response().field("Location") == "/login?rd=/one");
    CHECK(second.response().field("Location") == "/login?rd=/two");
  }
}
