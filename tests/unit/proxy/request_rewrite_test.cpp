#include "proxy/request_rewrite.h"

#include <doctest/doctest.h>
#include <malloc.h>

#include "base/ascii.h"
#include "policy/header_rules.h"
#include "support/judged_request.h"

using namespace postern;
using http::FieldId;

namespace {

// A request as it arrived at the gateway, and as an endpoint receives it.
struct Rewritten {
  explicit Rewritten(std::string_view method = "GET", std::string_view target = "/")
      : judged(method, target) {
    facts.peer = {*base::IpAddress::parse("203.0.113.9"), 40000};
    facts.peer_text = "203.0.113.9";
    facts.listener_port = 8080;
    snapshot.request_id_field = "X-Request-Id";
    judged.with("Host", "app.example.com");
  }
  Rewritten& with(std::string_view name, std::string_view value) {
    judged.with(name, value);
    return *this;
  }
  Rewritten& trusting(std::string_view block) {
    REQUIRE(snapshot.trusted_proxies.add(block));
    return *this;
  }
  http::RequestHead& run() {
    client = proxy::identify(snapshot, facts, judged.head);
    proxy::rewrite_request(snapshot, facts, client, judged.context, "made-id", "10.0.0.1:3000", rewriting,
                           judged.head);
    return judged.head;
  }
  // All values of a field, joined by " | "; "(none)" if there is none.
  std::string field(std::string_view name) const {
    std::string joined;
    for (const http::HeaderField& field : judged.head.headers) {
      if (!base::equal_ignoring_case(field.name, name)) continue;
      if (!joined.empty()) joined += " | ";
      joined += field.value;
    }
    return judged.head.headers.find(name) ? joined : "(none)";
  }

  proxy::Snapshot snapshot;
  routing::Rewriting rewriting;
  http::ClientFacts facts;
  support::JudgedRequest judged;
  proxy::ClientIdentity client;
};

// The bytes that the process has allocated from the system's allocator; 0 under a sanitizer with its own
// allocator.
size_t allocated() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

}  // namespace

TEST_CASE("client route: the client's own address and port, and what it connected to") {
  http::ClientFacts facts;
  facts.peer = {base::IpAddress::v4({192, 0, 2, 7}), 40000};
  facts.local = {base::IpAddress::v4({198, 51, 100, 1}), 443};
  proxy::ClientIdentity client{facts.peer.ip, "192.0.2.7", false, true};
  CHECK(proxy::route_of(client, facts) == net::ProxyRoute{facts.peer, facts.local});
  client.address =
      base::IpAddress::v4({203, 0, 113, 9});  // from a trusted proxy that does not report the port
  CHECK(proxy::route_of(client, facts) == net::ProxyRoute{{client.address, 0}, facts.local});
  facts.local.ip = base::IpAddress::v6({});
  CHECK(proxy::route_of(client, facts).destination == net::Peer{base::IpAddress(), 443});
  client.address = base::IpAddress::parse("2001:db8::1").value();
  CHECK(proxy::route_of(client, facts).destination == facts.local);
}

TEST_CASE("rewrite: a stranger's forwarding fields are replaced by what the socket says") {
  Rewritten request;
  request.with("X-Forwarded-For", "127.0.0.1")
      .with("X-Forwarded-For", "10.0.0.1, 10.0.0.2")
      .with("x-forwarded-proto", "https")
      .with("X-Forwarded-Host", "admin.example.com")
      .with("X-Forwarded-Port", "443")
      .with("Forwarded", "for=127.0.0.1;proto=https");
  request.run();
  CHECK(request.field("X-Forwarded-For") == "203.0.113.9");
  CHECK(request.field("X-Forwarded-Proto") == "http");
  CHECK(request.field("X-Forwarded-Host") == "app.example.com");
  CHECK(request.field("X-Forwarded-Port") == "80");  // of app.example.com as the client asked for it
  CHECK(request.field("Forwarded") == "(none)");
  CHECK_FALSE(request.client.trusted_proxy);
  CHECK(request.client.address_text == "203.0.113.9");
}

TEST_CASE("rewrite: a trusted proxy's fields are kept and its own address is added") {
  Rewritten request;
  request.trusting("203.0.113.0/24")
      .with("X-Forwarded-For", "198.51.100.4")
      .with("X-Forwarded-For", "192.0.2.77")
      .with("X-Forwarded-Proto", "https")
      .with("X-Forwarded-Host", "www.example.com")
      .with("X-Forwarded-Port", "443")
      .with("Forwarded", "for=192.0.2.77");
  request.run();
  CHECK(request.field("X-Forwarded-For") == "198.51.100.4, 192.0.2.77, 203.0.113.9");
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Host") == "www.example.com");
  CHECK(request.field("X-Forwarded-Port") == "443");
  CHECK(request.field("Forwarded") == "for=192.0.2.77");
  CHECK(request.client.trusted_proxy);
  CHECK(request.client.tls);
  CHECK(request.client.address_text == "192.0.2.77");
}

