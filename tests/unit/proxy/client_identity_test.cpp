#include "proxy/client_identity.h"

#include <doctest/doctest.h>

using namespace postern;

namespace {

// A request that came through the trusted proxy 203.0.113.9; further trusted proxies have addresses in
// 10.0.0.0/8.
struct Proxied {
  explicit Proxied(bool standard_first) {
    REQUIRE(snapshot.trusted_proxies.add("203.0.113.9"));
    REQUIRE(snapshot.trusted_proxies.add("10.0.0.0/8"));
    snapshot.forwarded.standard = standard_first;
    facts.peer = {*base::IpAddress::parse("203.0.113.9"), 40000};
    facts.peer_text = "203.0.113.9";
    head.authority = "inner.example";
  }
  Proxied& with(std::string_view name, std::string_view value) {
    head.headers.add(name, value);
    return *this;
  }
  // Returns "address scheme authority".
  std::string told() {
    const proxy::ClientIdentity client = proxy::identify(snapshot, facts, head);
    CHECK(client.address.text() == client.address_text);
    return client.address_text + (client.tls ? " https " : " http ") + std::string(client.authority);
  }

  proxy::ClientIdentity identity() { return proxy::identify(snapshot, facts, head); }

  proxy::Snapshot snapshot;
  http::ClientFacts facts;
  http::RequestHead head;
};

std::string told_for(std::string_view forwarded_for) {
  return Proxied(false).with("X-Forwarded-For", forwarded_for).told();
}
std::string scheme_told(std::string_view proto, std::string_view forwarded_for = "192.0.2.8") {
  return Proxied(false)
      .with("X-Forwarded-For", forwarded_for)
      .with("X-Forwarded-Proto", proto)
      .told()
      .substr(forwarded_for == "192.0.2.8" ? 10 : 0);
}

}  // namespace

TEST_CASE("client identity: Forwarded is read where it is all there is") {
  CHECK(Proxied(false).with("Forwarded", "for=192.0.2.7;proto=https;host=app.example").told() ==
        "192.0.2.7 https app.example");
  CHECK(Proxied(true).with("X-Forwarded-For", "192.0.2.8").with("X-Forwarded-Proto", "https").told() ==
        "192.0.2.8 https inner.example");
  CHECK(Proxied(true).told() == "203.0.113.9 http inner.example");
}

TEST_CASE("client identity: of two that differ the configured kind counts") {
  const auto both = [](bool standard_first) {
    return Proxied(standard_first)
        .with("X-Forwarded-For", "192.0.2.8")
        .with("X-Forwarded-Host", "x.example")
        .with("Forwarded", "for=192.0.2.7;proto=https;host=f.example")
        .told();
  };
  CHECK(both(false) == "192.0.2.8 http x.example");
  CHECK(both(true) == "192.0.2.7 https f.example");
}

TEST_CASE("client identity: what stands before the last untrusted address can be forged") {
  CHECK(Proxied(true)
            .with("Forwarded", "for=6.6.6.6;proto=https;host=evil.example")
            .with("forwarded", "for=192.0.2.7;proto=http;host=app.example, for=10.0.0.3;proto=https")
            .told() == "192.0.2.7 http app.example");
  CHECK(Proxied(true).with("Forwarded", "for=6.6.6.6, for=unknown").told() ==
        "203.0.113.9 http inner.example");
  CHECK(Proxied(true).with("Forwarded", "for=10.0.0.4;proto=https, for=10.0.0.3;proto=http").told() ==
        "10.0.0.4 https inner.example");
  CHECK(Proxied(true).with("Forwarded", "for=\"[2001:db8::1]:80\"").told() ==
        "2001:db8::1 http inner.example");
}

TEST_CASE("client identity: a Forwarded that is not well-formed says nothing") {
  CHECK(Proxied(true).with("Forwarded", "for=192.0.2.7, x").told() == "203.0.113.9 http inner.example");
  CHECK(Proxied(true).with("Forwarded", "for=").with("X-Forwarded-For", "192.0.2.8").told() ==
        "192.0.2.8 http inner.example");
  CHECK(Proxied(true).with("Forwarded", "for=192.0.2.7;host=\"a b\"").told() ==
        "192.0.2.7 http inner.example");
}

