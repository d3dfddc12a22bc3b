// Methods of any name, and the log lines of requests that were refused because of their head.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

// The log line of a refused request.
base::Json line_of(std::string_view request, int status = 400) {
  ProxyFixture proxy;
  TestClient& client = proxy.connect();
  client.send(request);
  CHECK(client.response(request.starts_with("HEAD ")).status() == status);
  return proxy.log.line("exchange");
}

}  // namespace

TEST_CASE("methods: any token reaches the endpoint as it came") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).behaviour = answers(response_text("ok"));
  for (const std::string method : {"LIST", "QUERY", "VERSION-CONTROL", "get", "M-SEARCH", "X'Y~Z"}) {
    CAPTURE(method);
    TestClient& client = proxy.connect();
    client.send(method + " /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi");
    CHECK(client.response().body == "ok");
    const HttpMessage& arrived = proxy.upstream.at(3001).last().requests.back();
    CHECK(arrived.start == method + " /x HTTP/1.1");
    CHECK(arrived.body == "hi");
    CHECK(proxy.log.last("exchange")["method"] == method);
  }
}

TEST_CASE("methods: one that nobody knows is never sent twice") {
  for (const std::string retries :
       {"retries: 2", "retries: { attempts: 2, non_idempotent: true, on: [reset, status_503] }"}) {
    ProxyFixture proxy(
        "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams:\n  app: { endpoints: "
        "[\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], " +
        retries + " }\nroutes:\n  - { match: { path: / }, upstream: app }\n");
    for (const uint16_t port : {3001, 3002})
      proxy.upstream.at(port).behaviour = [](FakeConnection& connection) {
        if (connection.take_request()) connection.leave();
      };
    TestClient& client = proxy.connect();
    client.send("LIST /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    CHECK(client.response().status() == 502);
    CHECK(proxy.upstream.at(3001).request_count() + proxy.upstream.at(3002).request_count() == 1);
    client.send("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
    CHECK(client.response().status() == 502);
    CHECK(proxy.upstream.at(3001).request_count() + proxy.upstream.at(3002).request_count() > 2);
  }
}

TEST_CASE("methods: routes and preflights take those that nobody knows") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
origins:
  pages: { allow: ["https://app.example"], methods: [LIST, GET, propfind2] }
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"] }
  list: { endpoints: ["http://127.0.0.1:3002"] }
routes:
  - { match: { path: / }, upstream: app }
  - { match: { path: /x, methods: [LIST] }, upstream: list, origins: pages }
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("app"));
  proxy.upstream.at(3002).behaviour = answers(response_text("list"));
  TestClient& client = proxy.connect();
  client.send("LIST /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(client.response().body == "list");
  client.send(
      "OPTIONS /x HTTP/1.1\r\nHost: a.example\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: LIST\r\n\r\n");
  const HttpMessage preflight = client.response();
  CHECK(preflight.status() == 204);
  CHECK(preflight.field("Access-Control-Allow-Methods") ==
        "LIST");  // the other methods do not belong to this route
}

TEST_CASE("methods: CONNECT is refused with words of its own") {
  const base::Json line =
      line_of("CONNECT joe:secret@db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n", 405);
  CHECK(line["cause"] == "connect_not_served");
  CHECK(line["method"] == "CONNECT");
  CHECK(line["target"] == "db.example:5432");
  CHECK(line["offending"] == "CONNECT ***@db.example:5432 HTTP/1.1");
  ProxyFixture proxy;
  for (const char* target : {"a:443", "/a", "[::1]:22"}) {
    TestClient& client = proxy.connect();
    client.send("CONNECT " + std::string(target) + " HTTP/1.1\r\nHost: a:443\r\n\r\n");
    const HttpMessage refused = client.response();
    CHECK(refused.status() == 405);
    CHECK(refused.field("Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
}

TEST_CASE("refused heads: what was read of them is in the log") {
  const std::string start =
      "POST /a/b?token=secret&x=1 HTTP/1.1\r\nHost: app.example\r\nUser-Agent: probe/1\r\n";
  const auto check = [](const base::Json& line) {
    CHECK(line["method"] == "POST");
    CHECK(line["host"] == "app.example");
    CHECK(line["target"] == "/a/b?token=***&x=1");
    CHECK(line["user_agent"] == "probe/1");
  };
  const base::Json both = line_of(start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  check(both);
  CHECK(both["detail"] == "both Content-Length and Transfer-Encoding");
  CHECK(both["offending"] == "Content-Length: 5");
  check(line_of(start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"));
  check(line_of(start + "X : y\r\n\r\n"));
  check(line_of(start + "X: y\r\n z\r\n\r\n"));
  check(line_of(start + "X: y\n\r\n"));
  check(line_of(start + "X: " + std::string(40'000, 'x') + "\r\n\r\n", 431));
  check(line_of(start + "Expect: more\r\nContent-Length: 1\r\n\r\nx", 417));
  const base::Json long_target =
      line_of("GET /" + std::string(9'000, 't') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
  CHECK(long_target["method"] == "GET");
  CHECK(long_target["target"].get<std::string>().size() < 2200);
  CHECK(long_target["target"].get<std::string>().ends_with("... (9001 bytes)"));
}

TEST_CASE("refused heads: a head that does not come in time is told as far as it came") {
  ProxyFixture proxy;
  TestClient& client = proxy.connect();
  client.send("GET /slow?token=secret HTTP/1.1\r\nHost: app.example\r\nX-Ha");
  proxy.advance(20s);
  CHECK(client.response().status() == 408);
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["method"] == "GET");
  CHECK(line["target"] == "/slow?token=***");
  CHECK(line["host"] == "app.example");
}

TEST_CASE("refused heads: neither user information nor bytes of a body get into the log") {
  for (const std::string request :
       {"GET http://joe:hunter2@app.example/ HTTP/1.1\r\nHost: app.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: joe:hunter2@app.example\r\n\r\n", "{\"password\":\"hunter2\"}\r\n\r\n",
        "password=hunter2\r\n\r\n", "password=hunter2 and more\r\n\r\n", "POST hunter2\r\n\r\n"}) {
    CAPTURE(request);
    for (const bool behind_a_body : {false, true}) {
      ProxyFixture proxy;
      proxy.upstream.at(3001).behaviour = answers(response_text("ok"));
      TestClient& client = proxy.connect();
      const std::string before =
          behind_a_body ? "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n" : "";
      client.send(before + request);
      if (behind_a_body) CHECK(client.response().status() == 200);
      CHECK(client.response().status() == 400);
      CHECK(proxy.log.text().find("hunter2") == std::string::npos);
    }
  }
}

TEST_CASE("attempts: the line names those that failed before, and why") {
  ProxyFixture proxy(ProxyFixture::two_endpoints);
  proxy.upstream.at(3001).reach = Reach::refused;
  proxy.upstream.at(3002).behaviour = answers(response_text("second"));
  TestClient& client = proxy.connect();
  client.send("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(client.response().body == "second");
  const base::Json line = proxy.log.line("exchange");
  CHECK(line["attempts"] == 2);
  CHECK(line["endpoint"] == "http://127.0.0.1:3002");
  REQUIRE(line["failed_attempts"].size() == 1);
  CHECK(line["failed_attempts"][0]["endpoint"] == "http://127.0.0.1:3001");
  CHECK(line["failed_attempts"][0]["cause"] == "upstream_refused");
  CHECK(line["failed_attempts"][0]["detail"] == "127.0.0.1:3001 refused");
  client.send("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(client.response().body == "second");
  CHECK_FALSE(proxy.log.last("exchange").contains("failed_attempts"));
}

TEST_CASE("attempts: a status that was not taken is one of them") {
  ProxyFixture proxy(
      "listeners: [{ address: \"127.0.0.1:0\" }]\nupstreams:\n  app: { endpoints: "
      "[\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"], retries: { "
      "on: [status_503] } }\n"
      "routes:\n  - { match: { path: / }, upstream: app }\n");
  proxy.upstream.at(3001).behaviour = answers(response_text("no", {}, "503 Service Unavailable"));
  proxy.upstream.at(3002).behaviour = answers(response_text("yes"));
  TestClient& client = proxy.connect();
  client.send("GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(client.response().body == "yes");
  CHECK(proxy.log.line("exchange")["failed_attempts"][0]["cause"] == "status 503");
}
