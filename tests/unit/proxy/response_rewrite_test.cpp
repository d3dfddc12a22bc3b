#include "proxy/response_rewrite.h"

#include <doctest/doctest.h>

#include "base/ascii.h"

using namespace postern;

namespace {

struct Rewritten {
  Rewritten() {
    endpoint.authority = "10.0.0.1:3000";
    client.authority = "app.example";
    client.tls = true;
  }
  Rewritten& swapping(std::string from, std::string to) {
    rewriting.path =
        std::move(policy::PathRewrite::compile({std::move(from), std::move(to), {}, {}}).value());
    return *this;
  }
  std::string field(std::string_view name, std::string_view value) {
    http::ResponseHead head;
    head.headers.add(name, value);
    http::Headers sent;
    sent.add("Host", sent_host);
    proxy::rewrite_response(snapshot, {rewriting, endpoint, client, {}, sent, endpoints, peer}, head);
    return std::string(head.headers.find(name)->value);
  }
  std::string location(std::string_view value) { return field("Location", value); }

  proxy::Snapshot snapshot;
  routing::Rewriting rewriting;
  upstream::EndpointModel endpoint;
  std::vector<upstream::EndpointModel> endpoints;  // of the upstream
  std::optional<base::SocketAddress> peer;
  proxy::ClientIdentity client;
  std::string sent_host = "app.example";
};

}  // namespace

TEST_CASE("response rewrite: what leads to the endpoint leads to where the client is") {
  Rewritten response;
  CHECK(response.location("http://10.0.0.1:3000/login?next=%2F#x") == "https://app.example/login?next=%2F#x");
  CHECK(response.location("HTTP://10.0.0.1:3000") == "https://app.example");
  CHECK(response.location("https://10.0.0.1:3000/") == "https://app.example/");
  CHECK(response.field("content-location", "http://10.0.0.1:3000/x") == "https://app.example/x");
  response.client.tls = false;
  CHECK(response.location("http://10.0.0.1:3000/x") == "http://app.example/x");
}

TEST_CASE("response rewrite: everything else stays byte for byte") {
  Rewritten response;
  for (const char* same : {"/login",
                           "login",
                           "../x",
                           "?x",
                           "",
                           "//10.0.0.1:3001/x",
                           "http://10.0.0.1/x",
                           "//10.0.0.1/x",
                           "//evil.example/x",
                           "//",
                           "/\\10.0.0.1:3000/x",
                           "https://app.example/x",
                           "http://10.0.0.1:3001/x",
                           "http://10.0.0.1:3000.evil.example/",
                           "http://user@10.0.0.1:3000/",
                           "http://elsewhere.example/x",
                           "ftp://10.0.0.1:3000/",
                           "javascript://10.0.0.1:3000/%0aalert(1)",
                           "http://app.example:81/x",
                           "http://"}) {
    CAPTURE(same);
    CHECK(response.location(same) == same);
  }
  CHECK(response.field("X-Location", "http://10.0.0.1:3000/x") == "http://10.0.0.1:3000/x");
  response.client.authority = {};  // HTTP/1.0 without Host: there is no authority to lead to
  CHECK(response.location("http://10.0.0.1:3000/x") == "http://10.0.0.1:3000/x");
}

TEST_CASE("response rewrite: an address without a scheme leads to the client's as well") {
  Rewritten response;
  CHECK(response.location("//10.0.0.1:3000/foo") == "//app.example/foo");
  CHECK(response.location("//10.0.0.1:3000") == "//app.example");
  CHECK(response.field("Content-Location", "//10.0.0.1:3000/x?y#z") == "//app.example/x?y#z");
  CHECK(response.field("Refresh", "0;url=//10.0.0.1:3000/x") == "0;url=//app.example/x");
  response.endpoint.authority = "api.internal";
  response.endpoint.tls = true;
  CHECK(response.location("//api.internal:443/x") == "//app.example/x");
  CHECK(response.location("//api.internal:80/x") == "//api.internal:80/x");
}

TEST_CASE("response rewrite: an endpoint is known by every name of its machine, and by its address") {
  Rewritten response;
  response.endpoint.authority = "localhost:3000";
  for (const char* own : {"localhost", "LOCALHOST.", "127.0.0.1", "127.0.0.2", "[::1]", "0.0.0.0", "[::]",
                          "[0:0:0:0:0:0:0:1]"}) {
    CAPTURE(own);
    CHECK(response.location("http://" + std::string(own) + ":3000/x") == "https://app.example/x");
    CHECK(response.location("http://" + std::string(own) + ":3001/x") ==
          "http://" + std::string(own) + ":3001/x");
  }
  CHECK(response.location("http://localhost.evil.example:3000/") == "http://localhost.evil.example:3000/");
  response.endpoint.authority = "api.internal:3000";
  CHECK(response.location("http://localhost:3000/x") == "http://localhost:3000/x");
  CHECK(response.location("http://10.1.2.3:3000/x") == "http://10.1.2.3:3000/x");
  response.peer = base::SocketAddress{*base::IpAddress::parse("10.1.2.3"), 3000};
  CHECK(response.location("http://10.1.2.3:3000/x") == "https://app.example/x");
  CHECK(response.location("http://10.1.2.3:3001/x") == "http://10.1.2.3:3001/x");
  response.peer = base::SocketAddress{*base::IpAddress::parse("2001:db8::5"), 3000};
  CHECK(response.location("http://[2001:DB8:0::5]:3000/x") == "https://app.example/x");
}

