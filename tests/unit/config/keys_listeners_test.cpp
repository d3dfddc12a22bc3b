#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

std::string with(const std::string& listeners) {
  return "listeners: " + listeners + "\nroutes: [{ upstream: \"http://127.0.0.1:1\" }]\n";
}

std::string said(const std::string& listeners) { return said_of(with(listeners)); }

}  // namespace

TEST_CASE("listener: one certificate and several decode to the same list") {
  const auto loaded = load(
      with("[{ address: \":443\", tls: { certificate: site.pem, key: site.key, min_version: \"1.3\" } },\n"
           " { address: \"[::1]:8443\", tls: { certificates: [{ certificate: a.pem, key: a.key },\n"
           "   { certificate: b.pem, key: b.key }], ciphers: \"ECDHE+AESGCM:!aNULL\" } },\n"
           " { address: \":80\", redirect: https }]"));
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->listeners.size() == 3);
  const ListenerDocument& first = loaded->listeners[0];
  CHECK(first.host.empty());
  CHECK(first.port == 443);
  CHECK(first.address_location == SourceLocation{1, 24});
  REQUIRE(first.tls.has_value());
  REQUIRE(first.tls->certificates.size() == 1);
  CHECK(first.tls->certificates[0].certificate == "site.pem");
  CHECK(first.tls->certificates[0].key == "site.key");
  CHECK(first.tls->certificates[0].location == SourceLocation{1, 52});
  CHECK(first.tls->tls1_3_only);
  const ListenerDocument& second = loaded->listeners[1];
  CHECK(second.host == "::1");
  REQUIRE(second.tls->certificates.size() == 2);
  CHECK(second.tls->certificates[1].certificate == "b.pem");
  CHECK(second.tls->certificates[1].location == SourceLocation{3, 19});
  CHECK(second.tls->ciphers == "ECDHE+AESGCM:!aNULL");
  CHECK_FALSE(second.tls->tls1_3_only);
  CHECK(loaded->listeners[2].redirect_to_https);
}

TEST_CASE("listener: a redirect to https may leave paths out") {
  const std::string tls = "[{ address: \":443\", tls: { certificate: a, key: b } }, ";
  const auto loaded =
      load("listeners: " + tls +
           "{ address: \":80\", redirect: { to: https, except: [/.well-known/acme-challenge, /x/] } "
           "}]\nroutes: [{ upstream: \"http://a\" }]\n");
  REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
  CHECK(loaded->listeners[1].redirect_to_https);
  CHECK(loaded->listeners[1].redirect_except ==
        std::vector<std::string>{"/.well-known/acme-challenge", "/x/"});
  CHECK(said(tls + "{ address: \":80\", redirect: { except: [/x] } }]").find("redirect.to: is missing") !=
        std::string::npos);
  CHECK(said(tls + "{ address: \":80\", redirect: { to: http } }]").find("\"http\" is not https") !=
        std::string::npos);
  CHECK(said(tls + "{ address: \":80\", redirect: { to: https, except: [/] } }]").find("is every path") !=
        std::string::npos);
  CHECK(said(tls + "{ address: \":80\", redirect: { to: https, except: [x] } }]").find("write \"/x\"") !=
        std::string::npos);
}

TEST_CASE("listener: tls needs a certificate and its key, said one way") {
  CHECK(said("[{ address: \":443\", tls: { certificate: a.pem } }]") ==
        "f:1:37 listeners[0].tls.key: is missing\n");
  CHECK(said("[{ address: \":443\", tls: { key: a.pem } }]") ==
        "f:1:37 listeners[0].tls.certificate: is missing\n");
  CHECK(said("[{ address: \":443\", tls: { certificates: [] } }]") ==
        "f:1:53 listeners[0].tls.certificates: is empty; a TLS listener needs a certificate\n");
  CHECK(said("[{ address: \":443\", tls: { certificates: [{ certificate: a }] } }]") ==
        "f:1:54 listeners[0].tls.certificates[0].key: is missing\n");
  CHECK(
      said("[{ address: \":443\", tls: { key: k, certificates: [{ certificate: a, key: b }] } }]") ==
      "f:1:37 listeners[0].tls: has both certificates and certificate or key; move all into certificates\n");
}

