// Compressed responses through the whole proxy: a client decodes exactly what the endpoint sent, as soon as
// the endpoint sent it, and a truncated body cannot be taken for a complete one.
#include <doctest/doctest.h>

#include "support/decoded.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using coding::Coding;

namespace {

std::string compressing(std::string_view compression = "true", std::string_view route = {}) {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "upstreams: { app: { endpoints: [\"http://127.0.0.1:3001\"] } }\n"
         "compression: " +
         std::string(compression) + "\nroutes: [{ name: all, upstream: app" + std::string(route) + " }]\n";
}

std::string get(std::string_view accept, std::string_view method = "GET") {
  return std::string(method) + " / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + std::string(accept) +
         "\r\n\r\n";
}

std::string page(size_t size) {
  std::string text;
  while (text.size() < size) text += "<li>item " + std::to_string(text.size()) + "</li>\n";
  text.resize(size);
  return text;
}

const std::string html = "Content-Type: text/html\r\nETag: \"v1\"\r\n";

}  // namespace

TEST_CASE("compression: what the client decodes is what the endpoint said") {
  const std::string body = page(300'000);
  struct Row {
    const char* accept;
    Coding coding;
  };
  for (const Row& row : {Row{"gzip", Coding::gzip}, Row{"br", Coding::brotli}, Row{"zstd", Coding::zstd}}) {
    for (const std::string& answer :
         {response_text(body, html),
          "HTTP/1.1 200 OK\r\n" + html + "Transfer-Encoding: chunked\r\n\r\n" + chunked_text(body, 7000)}) {
      CAPTURE(row.accept);
      ProxyFixture proxy(compressing());
      proxy.upstream.at(3001).behaviour = answers(answer);
      TestClient& client = proxy.connect();
      client.send(get(row.accept));
      const HttpMessage response = client.response();
      CHECK(response.field("Content-Encoding") == row.accept);
      CHECK(response.field("Vary") == "Accept-Encoding");
      CHECK(response.field("ETag") == "W/\"v1\"");
      CHECK_FALSE(response.has("Content-Length"));
      CHECK(response.body.size() < body.size() / 5);
      const auto decoded = decode(row.coding, response.body);
      REQUIRE(decoded.has_value());
      CHECK(decoded->complete);
      CHECK(decoded->body == body);
      CHECK(proxy.log.line("exchange")["response_bytes"] == response.body.size());
      // The connection is still usable.
      client.send(get("identity"));
      CHECK(client.response().body == body);
    }
  }
}

TEST_CASE("compression: off by default, and off where the route says so") {
  const std::string body = page(5000);
  for (const std::string& yaml :
       {ProxyFixture::one_endpoint, compressing("false"), compressing("true", ", compression: false")}) {
    ProxyFixture proxy(yaml);
    proxy.upstream.at(3001).behaviour = answers(response_text(body, html));
    TestClient& client = proxy.connect();
    client.send(get("gzip, br, zstd"));
    const HttpMessage response = client.response();
    CHECK(response.body == body);
    CHECK_FALSE(response.has("Vary"));
    CHECK(response.field("ETag") == "\"v1\"");
  }
}

TEST_CASE("compression: HEAD has the head of GET") {
  for (const std::string& fields :
       {html + "Content-Length: 5000\r\n", html + "Transfer-Encoding: chunked\r\n", html}) {
    ProxyFixture proxy(compressing());
    proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 200 OK\r\n" + fields + "\r\n");
    TestClient& client = proxy.connect();
    client.send(get("gzip", "HEAD"));
    const HttpMessage response = client.response(true);
    CHECK(response.field("Content-Encoding") == "gzip");
    CHECK(response.field("ETag") == "W/\"v1\"");
    CHECK_FALSE(response.has("Content-Length"));
    CHECK(response.body.empty());
  }
}

TEST_CASE("compression: a body that is small, or turns out to be, stays as it is") {
  for (const std::string& answer :
       {response_text(page(1023), html), "HTTP/1.1 200 OK\r\n" + html + "Transfer-Encoding: chunked\r\n\r\n" +
                                             chunked_text(page(1023), 100)}) {
    ProxyFixture proxy(compressing());
    proxy.upstream.at(3001).behaviour = answers(answer);
    TestClient& client = proxy.connect();
    client.send(get("gzip"));
    const HttpMessage response = client.response();
    CHECK(response.body == page(1023));
    CHECK(response.field("Vary") == "Accept-Encoding");
  }
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour = answers(response_text(page(1024), html));
  TestClient& client = proxy.connect();
  client.send(get("gzip"));
  CHECK(client.response().field("Content-Encoding") == "gzip");
}

TEST_CASE("compression: what an endpoint flushed is there before it says more") {
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    CAPTURE(coding::token(coding));
    ProxyFixture proxy(compressing());
    FakeEndpoint& endpoint = proxy.upstream.at(3001);
    endpoint.behaviour = [](FakeConnection& connection) {
      if (connection.take_request())
        connection.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    };
    TestClient& client = proxy.connect();
    client.send(get(coding::token(coding)));
    std::string said;
    for (int i = 0; i < 4; ++i) {
      const std::string line = "{\"event\":" + std::to_string(i) + "}\n";
      said += line;
      endpoint.last().send("a\r\n" + line.substr(0, 10) + "\r\n" + "2\r\n" + line.substr(10) + "\r\n");
      proxy.settle();
      // The chunks of an unfinished response, made readable by completing it.
      std::string whole = client.unread() + "0\r\n\r\n";
      const auto response = take_response(whole);
      REQUIRE(response.has_value());
      CHECK(response->field("Content-Encoding") == coding::token(coding));
      const auto decoded = decode(coding, response->body);
      REQUIRE(decoded.has_value());
      CHECK(decoded->body == said);
      CHECK_FALSE(decoded->complete);
    }
    endpoint.last().send("0\r\n\r\n");
    proxy.settle();
    CHECK(decode(coding, client.response().body)->complete);
  }
}

