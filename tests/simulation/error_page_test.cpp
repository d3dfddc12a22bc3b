// What clients see of the gateway's own errors, and what hostile clients can insert into them.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace support;

namespace {

const std::string full = R"(
error_pages: { detail: full }
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
origins: { pages: { allow: ["https://app.example"] } }
routes: [{ match: { path: /api }, upstream: app, origins: pages }]
)";

HttpMessage answered(ProxyFixture& proxy, const std::string& target, const std::string& fields) {
  TestClient& client = proxy.connect();
  client.send("GET " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n");
  return client.response();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

constexpr const char* browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

}  // namespace

TEST_CASE("error pages: a browser's navigation gets a page, a script gets JSON, with one request id each") {
  ProxyFixture proxy;
  proxy.upstream.at(3001).reach = Reach::refused;
  const HttpMessage page = answered(proxy, "/x", browser);
  CHECK(page.status() == 502);
  CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(contains(page.body, page.field("X-Request-Id")));
  CHECK(contains(page.body, "upstream_refused"));
  CHECK_FALSE(contains(page.body, "3001"));  // details behind the gateway are not shown
  const HttpMessage json = answered(proxy, "/x", "Accept: */*\r\n");
  CHECK(json.field("Content-Type") == "application/json");
  CHECK(contains(json.body, json.field("X-Request-Id")));
}

TEST_CASE("error pages: full detail says what is wrong behind, and what to do") {
  ProxyFixture proxy(full);
  proxy.upstream.at(3001).reach = Reach::refused;
  const HttpMessage page = answered(proxy, "/api", browser);
  CHECK(contains(page.body, "http://127.0.0.1:3001"));
  CHECK(contains(page.body, "Is the backend running"));
}

TEST_CASE("error pages: what a hostile client sends is shown and never obeyed") {
  ProxyFixture proxy(full);
  const std::string evil = "'%22%3Cscript%3Ealert(1)&x";
  const HttpMessage page = answered(proxy, "/" + evil, browser);
  CHECK(page.status() == 404);
  CHECK(contains(page.body, "/&#39;%22%3Cscript%3Ealert(1)&amp;x"));
  const HttpMessage origin =
      answered(proxy, "/api", std::string(browser) + "Origin: https://x\"><script>alert(1)</script>\r\n");
  CHECK(origin.status() == 403);
  CHECK_FALSE(contains(origin.body, "<script>alert"));
  CHECK(contains(origin.body, "&lt;script&gt;alert(1)"));
  TestClient& client = proxy.connect();
  client.send("GET /<script> HTTP/1.1\r\nHost: <script>\r\nAccept: text/html\r\n\r\n");
  const HttpMessage refused = client.response();
  CHECK(refused.status() == 400);
  CHECK_FALSE(contains(refused.body, "<script>"));
}

TEST_CASE("error pages: HEAD has the page's length and no page") {
  ProxyFixture proxy(full);
  TestClient& client = proxy.connect();
  client.send("HEAD /lost HTTP/1.1\r\nHost: app.example\r\nAccept: text/html\r\n\r\n");
  const HttpMessage head = client.response(true);
  CHECK(head.status() == 404);
  CHECK(head.body.empty());
  CHECK(head.field("Content-Length") != "0");
  CHECK(client.unread().empty());
}
