#include "proxy/response_rewrite.h"

#include <doctest/doctest.h>

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
    proxy::rewrite_response(snapshot, {rewriting, endpoint, client, {}, sent}, head);
    return std::string(head.headers.find(name)->value);
  }
  std::string location(std::string_view value) { return field("Location", value); }

  proxy::Snapshot snapshot;
  routing::Rewriting rewriting;
  upstream::EndpointModel endpoint;
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
  for (const char* same : {"/login", "login", "../x", "?x", "", "//10.0.0.1:3000/x", "http://10.0.0.1/x",
                           "http://10.0.0.1:3001/x", "http://10.0.0.1:3000.evil.example/",
                           "http://user@10.0.0.1:3000/", "http://elsewhere.example/x", "ftp://10.0.0.1:3000/",
                           "javascript://10.0.0.1:3000/%0aalert(1)", "http://app.example/x", "http://"}) {
    CAPTURE(same);
    CHECK(response.location(same) == same);
  }
  CHECK(response.field("X-Location", "http://10.0.0.1:3000/x") == "http://10.0.0.1:3000/x");
  response.client.authority = {};  // HTTP/1.0 without Host: nowhere to lead to
  CHECK(response.location("http://10.0.0.1:3000/x") == "http://10.0.0.1:3000/x");
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
  CHECK(response.location("http://app.example/login") == "http://app.example/api/login");
  CHECK(response.location("/api/login") == "/api/login");
  CHECK(response.location("//evil.example/x") == "//evil.example/x");
  CHECK(response.location("http://evil.example/x") == "http://evil.example/x");
  Rewritten replaced;
  replaced.swapping("/old", "/new");
  CHECK(replaced.location("/new/x") == "/old/x");
  CHECK(replaced.location("/other") == "/other");
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
  for (const http::HeaderField& field : head.headers) values.append(field.value).append("|");
  CHECK(values == "a=1|b=2; Path=/|c=3; Secure|");
}

TEST_CASE("response rewrite: hop-by-hop fields go, the request id is ours") {
  Rewritten response;
  response.snapshot.request_id_field = "X-Request-Id";
  response.snapshot.via = true;
  http::ResponseHead head;
  head.headers.add("Connection", "X-Private");
  head.headers.add("X-Private", "1");
  head.headers.add("x-request-id", "the endpoint's");
  proxy::rewrite_response(response.snapshot,
                          {response.rewriting, response.endpoint, response.client, "made-id", {}}, head);
  CHECK(head.headers.size() == 2);
  CHECK(head.headers.find("X-Request-Id")->value == "made-id");
  CHECK(head.headers.get(http::FieldId::via) == "1.1 postern");
}