TEST_CASE("rewrite: a trusted proxy that says nothing has its own address and scheme told") {
  Rewritten request;
  request.trusting("203.0.113.9").run();
  CHECK(request.field("X-Forwarded-For") == "203.0.113.9");
  CHECK(request.field("X-Forwarded-Proto") == "http");
  CHECK(request.field("X-Forwarded-Host") == "app.example.com");
  CHECK(request.client.address_text == "203.0.113.9");
}

TEST_CASE("identify: the client is the last address that is no trusted proxy's") {
  const auto identified = [](std::string_view forwarded_for) {
    Rewritten request;
    request.trusting("203.0.113.0/24").trusting("10.0.0.0/8").with("X-Forwarded-For", forwarded_for).run();
    return request.client.address_text;
  };
  CHECK(identified("1.2.3.4") == "1.2.3.4");
  CHECK(identified("6.6.6.6, 1.2.3.4") == "1.2.3.4");  // everything before it can be forged
  CHECK(identified("6.6.6.6, 1.2.3.4, 10.0.0.5") == "1.2.3.4");
  CHECK(identified("10.0.0.7, 10.0.0.5") == "10.0.0.7");   // all are trusted: the first of them
  CHECK(identified("6.6.6.6, unknown") == "203.0.113.9");  // unreadable: the address of the connection
  CHECK(identified("6.6.6.6, unknown, 1.2.3.4") == "1.2.3.4");
  CHECK(identified("2001:db8::1") == "2001:db8::1");
  CHECK(identified("") == "203.0.113.9");
}

TEST_CASE("identify: without a trust list nobody is believed") {
  Rewritten request;
  request.with("X-Forwarded-For", "1.2.3.4").with("X-Forwarded-Proto", "https");
  request.facts.tls = false;
  request.run();
  CHECK(request.client.address_text == "203.0.113.9");
  CHECK_FALSE(request.client.tls);
}

TEST_CASE("rewrite: the client's own scheme is told on a TLS listener") {
  Rewritten request;
  request.facts.tls = true;
  request.facts.listener_port = 443;
  request.run();
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Port") == "443");
}

TEST_CASE("rewrite: Host stays as the client sent it") {
  Rewritten request;
  request.run();
  CHECK(request.field("Host") == "app.example.com");
}

TEST_CASE("rewrite: an authority in the target outranks Host, and there is one Host alone") {
  Rewritten request;
  request.judged.head.authority = "other.example.com";
  request.run();
  CHECK(request.field("Host") == "other.example.com");
  CHECK(request.field("X-Forwarded-Host") == "other.example.com");
}

TEST_CASE("rewrite: without any authority the endpoint's own stands in") {
  Rewritten request;
  request.judged.head.headers.remove(FieldId::host);
  request.judged.head.authority = {};
  request.run();
  CHECK(request.field("Host") == "10.0.0.1:3000");
}

TEST_CASE("rewrite: fields of one connection do not pass, nor those that Connection names") {
  Rewritten request;
  request.with("Connection", "keep-alive, X-Private, Authorization")
      .with("Keep-Alive", "timeout=5")
      .with("TE", "trailers")
      .with("Trailer", "X-Sum")
      .with("Upgrade", "h2c")
      .with("HTTP2-Settings", "AAMAAABk")
      .with("Proxy-Connection", "keep-alive")
      .with("Proxy-Authorization", "Basic Zm9v")
      .with("X-Private", "1")
      .with("Authorization", "Bearer x")
      .with("Content-Length", "3")
      .with("Accept", "*/*");
  request.judged.head.upgrade = http::Upgrade::other;
  const http::RequestHead& head = request.run();
  for (std::string_view name : {"Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "HTTP2-Settings",
                                "Proxy-Connection", "Proxy-Authorization", "X-Private", "Content-Length"}) {
    CAPTURE(name);
    CHECK(request.field(name) == "(none)");
  }
  // Fields that an endpoint makes decisions by cannot be removed.
  CHECK(request.field("Authorization") == "Bearer x");
  CHECK(request.field("Accept") == "*/*");
  CHECK(head.upgrade == http::Upgrade::none);
}