TEST_CASE("compression: events pass as they are, each at once") {
  for (const std::string& yaml : {ProxyFixture::one_endpoint, compressing()}) {
    ProxyFixture proxy(yaml);
    FakeEndpoint& endpoint = proxy.upstream.at(3001);
    endpoint.behaviour = [](FakeConnection& connection) {
      if (connection.take_request())
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    };
    TestClient& client = proxy.connect();
    client.send(get("gzip, br, zstd"));
    CHECK(client.unread().find("Content-Encoding") == std::string::npos);
    for (int i = 0; i < 3; ++i) {
      const std::string event = "data: " + std::to_string(i) + "\n\n";
      endpoint.last().send(event);
      proxy.settle();
      CHECK(client.unread().find(event) != std::string::npos);
    }
    endpoint.last().finish();
    proxy.settle();
    CHECK(client.response().body == "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  }
}

TEST_CASE("compression: an endpoint that leaves in its body leaves one that cannot be taken for whole") {
  const std::string body = page(200'000);
  const std::string answer = response_text(body, html);
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    for (const Behaviour& behaviour : {closes_after(answer, 100'000), resets_after(answer, 100'000)}) {
      CAPTURE(coding::token(coding));
      ProxyFixture proxy(compressing());
      proxy.upstream.at(3001).behaviour = behaviour;
      TestClient& client = proxy.connect();
      client.send(get(coding::token(coding)));
      CHECK(client.over());
      CHECK_FALSE(client.try_response().has_value());
      std::string whole = client.unread() + "0\r\n\r\n";
      const auto response = take_response(whole);
      REQUIRE(response.has_value());
      CHECK_FALSE(decode(coding, response->body)->complete);
      CHECK(proxy.log.line("exchange")["cause"] == "upstream_closed");
    }
  }
}

TEST_CASE("compression: a cut body for a client that knows no chunks ends in a reset") {
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour = closes_after(response_text(page(200'000), html), 100'000);
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(client.broken());
}

TEST_CASE("compression: a slow client slows the endpoint, and little waits in the gateway") {
  // Incompressible bytes with a text type.
  std::string body;
  uint64_t state = 7;
  for (int i = 0; i < 3'000'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    body += static_cast<char>(state >> 56);
  }
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour = answers(response_text(body, html));
  TestClient& client = proxy.connect({.conduct = [](Wire& wire) {
    wire.to_first.capacity = 64 * 1024;
    wire.to_first.stalled = true;
  }});
  client.send(get("gzip"));
  FakeConnection& connection = proxy.upstream.at(3001).last();
  CHECK(connection.wire().first_paused);
  CHECK(connection.wire().to_first.delivered < 1024 * 1024);
  client.wire().to_first.stalled = false;
  proxy.settle();
  const HttpMessage response = client.response();
  CHECK(decode(Coding::gzip, response.body)->body == body);
}

TEST_CASE("compression: a 304 confirms the weak tag that the client has") {
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour = answers("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n");
  TestClient& client = proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nIf-None-Match: W/\"v1\"\r\n\r\n");
  const HttpMessage response = client.response();
  CHECK(response.status() == 304);
  CHECK(response.field("ETag") == "W/\"v1\"");
  CHECK(proxy.upstream.at(3001).last().requests.at(0).field("If-None-Match") == "\"v1\"");
}

TEST_CASE("compression: trailers follow a compressed body") {
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour =
      answers("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunked_text(page(5000), 1000, "X-Checksum: 77\r\n"));
  TestClient& client = proxy.connect();
  client.send(get("br"));
  const HttpMessage response = client.response();
  CHECK(decode(Coding::brotli, response.body)->body == page(5000));
  REQUIRE(response.trailers.size() == 1);
  CHECK(response.trailers[0].second == "77");
}

TEST_CASE("compression: the endpoint gets back the entity tags that it gave") {
  ProxyFixture proxy(compressing());
  proxy.upstream.at(3001).behaviour = answers(response_text(page(5000), html));
  TestClient& client = proxy.connect();
  client.send(get("gzip"));
  CHECK(client.response().field("ETag") == "W/\"v1\"");
  struct Row {
    const char* sent;
    const char* arrives;
  };
  for (const char* name : {"If-Match", "If-None-Match", "If-Range"}) {
    for (const Row& row :
         {Row{"W/\"v1\"", "\"v1\""}, Row{"\"v1\"", "\"v1\""},
          Row{"W/\"v1\", W/\"v2\",\"v3\"", "\"v1\", \"v2\",\"v3\""}, Row{"\"W/\", W/\"a\"", "\"W/\", \"a\""},
          Row{"*", "*"}, Row{"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"}}) {
      CAPTURE(name);
      CAPTURE(row.sent);
      client.send(std::string("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n") + name + ": " + row.sent +
                  "\r\n\r\n");
      CHECK(client.response().status() == 200);
      CHECK(proxy.upstream.at(3001).last().requests.back().field(name) == row.arrives);
    }
  }
}

TEST_CASE("compression: where nothing is compressed, no entity tag is touched") {
  ProxyFixture proxy(compressing("false"));
  proxy.upstream.at(3001).behaviour = answers(response_text(page(5000), html));
  TestClient& client = proxy.connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nIf-Match: W/\"v1\"\r\n\r\n");
  CHECK(client.response().status() == 200);
  CHECK(proxy.upstream.at(3001).last().requests.back().field("If-Match") == "W/\"v1\"");
}
