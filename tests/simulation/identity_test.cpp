// The client's identity: what a trusted proxy reports about the client applies to everything the gateway
// does.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

#include "support/proxy_fixture.h"
#include "support/temporary_folder.h"

using namespace postern;
using namespace support;

namespace {

constexpr std::string_view edge = "10.0.0.1";  // a trusted proxy

std::string with_routes(const std::string& routes, const std::string& top = "") {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: ["10.0.0.0/8"]
origins:
  web: { allow: ["https://listed.example"] }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
)" + top +
         "routes:\n" + routes;
}

HttpMessage ask(ProxyFixture& proxy, const std::string& request,
                ClientOptions options = {.address = std::string(edge)}) {
  TestClient& client = proxy.connect(options);
  client.send(request);
  return client.response();
}

std::string get(std::string_view target, std::string_view host, std::string_view fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" +
         std::string(fields) + "\r\n";
}

std::string upgrade(std::string_view host, std::string_view fields) {
  return get("/ws", host,
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                 std::string(fields));
}

}  // namespace

TEST_CASE("identity: one client in the log, the rate limit and what the endpoint is told") {
  ProxyFixture proxy(with_routes("  - { name: all, upstream: app, rate_limit: one }\n",
                                 "rate_limits: { one: { rate: 1/m, burst: 1 } }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"203.0.113.9:51234", "203.0.113.9"},
      {"[2001:db8::1]:443", "2001:db8::1"},
      {"\"[2001:db8:0:1::1]\"", "2001:db8:0:1::1"},
      {"6.6.6.6, 203.0.113.10, 10.2.3.4", "203.0.113.10"}};
  for (const auto& [text, address] : spellings) {
    const auto& the_text = text;
    CAPTURE(the_text);
    CHECK(ask(proxy, get("/", "app.example", "X-Forwarded-For: " + text + "\r\n")).status() == 200);
    CHECK(proxy.log.last("exchange")["client"] == address);
    const std::string told = proxy.upstream.at(3001).last().requests.back().field("X-Forwarded-For");
    CHECK(told.find(address + ", ") != std::string::npos);
    CHECK(told.find("51234") == std::string::npos);
    // With another port it is the same client.
    const std::string again = address.find(':') == address.npos ? address + ":9" : "[" + address + "]:9";
    CHECK(ask(proxy, get("/", "app.example", "X-Forwarded-For: " + again + "\r\n")).status() == 429);
  }
}

TEST_CASE("identity: a listener that redirects to https lets those through that have it already") {
  ProxyFixture proxy(with_routes("  - { name: all, upstream: app }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const auto status = [&](const std::string& proto) {
    return ask(proxy, get("/", "app.example", "X-Forwarded-Proto: " + proto + "\r\n"),
               {.address = std::string(edge), .redirect_port = 443})
        .status();
  };
  for (const char* proto : {"https", "https,https", "HTTPS", "wss", "http, https"})
    CHECK(status(proto) == 200);
  for (const char* proto : {"http", "https, http", "ws"}) CHECK(status(proto) == 308);
}

TEST_CASE("identity: a redirect to https leads to what the client asked the proxy in front for") {
  ProxyFixture proxy(with_routes("  - { name: all, upstream: app }\n"));
  const HttpMessage response =
      ask(proxy,
          get("/a?b=c", "10.1.2.3:8080",
              "X-Forwarded-Host: app.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Prefix: /outer\r\n"),
          {.address = std::string(edge), .redirect_port = 443});
  CHECK(response.field("Location") == "https://app.example/outer/a?b=c");
}

TEST_CASE("identity: a page of the host that a trusted proxy tells is of the same origin") {
  ProxyFixture proxy(with_routes("  - { name: all, upstream: app, origins: web }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const std::string told = "X-Forwarded-Host: app.example.com\r\nX-Forwarded-Proto: https\r\n";
  const std::string own = "Origin: https://app.example.com\r\n";
  CHECK(ask(proxy, get("/", "10.1.2.3:8080", told + own)).status() == 200);
  CHECK(ask(proxy, get("/", "10.1.2.3:8080", told + "Origin: https://other.example.com\r\n")).status() ==
        403);
  CHECK(ask(proxy, get("/", "10.1.2.3:8080", told + own), {.address = "192.0.2.1"}).status() == 403);
  const std::string with_port = "Origin: https://app.example.com:8443\r\n";
  CHECK(ask(proxy, get("/", "10.1.2.3:8080", told + with_port)).status() == 403);
  CHECK(ask(proxy, get("/", "10.1.2.3:8080", told + "X-Forwarded-Port: 8443\r\n" + with_port)).status() ==
        200);
  proxy.upstream.at(3001).behaviour = accepts_websocket();
  CHECK(ask(proxy, upgrade("10.1.2.3:8080", told + own)).status() == 101);
}

TEST_CASE("identity: addresses in responses, and the gateway's own redirects, name the host that was told") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("docs"));
  std::ofstream(folder.file("docs/index.html")) << "x";
  ProxyFixture proxy(
      with_routes("  - { name: all, upstream: app }\n"
                  "  - { name: old, match: { path: /old }, redirect: { to: \"https://{host}/new\" } }\n"
                  "  - { name: moved, match: { path: /moved }, redirect: { to: /new } }\n"
                  "  - { name: files, match: { path: /docs }, files: \"" +
                  folder.file("") + "\" }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x", "Location: http://127.0.0.1:3001/y\r\n"));
  const std::string told =
      "X-Forwarded-Host: app.example.com\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n"
      "X-Forwarded-Prefix: /outer\r\n";
  CHECK(ask(proxy, get("/", "10.1.2.3", told)).field("Location") == "https://app.example.com:8443/y");
  CHECK(ask(proxy, get("/old", "10.1.2.3", told)).field("Location") == "https://app.example.com/new");
  CHECK(ask(proxy, get("/moved", "10.1.2.3", told)).field("Location") == "/outer/new");
  CHECK(ask(proxy, get("/moved", "10.1.2.3", {})).field("Location") == "/new");
  CHECK(ask(proxy, get("/moved", "10.1.2.3", told), {.address = "192.0.2.1"}).field("Location") == "/new");
  CHECK(ask(proxy, get("/moved", "10.1.2.3", "X-Forwarded-Prefix: /a, /b\r\n")).field("Location") ==
        "/a/b/new");
  CHECK(ask(proxy, get("/moved", "10.1.2.3", "X-Forwarded-Prefix: //evil\r\n")).field("Location") == "/new");
  CHECK(ask(proxy, get("/docs", "10.1.2.3", told)).field("Location") == "/outer/docs/");
  const base::Json line = proxy.log.last("exchange");
  CHECK(line["host"] == "app.example.com:8443");
  CHECK(line["tls"] == true);
}

TEST_CASE("identity: a sticky cookie is Secure where the client speaks https with the proxy in front") {
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: ["10.0.0.0/8"]
upstreams:
  app:
    endpoints: ["http://127.0.0.1:3001", "http://127.0.0.1:3002"]
    sticky: { secret: "a secret of the tests, long enough for a cookie" }
routes:
  - { name: all, upstream: app }
)");
  for (const uint16_t port : {3001, 3002}) proxy.upstream.at(port).behaviour = answers(response_text("x"));
  const auto is_secure = [&](const std::string& fields, std::string_view address) {
    const HttpMessage response =
        ask(proxy, get("/", "app.example", fields), {.address = std::string(address)});
    REQUIRE(response.has("Set-Cookie"));
    return response.field("Set-Cookie").find("; Secure") != std::string::npos;
  };
  CHECK(is_secure("X-Forwarded-Proto: https\r\n", edge));
  CHECK(is_secure("X-Forwarded-Proto: wss\r\n", edge));
  CHECK(is_secure("Forwarded: for=203.0.113.9;proto=https\r\n", edge));
  CHECK_FALSE(is_secure("X-Forwarded-Proto: http\r\n", edge));
  CHECK_FALSE(is_secure("X-Forwarded-Proto: https, http\r\n", edge));
  CHECK_FALSE(is_secure("X-Forwarded-Proto: https\r\n", "192.0.2.1"));  // from a stranger
}

TEST_CASE("identity: over plain HTTP a page's own host counts where the configuration names it") {
  const std::string routes =
      "  - { name: all, upstream: app, origins: web }\n"
      "  - { name: shop, match: { host: shop.example }, upstream: app, origins: web }\n";
  ProxyFixture proxy(with_routes(routes, "hosts: [app.example, \"*.app.example\"]\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const auto asked = [&](const std::string& host) {
    return ask(proxy, get("/", host, "Origin: http://" + host + "\r\n"), {});
  };
  for (const char* host :
       {"app.example", "eu.app.example:8080", "shop.example", "localhost:8080", "127.0.0.1:8080"})
    CHECK(asked(host).status() == 200);
  const HttpMessage refused = asked("rebound.example:8080");
  CHECK(refused.status() == 403);
  CHECK(refused.body.find("hosts: [\\\"rebound.example\\\"]") != std::string::npos);
  CHECK(proxy.log.last("exchange")["cause"] == "origin_refused");
  // The same through a proxy that terminated TLS.
  CHECK(ask(proxy,
            get("/", "rebound.example", "X-Forwarded-Proto: https\r\nOrigin: https://rebound.example\r\n"))
            .status() == 200);
}

TEST_CASE(
    "identity: a request that comes back by the route that sent it is told from one that passes twice") {
  ProxyFixture proxy(
      with_routes("  - { name: all, upstream: app }\n"
                  "  - { name: inner, match: { path: /inner }, upstream: app }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  CHECK(ask(proxy, get("/", "app.example", "CDN-Loop: other-cdn; x=1\r\n")).status() == 200);
  const HttpMessage sent = proxy.upstream.at(3001).last().requests.back();
  CHECK(sent.count("CDN-Loop") == 2);  // the element of the other stays (RFC 8586 2)
  std::string mark;
  for (const auto& [name, value] : sent.fields)
    if (name == "CDN-Loop") mark = value;
  CHECK(mark.starts_with("postern-"));
  // Through a proxy behind the gateway that adds its own element.
  const std::string back = "CDN-Loop: " + mark + ", between\r\n";
  const HttpMessage looped = ask(proxy, get("/x", "app.example", back));
  CHECK(looped.status() == 508);
  CHECK(proxy.log.last("exchange")["cause"] == "loop");
  CHECK(proxy.log.last("exchange")["attempts"] == 0);
  CHECK(ask(proxy, get("/inner", "app.example", back)).status() == 200);
  ProxyFixture other(with_routes("  - { name: all, upstream: app }\n"));  // another Postern in a chain
  other.upstream.at(3001).behaviour = answers(response_text("x"));
  CHECK(ask(other, get("/x", "app.example", back)).status() == 200);
}

TEST_CASE("identity: OPTIONS and TRACE with Max-Forwards 0 go no further") {
  ProxyFixture proxy(
      with_routes("  - { name: all, match: { methods: [GET, OPTIONS, TRACE] }, upstream: app }\n"));
  proxy.upstream.at(3001).behaviour = answers(response_text("x"));
  const auto asked = [&](const std::string& method, const std::string& left) {
    return ask(proxy, method + " / HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + left + "\r\n\r\n");
  };
  const HttpMessage options = asked("OPTIONS", "0");
  CHECK(options.status() == 204);
  CHECK(options.field("Allow") == "GET, OPTIONS, TRACE");
  const HttpMessage trace = asked("TRACE", "0");
  CHECK(trace.status() == 405);
  CHECK(trace.field("Allow") == "GET, OPTIONS");
  CHECK(proxy.upstream.at(3001).request_count() == 0);
  CHECK(asked("GET", "0").status() == 200);
  CHECK(asked("OPTIONS", "1").status() == 200);
  CHECK(proxy.upstream.at(3001).last().requests.back().field("Max-Forwards") == "0");

  ProxyFixture tracing(with_routes("  - { name: all, match: { methods: [TRACE] }, upstream: app }\n"));
  const HttpMessage alone = ask(tracing, "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
  CHECK(alone.status() == 405);
  CHECK(alone.has("Allow"));
  CHECK(alone.field("Allow").empty());
}