TEST_CASE("rewrite: a WebSocket handshake keeps its own fields") {
  Rewritten request;
  request.with("Connection", "Upgrade")
      .with("Upgrade", "websocket")
      .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
      .with("Sec-WebSocket-Extensions", "permessage-deflate");
  request.judged.websocket();
  const http::RequestHead& head = request.run();
  CHECK(head.upgrade == http::Upgrade::websocket);  // the writer adds Upgrade and Connection
  CHECK(request.field("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(request.field("Sec-WebSocket-Extensions") == "permessage-deflate");
}

TEST_CASE("rewrite: Expect passes where the client waits for a 100, else not") {
  Rewritten waits("POST");
  waits.with("Expect", "100-continue");
  waits.judged.head.expects_continue = true;
  waits.run();
  CHECK(waits.field("Expect") == "100-continue");
  Rewritten does_not;
  does_not.with("Expect", "100-continue").run();
  CHECK(does_not.field("Expect") == "(none)");
}

TEST_CASE("rewrite: the request id is the one that was chosen, in place of the client's") {
  Rewritten request;
  request.with("X-Request-Id", "the client's own").with("x-request-id", "and another").run();
  CHECK(request.field("X-Request-Id") == "made-id");
  Rewritten off;
  off.snapshot.request_id_field.clear();
  off.with("X-Request-Id", "the client's own").run();
  CHECK(off.field("X-Request-Id") == "the client's own");
}

TEST_CASE("rewrite: Via is added only when asked for") {
  Rewritten request;
  request.run();
  CHECK(request.field("Via") == "(none)");
  Rewritten asked;
  asked.snapshot.via = true;
  asked.with("Via", "1.0 fred").run();
  CHECK(asked.field("Via") == "1.0 fred | 1.1 postern");
}

TEST_CASE("rewrite: fields learned from a token replace whatever the client sent under their names") {
  Rewritten request;
  request.with("X-User", "root").with("x-user", "also root");
  request.judged.context.forwarded_fields.emplace_back("X-User", "user-7");
  request.run();
  CHECK(request.field("X-User") == "user-7");
}

TEST_CASE("rewrite: the target is sent on as it came") {
  for (std::string_view target :
       {"/a/b?x=%41&y=/../&&z=a+b%20c", "/a/./b/../c?q=1", "/a/%2e%2e/b", "/%61bc?%61", "/a//b?//", "/a%2fb",
        "/a;b", "/a|b", "/a%", "/\xc3\xa9?\xc3\xa9", "/?", "/"}) {
    CAPTURE(target);
    Rewritten request("GET", target);
    REQUIRE(request.judged.readable);
    CHECK(request.run().target == target);
  }
  Rewritten rewriting("GET", "/x//%41?a=//");  // although the pattern does not match
  rewriting.rewriting.path = std::move(policy::PathRewrite::compile({{}, {}, "^/old$", "/new"}).value());
  CHECK(rewriting.run().target == "/x/A?a=//");
}

TEST_CASE("rewrite: on strict paths the path is sent on normalised, the query byte for byte") {
  const auto sent = [](std::string_view target) {
    Rewritten request("GET", target);
    REQUIRE(http::read_strict_target(target, request.judged.target).has_value());
    return std::string(request.run().target);
  };
  CHECK(sent("/a/b?x=%41&y=/../&&z=a+b%20c") == "/a/b?x=%41&y=/../&&z=a+b%20c");
  CHECK(sent("/a/./b/../c?q=1") == "/a/c?q=1");
  CHECK(sent("/a/%2e%2e/b") == "/b");
  CHECK(sent("/%61bc?%61") == "/abc?%61");
  CHECK(sent("/a/b/..") == "/a/");
  CHECK(sent("/a/b/.") == "/a/b/");
  CHECK(sent("/a/..?") == "/?");
  CHECK(sent("/a//b?//") == "/a/b?//");
  CHECK(sent("/a%c3%a9") == "/a%C3%A9");
  CHECK(sent("/?") == "/?");
  CHECK(sent("/") == "/");
}

TEST_CASE("rewrite: OPTIONS of the whole server stays so") {
  Rewritten request("OPTIONS", "*");
  CHECK(request.run().target == "*");
}

TEST_CASE("rewrite: Host may be the endpoint's own or another's, and what the client asked for is told") {
  Rewritten literal;
  literal.rewriting.host = {routing::HostRule::Kind::literal, "legacy.example.com"};
  literal.run();
  CHECK(literal.field("Host") == "legacy.example.com");
  CHECK(literal.field("X-Forwarded-Host") == "app.example.com");
  Rewritten endpoint;
  endpoint.rewriting.host.kind = routing::HostRule::Kind::endpoint;
  endpoint.run();
  for (std::string_view authority : {"10.0.0.1:3000", "10.0.0.2:3000"}) {  // one attempt each
    proxy::address_to(authority, endpoint.rewriting, endpoint.judged.head);
    CHECK(endpoint.field("Host") == authority);
  }
  CHECK(endpoint.field("X-Forwarded-Host") == "app.example.com");
  Rewritten preserved;
  preserved.run();
  proxy::address_to("10.0.0.1:3000", preserved.rewriting, preserved.judged.head);
  CHECK(preserved.field("Host") == "app.example.com");
}

TEST_CASE("rewrite: a rewritten path goes to the endpoint, with the prefix that it lacks") {
  Rewritten good("GET", "/api/a/../b?x=%2e");
  good.rewriting.path = std::move(policy::PathRewrite::compile({"/api", "/", {}, {}}).value());
  good.with("X-Forwarded-Prefix", "/forged").run();
  REQUIRE(proxy::rewrite_path(good.judged.context, good.rewriting, good.judged.head).has_value());
  CHECK(good.judged.head.target == "/b?x=%2e");
  CHECK(good.field("X-Forwarded-Prefix") == "/api");
  Rewritten trusted("GET", "/api/x");
  trusted.rewriting.path = std::move(policy::PathRewrite::compile({"/api", "/", {}, {}}).value());
  trusted.trusting("203.0.113.9").with("X-Forwarded-Prefix", "/outer").run();
  CHECK(trusted.field("X-Forwarded-Prefix") == "/outer/api");
}

TEST_CASE("rewrite: an operator's rules come last") {
  std::vector<policy::FieldRule> rules;
  rules.push_back({policy::FieldRule::Kind::remove, "X-Forwarded-Host"});
  rules.push_back(
      {policy::FieldRule::Kind::set, "X-Real-IP", policy::TextTemplate::read("{client}").value()});
  const policy::FieldRules made(std::move(rules), policy::FieldRules::Match::as_variable);
  Rewritten request;
  request.judged.context.request_rules = &made;
  request.judged.context.client = *base::IpAddress::parse("203.0.113.9");
  request.with("X-Real-IP", "127.0.0.1").run();
  CHECK(request.field("X-Forwarded-Host") == "(none)");
  CHECK(request.field("X-Real-IP") == "203.0.113.9");
}

TEST_CASE("rewrite: Forwarded is written instead, or as well, or nothing is") {
  const auto told = [](proxy::ForwardedFields fields, bool trusted) {
    Rewritten request;
    request.snapshot.forwarded = fields;
    if (trusted) request.trusting("203.0.113.9");
    request.with("Forwarded", "for=192.0.2.77").with("X-Forwarded-For", "192.0.2.77").run();
    return request.field("Forwarded") + " / " + request.field("X-Forwarded-For");
  };
  const std::string hop = "for=203.0.113.9;host=app.example.com;proto=http";
  CHECK(told({true, false}, false) == "(none) / 203.0.113.9");
  CHECK(told({false, true}, false) == hop + " / (none)");
  CHECK(told({true, true}, false) == hop + " / 203.0.113.9");
  CHECK(told({false, false}, false) == "(none) / (none)");
  CHECK(told({true, false}, true) == "for=192.0.2.77 / 192.0.2.77, 203.0.113.9");
  CHECK(told({false, true}, true) == "for=192.0.2.77, " + hop + " / 192.0.2.77");
  CHECK(told({true, true}, true) == "for=192.0.2.77, " + hop + " / 192.0.2.77, 203.0.113.9");
  CHECK(told({false, false}, true) == "for=192.0.2.77 / 192.0.2.77");
}

TEST_CASE("rewrite: an IPv6 client is quoted in Forwarded") {
  Rewritten request;
  request.snapshot.forwarded = {false, true};
  request.facts.peer = {*base::IpAddress::parse("2001:db8::9"), 40000};
  request.facts.tls = true;
  request.judged.head.authority = "app.example.com:8443";
  request.run();
  CHECK(request.field("Forwarded") == "for=\"[2001:db8::9]\";host=\"app.example.com:8443\";proto=https");
  CHECK(request.field("X-Forwarded-Proto") == "(none)");
}

TEST_CASE("rewrite: the port that an endpoint is told is that of the host, not of the listener") {
  const auto port = [](std::string_view authority, bool tls) {
    Rewritten request;
    request.judged.head.authority = authority;
    request.facts.tls = tls;
    request.run();
    return request.field("X-Forwarded-Port");
  };
  CHECK(port("app.example.com", true) == "443");  // the listener's port 8080 is behind a mapped port
  CHECK(port("app.example.com:8443", true) == "8443");
  CHECK(port("[::1]:3000", false) == "3000");
  CHECK(port("", false) == "8080");
}

TEST_CASE("rewrite: what a trusted proxy tells is told on in one spelling") {
  Rewritten request;
  request.trusting("203.0.113.0/24")
      .with("X-Forwarded-For", "unknown, 198.51.100.4:51234")
      .with("X-Forwarded-For", "\"[2001:db8::1]:443\"")
      .with("X-Forwarded-Proto", "wss,wss")
      .with("X-Forwarded-Host", "www.example.com, other.example.com")
      .with("X-Forwarded-Port", "8443, 8443")
      .with("X-Real-IP", "6.6.6.6");
  request.run();
  CHECK(request.field("X-Forwarded-For") == "unknown, 198.51.100.4, 2001:db8::1, 203.0.113.9");
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Host") == "other.example.com:8443");
  CHECK(request.field("X-Forwarded-Port") == "8443");
  CHECK(request.field("X-Real-IP") == "2001:db8::1");
}

TEST_CASE("rewrite: an endpoint learns of the client in its own kind of field, whichever the proxy sent") {
  Rewritten standard;
  standard.trusting("203.0.113.9")
      .with("Forwarded", "for=\"192.0.2.7:80\";proto=https;host=www.example.com")
      .run();
  CHECK(standard.field("X-Forwarded-For") == "192.0.2.7, 203.0.113.9");
  CHECK(standard.field("X-Forwarded-Proto") == "https");
  CHECK(standard.field("X-Forwarded-Host") == "www.example.com");
  Rewritten other;
  other.snapshot.forwarded = {false, true};
  other.trusting("203.0.113.9").with("X-Forwarded-For", "192.0.2.7").with("X-Forwarded-Proto", "https").run();
  CHECK(other.field("Forwarded") ==
        "for=192.0.2.7;host=app.example.com;proto=https, for=203.0.113.9;host=app.example.com;proto=http");
}

TEST_CASE("rewrite: a field that says something else of the client than what counts goes no further") {
  Rewritten forged;  // the proxy sets X-Forwarded-For and passes on the client's Forwarded unchanged
  forged.trusting("203.0.113.9")
      .with("X-Forwarded-For", "192.0.2.7")
      .with("Forwarded", "for=127.0.0.1")
      .run();
  CHECK(forged.field("Forwarded") == "(none)");
  CHECK(forged.field("X-Forwarded-For") == "192.0.2.7, 203.0.113.9");
  Rewritten other;
  other.snapshot.forwarded = {true, true};
  other.trusting("203.0.113.9").with("X-Forwarded-For", "127.0.0.1").with("Forwarded", "for=192.0.2.7").run();
  CHECK(other.field("X-Forwarded-For") == "192.0.2.7, 203.0.113.9");
  CHECK(other.field("Forwarded").starts_with("for=192.0.2.7, for=203.0.113.9"));
}

TEST_CASE("rewrite: the memory that a request's lists take is in proportion to them") {
  Rewritten request;
  request.trusting("203.0.113.9");
  size_t bytes = 0;
  for (int i = 0; i < 1000; ++i) {
    request.with("X-Forwarded-For", "198.51.100.100");
    bytes += std::string_view("198.51.100.100, ").size();
  }
  const size_t before = allocated();
  request.run();
  CHECK(request.field("X-Forwarded-For").size() <= bytes + 32);
  CHECK(allocated() < before + 64 * bytes);  // 8 MB when each field copied the fields before it
}

TEST_CASE("rewrite: no twin of a field of ours passes, spelled as CGI and its kin read it") {
  Rewritten request;
  request.trusting("203.0.113.9");
  for (const char* name : {"X_Request_Id", "X-Request_Id", "x_request-id", "X_Forwarded_For",
                           "X-Forwarded_Proto", "X_Forwarded-Prefix", "X_Real_IP", "X.Forwarded.For",
                           "X-Forwarded.Proto", "X.Real.IP", "X.Request.Id"})
    request.with(name, "forged");
  request.run();
  for (const http::HeaderField& field : request.judged.head.headers) {
    CAPTURE(field.name);
    CHECK(field.value != "forged");
  }
}

TEST_CASE("rewrite: Max-Forwards of OPTIONS and TRACE is one less for whoever comes next") {
  const auto left = [](std::string_view method, std::string_view value) {
    Rewritten request(method);
    request.with("Max-Forwards", value).run();
    return request.field("max-forwards");
  };
  CHECK(left("OPTIONS", "5") == "4");
  CHECK(left("TRACE", "1") == "0");
  CHECK(left("GET", "5") == "5");
  CHECK(left("OPTIONS", "many") == "many");
}