TEST_CASE("response rewrite: every endpoint of the upstream leads to the client's address") {
  Rewritten response;
  response.endpoints.resize(2);
  response.endpoints[0].authority = "10.0.0.1:3000";
  response.endpoints[1].authority = "api-2.internal";
  response.endpoints[1].tls = true;
  CHECK(response.location("https://api-2.internal/x") == "https://app.example/x");
  CHECK(response.location("https://api-2.internal:443/x") == "https://app.example/x");
  CHECK(response.location("http://api-2.internal/x") == "http://api-2.internal/x");
  CHECK(response.location("https://api-3.internal/x") == "https://api-3.internal/x");
}

TEST_CASE("response rewrite: the client's own host with http leads to https where the client speaks that") {
  Rewritten response;
  CHECK(response.location("http://app.example/x") == "https://app.example/x");
  CHECK(response.location("HTTP://APP.example") == "https://APP.example");
  CHECK(response.field("Refresh", "1; url=\"http://app.example/x\"") == "1; url=\"https://app.example/x\"");
  CHECK(response.location("//app.example/x") == "//app.example/x");
  response.client.authority = response.sent_host = "app.example:8443";
  CHECK(response.location("http://app.example:8443/x") == "https://app.example:8443/x");
  CHECK(response.location("http://app.example/x") == "http://app.example/x");
  response.client.tls = false;  // an application that redirects to https does so on purpose
  CHECK(response.location("https://app.example:8443/x") == "https://app.example:8443/x");
  CHECK(response.location("http://app.example:8443/x") == "http://app.example:8443/x");
}

TEST_CASE("response rewrite: a final response without a Date gets one, and one that has it keeps it") {
  Rewritten response;
  const auto date_of = [&](uint16_t status, std::string_view own) {
    http::ResponseHead head;
    head.status = status;
    if (!own.empty()) head.headers.add("Date", own);
    proxy::rewrite_response(
        response.snapshot,
        {response.rewriting, response.endpoint, response.client, {}, {}, {}, {}, 784111777}, head);
    CHECK(head.headers.count(http::FieldId::date) <= 1);
    return std::string(head.headers.get(http::FieldId::date));
  };
  for (uint16_t status : {200, 204, 304, 404, 500}) {
    CHECK(date_of(status, {}) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date_of(status, "Mon, 07 Nov 1994 08:49:37 GMT") == "Mon, 07 Nov 1994 08:49:37 GMT");
  }
  CHECK(date_of(103, {}).empty());
}

TEST_CASE("response rewrite: a port that is the scheme's may be left out") {
  Rewritten response;
  response.endpoint.authority = "api.internal";
  CHECK(response.location("http://api.internal:80/x") == "https://app.example/x");
  CHECK(response.location("http://API.internal/x") == "https://app.example/x");
  CHECK(response.location("https://api.internal/x") == "https://api.internal/x");
  response.endpoint.tls = true;
  CHECK(response.location("https://api.internal:443/x") == "https://app.example/x");
  response.endpoint.authority = "[::1]:3000";
  CHECK(response.location("http://[::1]:3000/x") == "https://app.example/x");
}

TEST_CASE("response rewrite: the Host that the endpoint got is the endpoint too") {
  Rewritten response;
  response.sent_host = "legacy.example";
  CHECK(response.location("http://legacy.example/x") == "https://app.example/x");
  CHECK(response.location("https://legacy.example:443/x") == "https://app.example/x");
  CHECK(response.location("https://legacy.example:8443/x") == "https://legacy.example:8443/x");
}

TEST_CASE("response rewrite: a stripped prefix is put back") {
  Rewritten response;
  response.swapping("/api", "/");
  CHECK(response.location("/login?x=/y") == "/api/login?x=/y");
  CHECK(response.location("http://10.0.0.1:3000/login") == "https://app.example/api/login");
  CHECK(response.location("http://10.0.0.1:3000") == "https://app.example/api/");
  CHECK(response.location("http://app.example/login") == "https://app.example/api/login");
  CHECK(response.location("//app.example/login") == "//app.example/api/login");
  CHECK(response.location("/api/login") == "/api/login");
  CHECK(response.location("//evil.example/x") == "//evil.example/x");
  CHECK(response.location("http://evil.example/x") == "http://evil.example/x");
  Rewritten replaced;
  replaced.swapping("/old", "/new");
  CHECK(replaced.location("/new/x") == "/old/x");
  CHECK(replaced.location("/other") == "/other");
}

