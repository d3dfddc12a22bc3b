// Static files through the whole proxy: bytes, truncation, slow clients, policies, and what is logged.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "support/decoded.h"
#include "support/proxy_fixture.h"
#include "support/temporary_folder.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using coding::Coding;

namespace {

constexpr size_t large = 3 * 1024 * 1024;

struct Site {
  TemporaryFolder folder;
  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(folder.file(name)).parent_path());
    std::ofstream(folder.file(name), std::ios::binary) << text;
  }
  // `route`: further keys of the only route; `top`: further keys of the file.
  std::string yaml(std::string_view route = {}, std::string_view top = {}) const {
    return "listeners: [{ address: \"127.0.0.1:0\" }]\nroutes: [{ name: site, files: \"" + folder.file(".") +
           "\"" + std::string(route) + " }]\n" + std::string(top) + "\n";
  }
};

std::string get(std::string_view target, std::string_view fields = {}, std::string_view method = "GET") {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) +
         "\r\n";
}

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

TEST_CASE("files: several on one connection, each with its record") {
  Site site;
  site.write("a.txt", "first");
  site.write("b/index.html", "<p>second</p>");
  site.write("empty.txt", "");
  ProxyFixture proxy(site.yaml());
  TestClient& client = proxy.connect();
  client.send(get("/a.txt"));
  const HttpMessage first = client.response();
  CHECK(first.status() == 200);
  CHECK(first.body == "first");
  CHECK(first.field("Content-Type") == "text/plain; charset=utf-8");
  CHECK(first.field("Content-Length") == "5");
  CHECK(first.has("X-Request-Id"));
  CHECK(first.has("Date"));
  client.send(get("/b/"));
  CHECK(client.response().body == "<p>second</p>");
  client.send(get("/b"));
  const HttpMessage redirect = client.response();
  CHECK(redirect.status() == 301);
  CHECK(redirect.field("Location") == "/b/");
  client.send(get("/empty.txt"));
  CHECK(client.response().body.empty());
  client.send(get("/a.txt", "", "HEAD"));
  const HttpMessage head = client.response(true);
  CHECK(head.field("Content-Length") == "5");
  client.send(get("/a.txt", "If-None-Match: " + first.field("ETag") + "\r\n"));
  CHECK(client.response().status() == 304);
  client.send(get("/a.txt", "Range: bytes=1-3\r\n"));
  const HttpMessage part = client.response();
  CHECK(part.status() == 206);
  CHECK(part.body == "irs");
  client.send(get("/none.txt"));
  const HttpMessage missing = client.response();
  CHECK(missing.status() == 404);
  CHECK(missing.body.find("\"file_not_found\"") != std::string::npos);
  client.send(get("/a.txt", "Range: bytes=9-\r\n"));
  const HttpMessage beyond = client.response();
  CHECK(beyond.status() == 416);
  CHECK(beyond.field("Content-Range") == "bytes */5");
  CHECK(beyond.body.find("\"range_not_satisfiable\"") != std::string::npos);
  client.send(get("/a.txt", "Content-Length: 0\r\n", "POST"));
  const HttpMessage refused = client.response();
  CHECK(refused.status() == 405);
  CHECK(refused.field("Allow") == "GET, HEAD");
  const std::vector<base::Json> lines = proxy.log_lines("exchange");
  REQUIRE(lines.size() == 10);
  CHECK(lines[0]["route"] == "site");
  CHECK(lines[0]["status"] == 200);
  CHECK(lines[0]["response_bytes"] == 5);
  CHECK(lines[0]["attempts"] == 0);
  CHECK(lines[4]["response_bytes"] == 0);
  CHECK(lines[7]["cause"] == "file_not_found");
}

TEST_CASE("files: a slow client gets all of a large one, and little of it waits in the gateway") {
  const std::string text = counted_bytes(large);
  Site site;
  site.write("large.bin", text);
  ProxyFixture proxy(site.yaml());
  TestClient& client = proxy.connect({.conduct = [](Wire& wire) {
    wire.to_first.capacity = 64 * 1024;
    wire.to_first.stalled = true;
  }});
  client.send(get("/large.bin"));
  // The channel, the transport's backlog, and the bytes in transit.
  CHECK(client.wire().to_first.sent <= 512 * 1024);
  client.wire().to_first.stalled = false;
  proxy.settle();
  CHECK(client.response().body == text);
}

TEST_CASE("files: one that is cut while it is sent looks cut, encoded or not") {
  for (const char* accept : {"", "Accept-Encoding: gzip\r\n"}) {
    for (const bool chunks : {true, false}) {
      CAPTURE(accept);
      Site site;
      site.write("large.txt", counted_bytes(large));
      ProxyFixture proxy(site.yaml({}, "compression: true"));
      TestClient& client = proxy.connect({.conduct = [](Wire& wire) {
        wire.to_first.capacity = 16 * 1024;
        wire.to_first.stalled = true;
      }});
      std::string request = get("/large.txt", accept);
      if (!chunks) request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
      client.send(request);
      std::filesystem::resize_file(site.folder.file("large.txt"), 1000);
      client.wire().to_first.stalled = false;
      proxy.settle();
      CHECK(client.over());
      if (!chunks) {
        const bool framed = client.unread().find("Content-Length") != std::string::npos;
        CHECK((framed || client.broken()));
      }
      if (chunks) CHECK_FALSE(client.try_response().has_value());
      const base::Json line = proxy.log.line("exchange");
      CHECK(line["cause"] == "file_unreadable");
      CHECK(line["stage"] == "response_body");
    }
  }
}