TEST_CASE("client identity: a stranger's word counts for nothing") {
  Proxied stranger(true);
  stranger.facts.peer.ip = *base::IpAddress::parse("198.51.100.1");
  stranger.facts.peer_text = "198.51.100.1";
  CHECK(stranger.with("Forwarded", "for=127.0.0.1;proto=https;host=x")
            .with("X-Forwarded-For", "127.0.0.1")
            .told() == "198.51.100.1 http inner.example");
}

TEST_CASE("client identity: an address may have a port, brackets and quotes") {
  CHECK(told_for("203.0.113.77:51234") == "203.0.113.77 http inner.example");
  CHECK(told_for("[2001:db8::1]:443") == "2001:db8::1 http inner.example");
  CHECK(told_for("\"[2001:db8::1]\"") == "2001:db8::1 http inner.example");
  CHECK(told_for("[2001:db8::1]") == "2001:db8::1 http inner.example");
  CHECK(told_for("2001:db8::1") == "2001:db8::1 http inner.example");
  CHECK(told_for("\"192.0.2.8:80\"") == "192.0.2.8 http inner.example");
  CHECK(told_for("192.0.2.8:_obscured") == "192.0.2.8 http inner.example");
  CHECK(told_for("::ffff:192.0.2.8") == "192.0.2.8 http inner.example");
  Proxied with_port(false);
  CHECK(with_port.with("X-Forwarded-For", "192.0.2.8:51234").identity().port == 51234);
}

TEST_CASE("client identity: what is no address hides whoever stands before it") {
  for (const char* text : {"unknown", "_hidden", "6.6.6.6, unknown", "6.6.6.6, _x", "6.6.6.6, 192.0.2.8:x",
                           "6.6.6.6, 192.0.2.8:99999", "6.6.6.6, [192.0.2.8]", "6.6.6.6, [2001:db8::1",
                           "6.6.6.6, \"", "6.6.6.6, [2001:db8::1]x"}) {
    CAPTURE(text);
    CHECK(told_for(text) == "203.0.113.9 http inner.example");
  }
  CHECK(told_for("6.6.6.6, unknown, 10.0.0.4, 10.0.0.3") == "10.0.0.4 http inner.example");
}

TEST_CASE("client identity: fields that come twice are one list, and empty elements count for nothing") {
  CHECK(Proxied(false)
            .with("X-Forwarded-For", "6.6.6.6, , 192.0.2.8")
            .with("X-Forwarded-For", ",10.0.0.4 ,")
            .with("X-Forwarded-Proto", "http")
            .with("X-Forwarded-Proto", "https, http")
            .told() == "192.0.2.8 https inner.example");
  CHECK(told_for(" , ,") == "203.0.113.9 http inner.example");
}

TEST_CASE("client identity: each list is read at the client's place") {
  CHECK(scheme_told("https,https") == "https inner.example");
  CHECK(scheme_told("https, http") == "http inner.example");  // the first one may be the client's own
  CHECK(scheme_told("https,http", "192.0.2.8, 10.0.0.4") == "192.0.2.8 https inner.example");
  CHECK(scheme_told("http,https,http", "6.6.6.6, 192.0.2.8, 10.0.0.4") == "192.0.2.8 https inner.example");
  // Reported by the first proxy.
  CHECK(scheme_told("https", "192.0.2.8, 10.0.0.4") == "192.0.2.8 https inner.example");
  CHECK(scheme_told("https,http", "10.0.0.5, 10.0.0.4") == "10.0.0.5 https inner.example");
  CHECK(Proxied(false)
            .with("X-Forwarded-For", "192.0.2.8, 10.0.0.4")
            .with("X-Forwarded-Host", "evil.example, app.example, inner.example")
            .told() == "192.0.2.8 http app.example");
}

