// A client behind a load balancer that sends the PROXY protocol, from its first byte to the endpoint's.
#include <doctest/doctest.h>

#include "base/error.h"
#include "support/certificates.h"
#include "support/proxy_fixture.h"
#include "support/raw_tls_client.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string v1 = "PROXY TCP4 192.0.2.77 198.51.100.1 40000 443\r\n";
const std::string v2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                       std::string("\xc0\0\x02\x4d\xc6\x33\x64\x01\x9c\x40\x01\xbb", 12);
const std::string v2_local = std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);

struct Balanced {
  Balanced() { proxy.upstream.at(3001).behaviour = answers(response_text("hello")); }
  TestClient& connect(const net::ServerTls* tls = nullptr) {
    ClientOptions options;
    options.address = "10.0.0.5";
    options.proxy_header_limit = 5s;
    options.tls = tls;
    return proxy.connect(options);
  }
  std::string refusal() { return proxy.log.line("proxy_header_refused")["detail"].get<std::string>(); }
  ProxyFixture proxy;
};

}  // namespace

TEST_CASE("proxy header: its source is the client, in the log and for the endpoint") {
  for (const std::string& header : {v1, v2}) {
    Balanced turns;
    TestClient& client = turns.connect();
    client.send(header + std::string(get) + std::string(get));
    CHECK(client.response().body == "hello");
    CHECK(client.response().body == "hello");
    const HttpMessage& request = turns.proxy.upstream.at(3001).last().requests.at(0);
    CHECK(request.field("X-Forwarded-For") == "192.0.2.77");
    CHECK(request.field("X-Forwarded-Port") == "443");
    CHECK(turns.proxy.log.lines("exchange").at(1)["client"] == "192.0.2.77");
  }
}

TEST_CASE("proxy header: one that names nobody leaves the socket's address") {
  for (const std::string& header : {std::string("PROXY UNKNOWN\r\n"), v2_local}) {
    Balanced turns;
    TestClient& client = turns.connect();
    client.send(header + std::string(get));
    CHECK(client.response().body == "hello");
    CHECK(turns.proxy.log.line("exchange")["client"] == "10.0.0.5");
  }
}

TEST_CASE("proxy header: it may come byte by byte, with the request close behind") {
  Balanced turns;
  TestClient& client = turns.connect();
  for (const char byte : v2 + std::string(get)) client.send(std::string(1, byte));
  CHECK(client.response().body == "hello");
  CHECK(turns.proxy.log.line("exchange")["client"] == "192.0.2.77");
}

TEST_CASE("proxy header: it comes before TLS") {
  CertificateAuthority authority;
  net::TicketKeys tickets;
  auto tls = net::ServerTls::make({.certificates = {authority.issue({"a.example"})}, .ciphers = {}}, tickets);
  REQUIRE(tls.has_value());
  Balanced turns;
  TestClient& client = turns.connect(tls->get());
  client.send(v1);
  RawTlsClient secured(client.peer().take_transport());
  secured.ask_for("a.example");
  secured.begin();
  turns.proxy.settle();
  REQUIRE(secured.connected());
  secured.send(get);
  turns.proxy.settle();
  std::string heard = secured.heard();
  const auto response = take_response(heard);
  REQUIRE(response.has_value());
  CHECK(response->body == "hello");
  const base::Json line = turns.proxy.log.line("exchange");
  CHECK(line["client"] == "192.0.2.77");
  CHECK(line["tls"] == true);
}

