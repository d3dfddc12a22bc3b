#include "proxy/client_identity.h"

#include <doctest/doctest.h>

using namespace postern;

namespace {

// A request that came over a trusted proxy, 203.0.113.9; more of them have addresses in 10.0.0.0/8.
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
  // "address scheme authority"
  std::string told() {
    const proxy::ClientIdentity client = proxy::identify(snapshot, facts, head);
    CHECK(client.address.text() == client.address_text);
    return client.address_text + (client.tls ? " https " : " http ") + std::string(client.authority);
  }

  proxy::Snapshot snapshot;
  http::ClientFacts facts;
  http::RequestHead head;
};

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