TEST_CASE("response rewrite: no field leads to another host by a prefix that is taken off") {
  for (const auto& [from, to] : {std::pair{"/", "/v2"}, std::pair{"/", "/v2/base"}}) {
    Rewritten response;
    response.swapping(from, to);
    for (const char* path : {"//evil.example", "/\\evil.example", "///evil.example", "/\t/evil.example",
                             "/.//evil.example", "/x/..//evil.example"}) {
      CAPTURE(path);
      const std::string address = std::string(to) + path;
      for (const char* name : {"Location", "Content-Location"}) {
        const std::string led = response.field(name, address);
        CHECK(led.starts_with('/'));
        CHECK(led.substr(1).find_first_of("/\\\t") != 0);
      }
      const std::string refreshed = response.field("Refresh", "0;url=" + address);
      CHECK(refreshed.starts_with("0;url=/"));
      CHECK(refreshed.substr(7).find_first_of("/\\\t") != 0);
    }
  }
}

TEST_CASE("response rewrite: Refresh has an address too") {
  Rewritten response;
  CHECK(response.field("Refresh", "5; url=http://10.0.0.1:3000/x") == "5; url=https://app.example/x");
  CHECK(response.field("refresh", "0;URL = 'http://10.0.0.1:3000/x' ") == "0;URL = 'https://app.example/x' ");
  CHECK(response.field("Refresh", "5") == "5");
  CHECK(response.field("Refresh", "5; http://10.0.0.1:3000/") == "5; http://10.0.0.1:3000/");
  CHECK(response.field("Refresh", "5; url=") == "5; url=");
}

TEST_CASE("response rewrite: a route may leave addresses alone") {
  Rewritten response;
  response.swapping("/api", "/").rewriting.location = false;
  CHECK(response.location("http://10.0.0.1:3000/login") == "http://10.0.0.1:3000/login");
  CHECK(response.location("/login") == "/login");
}

TEST_CASE("response rewrite: every Set-Cookie is handled by itself") {
  Rewritten response;
  response.rewriting.cookies.emplace(policy::CookieRulesOptions{.domains = {{"*", std::nullopt}}});
  http::ResponseHead head;
  head.headers.add("Set-Cookie", "a=1; Domain=x");
  head.headers.add("Set-Cookie", "b=2; Path=/");
  head.headers.add("set-cookie", "c=3; Domain=y; Secure");
  proxy::rewrite_response(response.snapshot, {response.rewriting, response.endpoint, response.client, {}, {}},
                          head);
  std::string values;
  for (const http::HeaderField& field : head.headers)
    if (field.id != http::FieldId::date) values.append(field.value).append("|");
  CHECK(values == "a=1|b=2; Path=/|c=3; Secure|");
}

TEST_CASE("response rewrite: hop-by-hop fields go, and the request id comes before the endpoint's own") {
  Rewritten response;
  response.snapshot.request_id_field = "X-Request-Id";
  response.snapshot.via = true;
  const auto ids_of = [&](std::string_view own) {
    http::ResponseHead head;
    head.headers.add("Connection", "X-Private");
    head.headers.add("X-Private", "1");
    if (!own.empty()) head.headers.add("x-request-id", own);
    proxy::rewrite_response(response.snapshot,
                            {response.rewriting, response.endpoint, response.client, "made-id", {}}, head);
    CHECK(head.headers.find("X-Private") == nullptr);
    CHECK(head.headers.find("Connection") == nullptr);
    CHECK(head.headers.get(http::FieldId::via) == "1.1 postern");
    std::string ids;
    for (const http::HeaderField& field : head.headers)
      if (base::equal_ignoring_case(field.name, "X-Request-Id")) ids.append(field.value).append("|");
    return ids;
  };
  CHECK(ids_of({}) == "made-id|");
  CHECK(ids_of("made-id") == "made-id|");
  CHECK(ids_of("the endpoint's") == "made-id|the endpoint's|");
}

TEST_CASE(
    "response rewrite: trailers that steer anything, or that the rules of the head change, do not pass") {
  http::Headers trailers;
  for (const char* name : {"grpc-status",
                           "Server-Timing",
                           "Repr-Digest",
                           "X-Checksum",
                           "X-Internal",
                           "X-Replaced",
                           "Location",
                           "Cache-Control",
                           "WWW-Authenticate",
                           "Set-Cookie",
                           "Content-Encoding",
                           "Access-Control-Allow-Origin",
                           "Access-Control-Max-Age",
                           "Refresh",
                           "ETag",
                           "Expires",
                           "Sec-WebSocket-Accept",
                           "Content-Length",
                           "Transfer-Encoding",
                           "Authorization",
                           "Vary",
                           "Strict-Transport-Security",
                           "If-Match",
                           "Content-Security-Policy"})
    trailers.add(name, "value");
  const http::Headers passing = proxy::passing_trailers(trailers, [](http::ResponseHead& head) {
    head.headers.remove("X-Internal");
    head.headers.set("X-Replaced", "by a rule");
    head.headers.add("X-Added", "by a rule");
  });
  std::string names;
  for (const http::HeaderField& field : passing) names.append(field.name).append(" ");
  CHECK(names == "grpc-status Server-Timing Repr-Digest X-Checksum ");
}