TEST_CASE(
    "proxy header: where it says that the client spoke TLS, the client's scheme is https for all that asks") {
  const std::string addresses("\xc0\0\x02\x4d\xc6\x33\x64\x01\x9c\x40\x01\xbb", 12);
  const std::string start("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14", 16);
  const std::string over_tls = start + addresses + std::string("\x20\0\x05\x01\0\0\0\0", 8);
  const std::string in_clear = start + addresses + std::string("\x20\0\x05\x00\0\0\0\0", 8);
  ProxyFixture proxy(R"(
listeners: [{ address: "127.0.0.1:0" }]
trusted_proxies: ["192.0.2.77"]
origins: { site: { allow: ["https://elsewhere.example"] } }
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"], sticky: { cookie: stay, secret: "0123456789abcdef0123456789abcdef" } } }
routes: [{ name: all, upstream: app, origins: site }]
)");
  proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
  const auto ask = [&](const std::string& header, const std::string& fields = {}) {
    TestClient& client =
        proxy.connect({.address = "10.0.0.5", .redirect_port = 443, .proxy_header_limit = 5s});
    client.send(header + "GET /x HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
    return client.response();
  };
  const HttpMessage served = ask(over_tls, "Origin: https://a.example\r\n");  // the same origin
  CHECK(served.status() == 200);
  CHECK(served.field("Set-Cookie").find("; Secure") != std::string::npos);
  CHECK(proxy.upstream.at(3001).last().requests.back().field("X-Forwarded-Proto") == "https");
  CHECK(proxy.log.last("exchange")["tls"] == true);
  for (const std::string& header : {in_clear, v2, v1}) {
    const HttpMessage sent_away = ask(header);
    CHECK(sent_away.status() == 308);
    CHECK(sent_away.field("Location") == "https://a.example/x");
  }
  // A trusted proxy's X-Forwarded-Proto takes precedence over the PROXY protocol header.
  CHECK(ask(over_tls, "X-Forwarded-Proto: http\r\n").status() == 308);
  CHECK(ask(in_clear, "X-Forwarded-Proto: https\r\n").status() == 200);
}

TEST_CASE("proxy header: on a TLS port, from whom none is expected, the log says what came") {
  CertificateAuthority authority;
  net::TicketKeys tickets;
  auto tls = net::ServerTls::make({.certificates = {authority.issue({"a.example"})}, .ciphers = {}}, tickets);
  REQUIRE(tls.has_value());
  for (const std::string& header : {v1, v2}) {
    Balanced turns;
    ClientOptions options;
    options.tls = tls->get();
    TestClient& client = turns.proxy.connect(options);
    client.send(header);
    CHECK(client.gone());
    const base::Json line = turns.proxy.log.line("tls_handshake_failed");
    CHECK(line["detail"].get<std::string>().starts_with("a PROXY protocol header"));
  }
}

TEST_CASE("proxy header: without one the connection is closed, and the log says what came") {
  Balanced turns;
  TestClient& client = turns.connect();
  client.send(get);
  CHECK(client.over());
  CHECK(client.gone());
  CHECK(client.unread().empty());
  const base::Json line = turns.proxy.log.line("proxy_header_refused");
  CHECK(line["cause"] == "proxy_header_invalid");
  CHECK(line["client"] == "10.0.0.5");
  CHECK(turns.refusal() == "it begins with no PROXY protocol header; first bytes: G");
  CHECK(turns.proxy.upstream.at(3001).dials == 0);
}

TEST_CASE("proxy header: a malformed one is closed, with its bytes escaped and cut in the log") {
  Balanced turns;
  TestClient& client = turns.connect();
  client.send("PROXY TCP4 \x1b[31m \\ 1 2 and some more that nobody needs\r\n");
  CHECK(client.gone());
  CHECK(turns.refusal().ends_with("first bytes: PROXY TCP4 \\x1b[31m \\x5c 1 2 and some more tha..."));
}

TEST_CASE("proxy header: a slow one has until the limit") {
  Balanced turns;
  TestClient& in_time = turns.connect();
  TestClient& late = turns.connect();
  TestClient& silent = turns.connect();
  in_time.send(v1.substr(0, 20));
  late.send(v1.substr(0, 20));
  turns.proxy.advance(4900ms);
  in_time.send(v1.substr(20) + std::string(get));
  CHECK(in_time.response().body == "hello");
  CHECK_FALSE(late.over());
  turns.proxy.advance(200ms);
  CHECK(late.gone());
  CHECK(silent.gone());
  CHECK_FALSE(in_time.over());
  const auto lines = turns.proxy.log.lines("proxy_header_refused");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["detail"] == "the header is not complete; first bytes: PROXY TCP4 192.0.2.7");
  CHECK(lines[1]["detail"] == "not a byte has come");
}

TEST_CASE("proxy header: who looks in without a byte is not worth a line, who leaves half way is") {
  Balanced turns;
  TestClient& looking = turns.connect();
  looking.peer().finish();
  turns.proxy.settle();
  CHECK(looking.gone());
  CHECK(turns.proxy.log.lines("proxy_header_refused").empty());
  TestClient& leaving = turns.connect();
  leaving.send("PROXY ");
  leaving.peer().finish();
  turns.proxy.settle();
  CHECK(leaving.gone());
  CHECK(turns.refusal() == "the header is not complete; first bytes: PROXY ");
}

TEST_CASE("proxy header: the worker's end ends the wait for it") {
  Balanced turns;
  TestClient& client = turns.connect();
  client.send("PROXY ");
  client.connection().cancel(base::Cause::shutting_down);
  turns.proxy.settle();
  CHECK(client.gone());
  CHECK(turns.proxy.log.lines("proxy_header_refused").empty());
}

TEST_CASE("proxy header: from whom none is expected it is a bad request that says why") {
  for (const std::string& header : {v1, v2}) {
    Balanced turns;
    TestClient& client = turns.proxy.connect();
    client.send(header + std::string(get));
    CHECK(client.response().status() == 400);
    CHECK(client.ended());
    const base::Json line = turns.proxy.log.line("exchange");
    CHECK(line["cause"] == "bad_request");
    CHECK(line["client"] == "203.0.113.9");
    CHECK(line["detail"].get<std::string>().starts_with("a PROXY protocol header"));
    CHECK(turns.proxy.upstream.at(3001).dials == 0);
  }
}
