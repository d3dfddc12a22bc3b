// Endpoints that deviate from HTTP: a response with a single interpretation is rewritten, forwarded and
// reported; one with several is refused with its own sentence.
#include <doctest/doctest.h>

#include "admin/status.h"
#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: app.example\r\n\r\n";

struct Odd {
  std::string response;
  std::string_view finding;
  std::string_view offending;
};

const Odd oddities[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     "both_lengths", "Content-Length: 5"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     "both_lengths", "Content-Length: 9"},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "chunked_in_http_1_0",
     "Transfer-Encoding: chunked"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "repeated_length",
     "Content-Length: 5"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     "repeated_chunked", "Transfer-Encoding: chunked, chunked"},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "line_feed", "HTTP/1.1 200 OK\\n"},
    {"HTTP/1.1 200 OK\r\nX-One: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", "folded_field", " ***"},
    {"HTTP/1.1 200 OK\r\nX-One : a\r\nContent-Length: 5\r\n\r\nhello", "space_before_colon", "X-One :***"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n", "padded_chunk_size",
     "  \\r\\n"},
};

base::Json findings_of(const ProxyFixture& proxy) {
  return base::parse_json(admin::status_json(admin::Health::serving, proxy.metrics.totals()))->at("findings");
}

}  // namespace

TEST_CASE("oddities: what has one reading reaches the client, and its connection is not used again") {
  for (const Odd& odd : oddities) {
    CAPTURE(odd.finding);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(odd.response);
    TestClient& client = proxy.connect();
    for (int i = 1; i <= 3; ++i) {
      client.send(get);
      const HttpMessage response = client.response();
      CHECK(response.status() == 200);
      CHECK(response.body == "hello");
      CHECK(proxy.upstream.at(3001).dials == i);
      CHECK(proxy.upstream.open_count() == 0);
    }
    CHECK(client.unread().empty());
  }
}

TEST_CASE("oddities: they are told in the log once, counted each time, and shown in the status") {
  for (const Odd& odd : oddities) {
    CAPTURE(odd.finding);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(odd.response);
    TestClient& client = proxy.connect();
    CHECK(findings_of(proxy).empty());
    for (int i = 0; i < 3; ++i) {
      client.send(get);
      client.response();
    }
    const base::Json line = proxy.log.line("response_deviation");
    CHECK(line["finding"] == odd.finding);
    CHECK(line["level"] == "warn");
    CHECK(line["upstream"] == "app");
    CHECK(line["endpoint"] == "http://127.0.0.1:3001");
    CHECK(line["offending"] == odd.offending);
    CHECK(line["request_id"].is_string());
    CHECK(line["meaning"].is_string());
    if (odd.finding == "both_lengths") {  // both fields are named, and one of them is shown
      CHECK(line["meaning"].get<std::string>().find("Content-Length") != std::string::npos);
      CHECK(line["meaning"].get<std::string>().find("Transfer-Encoding: chunked") != std::string::npos);
    }
    CHECK(line["remedy"].is_string());
    const base::Json findings = findings_of(proxy);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0]["finding"] == odd.finding);
    CHECK(findings[0]["endpoint"] == "http://127.0.0.1:3001");
    CHECK(findings[0]["upstream"] == "app");
    CHECK(findings[0]["responses"] == 3);
    CHECK(proxy.log.last("exchange")["cause"].is_null());
  }
}

TEST_CASE("oddities: bytes behind an odd response are never the answer to anybody") {
  const std::string second = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!";
  for (const Odd& odd : oddities) {
    CAPTURE(odd.finding);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(odd.response + second);
    TestClient& client = proxy.connect();
    for (int i = 0; i < 2; ++i) {
      client.send(get);
      CHECK(client.response().body == "hello");
    }
    CHECK(client.unread().empty());
  }
}

TEST_CASE("oddities: each refusal has its sentence, and shows the bytes it is about") {
  const std::tuple<std::string, std::string_view, std::string_view> refusals[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
       "Content-Length says 5 and 6: where the body ends is not known", "Content-Length: 6"},
      {"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: -5\r\n\r\nhello", "Content-Length is not a number",
       "Content-Length: -5"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       "a Transfer-Encoding other than \"chunked\"", "Transfer-Encoding: gzip, chunked"},
      {"HTTP/1.1 200 OK\r\nX One: 1\r\n\r\n", "a header field has characters it cannot have", "X One:***"},
      {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "the status line is not \"HTTP/1.1 NNN reason\"",
       "SSH-2.0-OpenSSH_9.2p1"},
  };
  for (const auto& [response, detail, offending] : refusals) {
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = answers(response);
    TestClient& client = proxy.connect();
    client.send(get);
    CHECK(client.response().status() == 502);
    const base::Json line = proxy.log.line("exchange");
    CHECK(line["cause"] == "upstream_bad_response");
    CHECK(line["detail"] == detail);
    CHECK(line["offending"] == offending);
    CHECK(proxy.upstream.open_count() == 0);
  }
}