TEST_CASE("client identity: a WebSocket's scheme is that of its page") {
  CHECK(scheme_told("wss") == "https inner.example");
  CHECK(scheme_told("WSS") == "https inner.example");
  CHECK(scheme_told("\"https\"") == "https inner.example");
  CHECK(scheme_told("ws") == "http inner.example");
  CHECK(scheme_told("h2") == "http inner.example");  // not a scheme: the connection's scheme counts
  Proxied encrypted(false);
  encrypted.facts.tls = true;
  CHECK(encrypted.with("X-Forwarded-Proto", "ws").told() == "203.0.113.9 http inner.example");
  CHECK(Proxied(true).with("Forwarded", "proto=wss").told() == "203.0.113.9 https inner.example");
}

TEST_CASE("client identity: the port of the host is told beside it, or is that of the scheme") {
  const auto port = [](std::string_view host, std::string_view proto, std::string_view said) {
    Proxied request(false);
    request.facts.listener_port = 8080;
    request.with("X-Forwarded-Host", host).with("X-Forwarded-Proto", proto).with("X-Forwarded-Port", said);
    const proxy::ClientIdentity client = request.identity();
    return std::string(client.authority) + " " + std::string(client.host_port);
  };
  CHECK(port("app.example", "https", "") == "app.example 443");
  CHECK(port("app.example", "https", "443") == "app.example 443");
  CHECK(port("app.example", "https", "8443") == "app.example:8443 8443");
  CHECK(port("app.example:8443", "https", "443") == "app.example:8443 8443");
  CHECK(port("app.example", "https", "80") == "app.example 443");  // the port of the proxy itself
  CHECK(port("app.example", "http", "443") == "app.example 80");
  CHECK(port("[2001:db8::1]", "http", "8080,8080") == "[2001:db8::1]:8080 8080");
  CHECK(port("app.example", "https", "0") == "app.example 443");
  CHECK(port("app.example", "https", "70000") == "app.example 443");
  Proxied without_host(false);
  without_host.facts.listener_port = 8080;
  without_host.head.authority = {};
  CHECK(without_host.identity().host_port == "8080");
}

TEST_CASE("client identity: prefixes that were taken away in front are joined, and none leads elsewhere") {
  const auto prefix = [](std::string_view first, std::string_view second = {}) {
    Proxied request(false);
    request.with("X-Forwarded-Prefix", first);
    if (!second.empty()) request.with("X-Forwarded-Prefix", second);
    return std::string(request.identity().prefix);
  };
  CHECK(prefix("/outer") == "/outer");
  CHECK(prefix("/outer/") == "/outer");
  CHECK(prefix("/a, /b", "/c") == "/a/b/c");
  CHECK(prefix("/") == "");
  for (const char* text : {"//evil.example", "/a//evil.example", "/\\evil.example", "https://evil.example",
                           "a", "/a/../b", "/a?b", "/a#b", "/%2e%2e", "/a b", "/a, x"}) {
    CAPTURE(text);
    CHECK(prefix(text).empty());
  }
  Proxied stranger(false);
  stranger.facts.peer.ip = *base::IpAddress::parse("198.51.100.1");
  CHECK(stranger.with("X-Forwarded-Prefix", "/outer").identity().prefix.empty());
}

TEST_CASE("client identity: the kind that was not believed is known to contradict") {
  const auto contradicts = [](std::string_view other) {
    return Proxied(false)
        .with("X-Forwarded-For", "192.0.2.8")
        .with("X-Forwarded-Proto", "https")
        .with("X-Forwarded-Host", "app.example")
        .with("Forwarded", other)
        .identity()
        .contradicted;
  };
  CHECK_FALSE(contradicts("for=192.0.2.8"));
  CHECK_FALSE(contradicts("for=192.0.2.8;proto=https;host=app.example"));
  CHECK(contradicts("for=127.0.0.1"));
  CHECK(contradicts("for=192.0.2.8;proto=http"));
  CHECK(contradicts("for=192.0.2.8;host=admin.example"));
}