TEST_CASE("listener: versions, ciphers and redirects are checked") {
  const std::string tls = "[{ address: \":443\", tls: { certificate: a, key: b, ";
  CHECK(said(tls + "min_version: \"1.1\" } }]")
            .starts_with("f:1:76 listeners[0].tls.min_version: \"1.1\" is not 1.2 or 1.3"));
  CHECK(said(tls + "ciphers: \"a;b\" } }]") ==
        "f:1:72 listeners[0].tls.ciphers: \"a;b\" is not an OpenSSL cipher list\n");
  CHECK(said(tls + "min_version: 1.3, ciphers: x } }]")
            .starts_with("f:1:90 warning: listeners[0].tls.ciphers: has no effect"));
  CHECK(said(tls + "}, redirect: https }]")
            .starts_with("f:1:76 listeners[0].redirect: stands on a TLS listener"));
  CHECK(said("[{ address: \":80\", redirect: http }]")
            .starts_with("f:1:41 listeners[0].redirect: \"http\" is not https"));
}

TEST_CASE("listener: proxy_protocol has a trust list and a time limit") {
  const auto loaded = load(with(
      "[{ address: \":80\", proxy_protocol: { trust: [10.0.0.0/8, \"::1\"] } },\n"
      " { address: \":81\", proxy_protocol: { trust: [192.0.2.7], timeout: 2s } }, { address: \":82\" }]"));
  REQUIRE(loaded.has_value());
  const auto& first = loaded->listeners[0].proxy_protocol;
  REQUIRE(first.has_value());
  CHECK(first->trust.contains(*postern::base::IpAddress::parse("10.1.2.3")));
  CHECK(first->trust.contains(*postern::base::IpAddress::parse("::1")));
  CHECK_FALSE(first->trust.contains(*postern::base::IpAddress::parse("11.0.0.1")));
  CHECK(first->timeout == Milliseconds(5000));
  CHECK(loaded->listeners[1].proxy_protocol->timeout == Milliseconds(2000));
  CHECK_FALSE(loaded->listeners[2].proxy_protocol.has_value());
  const std::string start = "[{ address: \":80\", proxy_protocol: ";
  CHECK(said(start + "{} }]") == "f:1:47 listeners[0].proxy_protocol.trust: is missing\n");
  CHECK(said(start + "true }]") == "f:1:47 listeners[0].proxy_protocol: must be a map (trust, timeout)\n");
  CHECK(said(start + "{ trust: [] } }]") ==
        "f:1:56 listeners[0].proxy_protocol.trust: is empty; nobody could send a header\n");
  CHECK(said(start + "{ trust: [10.0.0.1/8] } }]")
            .starts_with("f:1:57 listeners[0].proxy_protocol.trust[0]: \"10.0.0.1/8\" has bits set"));
  CHECK(said(start + "{ trust: [\"0.0.0.0/0\"] } }]")
            .starts_with("f:1:57 warning: listeners[0].proxy_protocol.trust[0]: trusts every client"));
  CHECK(said(start + "{ trust: [10.0.0.1], timeout: 61s } }]")
            .starts_with("f:1:77 listeners[0].proxy_protocol.timeout: \"61s\" is out of range"));
}

TEST_CASE("listener: the list and its addresses must be there") {
  CHECK(said("[]") == "f:1:12 listeners: is empty; nobody could connect\n");
  CHECK(said("[{}]") == "f:1:13 listeners[0].address: is missing\n");
  CHECK(said("[{ adress: \":1\" }]") ==
        "f:1:15 listeners[0].adress: unknown key \"adress\"; did you mean \"address\"?\n");
  CHECK(said("[\":443\"]") == "f:1:13 listeners[0]: must be a map; write { address: \":443\" }\n");
  CHECK(said("[{ address: 443 }]") ==
        "f:1:24 listeners[0].address: \"443\" is a port alone; write \":443\"\n");
  CHECK(said_of("routes: [{ upstream: \"http://a\" }]\n") == "f:1:1 listeners: is missing\n");
}