TEST_CASE("oddities: who speaks another protocol is named at its first line, or when it leaves") {
  const std::string_view no_status_line = "the status line is not \"HTTP/1.1 NNN reason\"";
  const std::tuple<std::string, bool, std::string_view, std::string_view> endpoints[] = {
      {"-ERR unknown command\r\n", false, no_status_line, "-ERR unknown command"},
      {"220 mail.example ESMTP\r\n", false, no_status_line, "220 mail.example ESMTP"},
      {"<p>hello</p>", true, no_status_line, "<p>hello</p>"},
      {std::string("\0\0\x12\x04\0", 5), false,
       "the endpoint speaks HTTP/2, or another binary protocol; endpoints are spoken to in HTTP/1.1", ""},
  };
  for (const auto& [says, leaves, detail, offending] : endpoints) {
    const auto& the_says = says;
    CAPTURE(the_says);
    ProxyFixture proxy;
    proxy.upstream.at(3001).behaviour = [&says = says, leaves = leaves](FakeConnection& connection) {
      if (!connection.take_request()) return;
      connection.send(says);
      if (leaves) connection.finish();
    };
    TestClient& client = proxy.connect();
    client.send(get);
    CHECK(client.response().status() == 502);  // without waiting for a time limit
    const base::Json line = proxy.log.line("exchange");
    CHECK(line["cause"] == "upstream_bad_response");
    CHECK(line["detail"] == detail);
    if (!offending.empty()) CHECK(line["offending"] == offending);
    CHECK(line["remedy"].get<std::string>().find("speaks HTTP/1.1 on this port") != std::string::npos);
  }
  ProxyFixture cut;
  cut.upstream.at(3001).behaviour = closes_after("HTTP/1.1 200 OK", 11);
  TestClient& client = cut.connect();
  client.send(get);
  CHECK(client.response().status() == 502);
  CHECK(cut.log.line("exchange")["cause"] == "upstream_closed");
}

TEST_CASE("oddities: a head that is too large says which limit, and the upstream's limits hold") {
  const auto fields = [](int count) {
    std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n";
    for (int i = 1; i < count; ++i) head += "X-" + std::to_string(i) + ": y\r\n";
    return head + "\r\nhello";
  };
  const std::string small = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"], limits: { head_size: 1KiB, header_fields: 10 } }
routes:
  - { match: { path: / }, upstream: app }
)";
  const std::string large = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams:
  app: { endpoints: ["http://127.0.0.1:3001"], limits: { head_size: 200KiB, header_fields: 1000 } }
routes:
  - { match: { path: / }, upstream: app }
)";
  const std::string filler =
      "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\nContent-Length: 5\r\n\r\nhello";
  const std::tuple<std::string, std::string, int, std::string_view> cases[] = {
      {ProxyFixture::one_endpoint, fields(256), 200, ""},
      {ProxyFixture::one_endpoint, fields(257), 502, "the response has more than 256 header fields"},
      {ProxyFixture::one_endpoint, filler, 502, "the head of the response is larger than 65536 bytes"},
      {small, fields(10), 200, ""},
      {small, fields(11), 502, "the response has more than 10 header fields"},
      {small, filler, 502, "the head of the response is larger than 1024 bytes"},
      {large, fields(1000), 200, ""},
      {large, filler, 200, ""},
  };
  for (const auto& [yaml, response, status, detail] : cases) {
    const auto& the_detail = detail;
    CAPTURE(the_detail);
    ProxyFixture proxy(yaml);
    proxy.upstream.at(3001).behaviour = answers(response);
    TestClient& client = proxy.connect();
    client.send(get);
    CHECK(client.response().status() == status);
    if (status == 200) continue;
    const base::Json line = proxy.log.line("exchange");
    CHECK(line["cause"] == "upstream_head_too_large");
    CHECK(line["detail"] == detail);
    CHECK(line["remedy"].get<std::string>().find("limits of the upstream") != std::string::npos);
  }
}

TEST_CASE("oddities: an endpoint's Keep-Alive limit is minded, a second before it ends") {
  const auto answer = [](std::string_view limit) {
    return answers("HTTP/1.1 200 OK\r\nKeep-Alive: " + std::string(limit) +
                   "\r\nContent-Length: 2\r\n\r\nok");
  };
  ProxyFixture proxy;
  TestClient& client = proxy.connect();
  const auto ask = [&] {
    client.send(get);
    CHECK(client.response().body == "ok");
  };
  proxy.upstream.at(3001).behaviour = answer("timeout=5, max=100");
  ask();
  proxy.advance(3900ms);
  ask();
  CHECK(proxy.upstream.at(3001).dials == 1);
  proxy.advance(4100ms);
  CHECK(proxy.upstream.open_count() == 0);
  ask();
  CHECK(proxy.upstream.at(3001).dials == 2);
  proxy.advance(5s);
  proxy.upstream.at(3001).behaviour = answer("max=5, Timeout = 1");  // too short to be useful
  ask();
  CHECK(proxy.upstream.open_count() == 0);
  for (const std::string_view unknown : {"timeout=soon", "timeout", "max=3", ""}) {
    proxy.upstream.at(3001).behaviour = answer(unknown);
    ask();
    proxy.advance(30s);  // as without the field
    CHECK(proxy.upstream.open_count() == 1);
    proxy.advance(30s);
    CHECK(proxy.upstream.open_count() == 0);
  }
  proxy.upstream.at(3001).behaviour = answer("timeout=600");
  ask();
  proxy.advance(56s);  // the gateway's own limit is shorter
  CHECK(proxy.upstream.open_count() == 0);
}