TEST_CASE("files: a client that leaves, or takes nothing, leaves no descriptor behind") {
  Site site;
  site.write("large.bin", counted_bytes(large));
  ProxyFixture proxy(site.yaml());
  const size_t before = open_descriptors();
  const auto stall = [](Wire& wire) { wire.to_first.stalled = true; };
  TestClient& leaving = proxy.connect({.conduct = stall});
  leaving.send(get("/large.bin"));
  TestClient& idle = proxy.connect({.conduct = stall});
  idle.send(get("/large.bin"));
  CHECK(open_descriptors() == before + 2);
  leaving.peer().reset();
  proxy.settle();
  CHECK(open_descriptors() == before + 1);
  CHECK(proxy.log.last("exchange")["cause"] == "client_closed");
  proxy.advance(61s);
  CHECK(open_descriptors() == before);
  CHECK(proxy.log.last("exchange")["cause"] == "client_timed_out");
}

TEST_CASE("files: without a variant beside it a file is compressed on its way") {
  const std::string text = "let many = 'words that repeat';\n";
  std::string script;
  while (script.size() < 100'000) script += text;
  Site site;
  site.write("app.js", script);
  site.write("small.js", text);
  site.write("image.png", script);
  ProxyFixture proxy(site.yaml({}, "compression: true"));
  TestClient& client = proxy.connect();
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    const std::string accept = "Accept-Encoding: " + std::string(coding::token(coding)) + "\r\n";
    client.send(get("/app.js", accept));
    const HttpMessage response = client.response();
    CHECK(response.field("Content-Encoding") == coding::token(coding));
    CHECK(response.field("ETag").starts_with("W/\""));
    CHECK(response.field("Vary") == "Accept-Encoding");
    CHECK_FALSE(response.has("Accept-Ranges"));
    CHECK(decode(coding, response.body)->body == script);
    CHECK(decode(coding, response.body)->complete);
    client.send(get("/app.js", accept + "If-None-Match: " + response.field("ETag") + "\r\n"));
    const HttpMessage same = client.response();
    CHECK(same.status() == 304);
    CHECK(same.field("ETag") == response.field("ETag"));
    CHECK(same.field("Vary") == "Accept-Encoding");
    client.send(get("/app.js", accept, "HEAD"));
    CHECK(client.response(true).field("Content-Encoding") == coding::token(coding));
    client.send(get("/app.js", accept + "Range: bytes=0-9\r\n"));
    const HttpMessage part = client.response();
    CHECK(part.status() == 206);
    CHECK_FALSE(part.has("Content-Encoding"));
    CHECK(part.body == script.substr(0, 10));
    client.send(get("/app.js", accept + "Range: bytes=0-9\r\nIf-Range: " + response.field("ETag") + "\r\n"));
    CHECK(client.response().status() == 200);  // a response that is encoded in transit cannot be resumed
    client.send(get("/small.js", accept));
    CHECK(client.response().body == text);
    client.send(get("/image.png", accept));
    CHECK(client.response().body == script);
  }
}

TEST_CASE("files: policies apply to them as to everything") {
  Site site;
  site.write("a.txt", "text");
  ProxyFixture proxy(site.yaml(", origins: list", "origins: { list: { allow: [\"https://app.example\"] } }"));
  TestClient& client = proxy.connect();
  client.send(get("/a.txt", "Origin: https://app.example\r\n"));
  const HttpMessage listed = client.response();
  CHECK(listed.status() == 200);
  CHECK(listed.field("Access-Control-Allow-Origin") == "https://app.example");
  client.send(get("/a.txt", "Origin: https://other.example\r\n"));
  CHECK_FALSE(client.response().has("Access-Control-Allow-Origin"));
}

TEST_CASE("files: the more specific route is the API's, the page is never its answer") {
  Site site;
  site.write("index.html", "page");
  ProxyFixture proxy(
      "listeners: [{ address: \"127.0.0.1:0\" }]\n"
      "upstreams: { app: { endpoints: [\"http://127.0.0.1:3001\"] } }\n"
      "routes:\n"
      "  - { name: site, files: \"" +
      site.folder.file(".") +
      "\", spa: true }\n"
      "  - { name: api, match: { path: /api }, upstream: app }\n");
  proxy.upstream.at(3001).behaviour = answers(response_text("not here", "", "404 Not Found"));
  TestClient& client = proxy.connect();
  const std::string browser = "Accept: text/html,*/*;q=0.8\r\n";
  client.send(get("/users/7", browser));
  CHECK(client.response().body == "page");
  client.send(get("/api/users", browser));
  CHECK(client.response().body == "not here");
  client.send(get("/app.js", browser));
  CHECK(client.response().status() == 404);
  client.send(get("/ws",
                  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  CHECK(client.response().status() == 404);
}

TEST_CASE("files: an upload that nobody reads is refused, and the connection closed") {
  Site site;
  site.write("a.txt", "text");
  ProxyFixture proxy(site.yaml());
  TestClient& client = proxy.connect();
  client.send(get("/a.txt", "Content-Length: 1000000\r\n"));
  const HttpMessage response = client.response();
  CHECK(response.body == "text");
  CHECK(response.field("Connection") == "close");
}
