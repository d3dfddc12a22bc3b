#include "config/addresses.h"

#include <doctest/doctest.h>

using namespace postern::config;

namespace {

template <class T>
std::string better_of(const Parsed<T>& parsed) {
  REQUIRE_FALSE(parsed.has_value());
  CHECK_FALSE(parsed.error().rule.empty());
  return parsed.error().better;
}

void check_listen(std::string_view text, std::string_view host, int port) {
  CAPTURE(text);
  const auto address = parse_listen_address(text);
  REQUIRE(address.has_value());
  CHECK(address->host == host);
  CHECK(address->port == port);
}

}  // namespace

TEST_CASE("addresses: a listener takes every spelling of host and port") {
  check_listen(":443", "", 443);
  check_listen("127.0.0.1:80", "127.0.0.1", 80);
  check_listen("[::1]:80", "::1", 80);
  check_listen("[::]:0", "::", 0);
  check_listen("localhost:8080", "localhost", 8080);
}

TEST_CASE("addresses: a listener refuses what is half an address, and says what is meant") {
  CHECK(better_of(parse_listen_address("443")) == ":443");
  CHECK(better_of(parse_listen_address("*:443")) == ":443");
  CHECK(better_of(parse_listen_address("localhost")) == "localhost:443");
  CHECK(better_of(parse_listen_address("[::1]")) == "[::1]:443");
  CHECK(better_of(parse_listen_address("::1:80")) == "[::1]:80");
  CHECK(better_of(parse_listen_address("2001:db8::1")) == "[2001:db8::1]");
  for (const char* bad :
       {"", ":", ":65536", ":-1", ":0443", ":http", "[::1:80", "[::1]80", "[1.2.3.4]:80", "a b:80",
        "http://localhost:80", "1.2.3:80", "1.2.3.4:80:90", "-a:80", "256.1.1.1:80"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_listen_address(bad).has_value());
  }
}

TEST_CASE("addresses: endpoints have a scheme, a host and a port, given or by scheme") {
  const auto plain = parse_endpoint("http://127.0.0.1:3001");
  REQUIRE(plain.has_value());
  CHECK_FALSE(plain->tls);
  CHECK(plain->host == "127.0.0.1");
  CHECK(plain->port == 3001);
  CHECK(plain->text == "http://127.0.0.1:3001");
  const auto secure = parse_endpoint("wss://[2001:db8::1]");
  REQUIRE(secure.has_value());
  CHECK(secure->tls);
  CHECK(secure->host == "2001:db8::1");
  CHECK(secure->port == 443);
  CHECK(parse_endpoint("ws://my_service")->port == 80);
  const auto demo = parse_endpoint("demo:");
  REQUIRE(demo.has_value());
  CHECK(demo->demo);
}

TEST_CASE("addresses: an endpoint may be a Unix socket, by its path") {
  for (const std::string path : {"/run/app.sock", "run/app.sock", "./a", "a b?#%"}) {
    const auto local = parse_endpoint("unix:" + path);
    CAPTURE(path);
    REQUIRE(local.has_value());
    CHECK(local->unix_path == path);
    CHECK(local->text == "unix:" + path);
    CHECK(local->host.empty());
    CHECK_FALSE(local->tls);
  }
  CHECK(better_of(parse_endpoint("unix:")) == "unix:/run/app.sock");
  CHECK(better_of(parse_endpoint("unix:///run/a")) == "unix:/run/a");
  CHECK(better_of(parse_endpoint("unix://")) == "unix:/");
  CHECK(better_of(parse_endpoint("unix:@app")) == "unix:/run/app.sock");
  CHECK(better_of(parse_endpoint("unix:/run/a:/path")) == "unix:/run/a");
  CHECK_FALSE(parse_endpoint("unix:/run/").has_value());
  CHECK_FALSE(parse_endpoint("https+unix:/run/a").has_value());
}

TEST_CASE("addresses: an endpoint may be a service, whose records have the ports") {
  const auto service = parse_endpoint("srv+http://_http._tcp.api.internal");
  REQUIRE(service.has_value());
  CHECK(service->service);
  CHECK_FALSE(service->tls);
  CHECK(service->host == "_http._tcp.api.internal");
  CHECK(service->port == 0);
  CHECK(parse_endpoint("srv+https://_x._tcp.a")->tls);
  CHECK_FALSE(parse_endpoint("http://_http._tcp.a")->service);
  for (const char* bad : {"srv+http://_http._tcp.a:80", "srv+http://api.internal", "srv+http://127.0.0.1",
                          "srv+http://[::1]", "srv://_http._tcp.a", "srv+ws://_http._tcp.a", "srv+http://"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_endpoint(bad).has_value());
  }
}

TEST_CASE("addresses: a name server is an address, with a port or without") {
  const auto text_of = [](std::string_view text) { return parse_nameserver(text)->text(); };
  CHECK(text_of("10.0.0.53") == "10.0.0.53:53");
  CHECK(text_of("10.0.0.53:5353") == "10.0.0.53:5353");
  CHECK(text_of("::1") == "[::1]:53");
  CHECK(text_of("[::1]") == "[::1]:53");
  CHECK(text_of("[::1]:5353") == "[::1]:5353");
  for (const char* bad :
       {"", "ns.example", "10.0.0.53:0", "10.0.0.53:x", "10.0.0", "[::1]x", "udp://10.0.0.53"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_nameserver(bad).has_value());
  }
}

TEST_CASE("addresses: endpoints refuse paths, users and guesses") {
  CHECK(better_of(parse_endpoint("http://a/")) == "http://a");
  CHECK(better_of(parse_endpoint("https://a:1/x?y")) == "https://a:1");
  CHECK(better_of(parse_endpoint("localhost:3000")) == "http://localhost:3000");
  CHECK(better_of(parse_endpoint("HTTP://a")) == "http://a");
  for (const char* bad :
       {"", "http://", "http://u:p@h", "http://h:0", "http://h:99999", "ftp://h", "http://1.2.3",
        "http://0x7f.1", "http://010.0.0.1", "http://h?q", "http://h\\x", "http://[::1", "http://a..b",
        "http://a.b.", "http:/a", "demo:x", "http://::1:80"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_endpoint(bad).has_value());
  }
}

TEST_CASE("addresses: blocks come out in CIDR notation") {
  CHECK(parse_cidr("10.0.0.0/8") == "10.0.0.0/8");
  CHECK(parse_cidr("::1") == "::1/128");
  CHECK(parse_cidr("192.0.2.7") == "192.0.2.7/32");
  CHECK(parse_cidr("2001:DB8:0::/32") == "2001:db8::/32");
  CHECK(parse_cidr("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(better_of(parse_cidr("10.0.0.1/8")) == "10.0.0.0/8");
  CHECK(better_of(parse_cidr("2001:db8::1/33")) == "2001:db8::/33");
  for (const char* bad :
       {"", "/8", "10/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "::1/129", "host", "10.0.0.0/-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_cidr(bad).has_value());
  }
}

TEST_CASE("addresses: the host of a route is lower case and has no port") {
  CHECK(parse_route_host("app.example.com") == "app.example.com");
  CHECK(parse_route_host("*.example.com") == "*.example.com");
  CHECK(parse_route_host("[::1]") == "[::1]");
  CHECK(better_of(parse_route_host("App.example.com:80")) == "app.example.com");
  CHECK(better_of(parse_route_host("APP.example.com")) == "app.example.com");
  for (const char* bad : {"*", "a.*.com", "*a.com", "http://a", "a/b", "*.1.2.3.4", "a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_route_host(bad).has_value());
  }
}

TEST_CASE("addresses: a path of a match stands for itself with and without escapes that it does not need") {
  using Spellings = std::vector<std::string>;
  const auto spellings = [](std::string_view text) { return parse_matched_path(text).value_or(Spellings()); };
  CHECK(spellings("/c++") == Spellings{"/c++"});
  CHECK(spellings("/a%20b") == Spellings{"/a%20b"});
  CHECK(spellings("/%c3%a4") == Spellings{"/%C3%A4"});
  CHECK(spellings("/c%2B%2B") == Spellings{"/c++", "/c%2B%2B"});
  CHECK(spellings("/c%2b+/x") == Spellings{"/c++/x", "/c%2B+/x"});
  CHECK(spellings("/%61bc/%7Ejoe") == Spellings{"/abc/~joe", "/%61bc/%7Ejoe"});
  CHECK(spellings("/v1%2E0") == Spellings{"/v1.0", "/v1%2E0"});
  CHECK(spellings("/%40corp") == Spellings{"/@corp", "/%40corp"});
  CHECK(spellings("/100%25%41") == Spellings{"/100%25A", "/100%25%41"});
  for (const char* bad : {"/a%2Fb", "/a%5Cb", "/a%00", "/%2E%2E/b", "/a/%2e", "/a%2", "/%", "/a%zz", "c%2B",
                          "/s%3Bt", "/s%3b", "/p%252B", "/a%2541"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_matched_path(bad).has_value());
  }
}

TEST_CASE("addresses: the path of a route is its own normal form") {
  for (const char* good : {"/", "/ws", "/socket.io/", "/a/b.c/~d", "/a%20b", "/..."}) {
    CAPTURE(good);
    CHECK(parse_route_path(good) == good);
  }
  CHECK(better_of(parse_route_path("ws")) == "/ws");
  CHECK(better_of(parse_route_path("/api/*")) == "/api");
  CHECK(better_of(parse_route_path("/*")) == "/");
  for (const char* bad : {"", "/a//b", "//", "/./a", "/a/..", "/a/../b", "/a?b", "/a#b", "/a b", "/a%2fb",
                          "/a%2Fb", "/a%41", "/a%zz", "/a%2", "/a%00", "/a\\b", "/\xc3\xa4", "/a%5C"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_route_path(bad).has_value());
  }
}

TEST_CASE("addresses: origins are taken as browsers send them") {
  CHECK(parse_origin("https://app.example.com")->kind == OriginEntry::Kind::exact);
  CHECK(parse_origin("http://localhost:5173")->kind == OriginEntry::Kind::exact);
  CHECK(parse_origin("http://[::1]:3000")->kind == OriginEntry::Kind::exact);
  CHECK(parse_origin("capacitor://localhost")->kind == OriginEntry::Kind::exact);
  CHECK(parse_origin("https://*.example.com")->kind == OriginEntry::Kind::wildcard);
  CHECK(parse_origin("https://*.example.com:8443")->kind == OriginEntry::Kind::wildcard);
  CHECK(parse_origin("null")->kind == OriginEntry::Kind::null);
}

TEST_CASE("addresses: origins in another spelling are told the right one") {
  CHECK(better_of(parse_origin("dashboard-prod.example.io")) == "https://dashboard-prod.example.io");
  CHECK(better_of(parse_origin("https://a.com/")) == "https://a.com");
  CHECK(better_of(parse_origin("https://a.com/path")) == "https://a.com");
  CHECK(better_of(parse_origin("https://A.com")) == "https://a.com");
  CHECK(better_of(parse_origin("HTTPS://a.com")) == "https://a.com");
  CHECK(better_of(parse_origin("https://a.com:443")) == "https://a.com");
  CHECK(better_of(parse_origin("https://A.com:443/")) == "https://a.com");
  for (const char* bad :
       {"*", "", "https://", "https://*", "https://a.*.com", "https://*a.com", "https://u@a.com",
        "https://*.1.2.3.4", "https://a.com:0", "://a.com", "https://a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_origin(bad).has_value());
  }
}

TEST_CASE("addresses: an origin in Unicode, or with an address in any spelling, becomes what browsers send") {
  const std::pair<const char*, const char*> spellings[] = {
      {"https://münchen.example", "https://xn--mnchen-3ya.example"},
      {"https://MÜNCHEN.example:8443", "https://xn--mnchen-3ya.example:8443"},
      {"https://mu\u0308nchen.example", "https://xn--mnchen-3ya.example"},
      {"https://*.münchen.example", "https://*.xn--mnchen-3ya.example"},
      {"https://straße.example", "https://xn--strae-oqa.example"},
      {"https://日本語。jp", "https://xn--wgv71a119e.jp"},
      {"http://[2001:db8:0:0::1]:3000", "http://[2001:db8::1]:3000"},
      {"http://[::ffff:192.0.2.1]", "http://[::ffff:c000:201]"},
  };
  for (const auto& [written, expected] : spellings) {
    const std::string shown(written);  // a binding cannot be captured
    CAPTURE(shown);
    const auto origin = parse_origin(written);
    REQUIRE(origin.has_value());
    CHECK(origin->text == expected);
  }
  CHECK(better_of(parse_origin("https://münchen.example/")) == "https://xn--mnchen-3ya.example");
  for (const char* bad : {"https://a\u200bb\u2065.example", "https://-ü.example", "https://u@münchen.example",
                          "https://ü:99999", "https://\xff.example"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_origin(bad).has_value());
  }
  const auto unassigned = parse_origin("https://\u2065.example");
  REQUIRE_FALSE(unassigned.has_value());
  CHECK(unassigned.error().rule.starts_with("has a name that cannot be converted to what browsers send ("));
}

TEST_CASE("addresses: an origin with a dot at its end, or of a socket, is told the right one") {
  CHECK(better_of(parse_origin("https://a.com.")) == "https://a.com");
  CHECK(better_of(parse_origin("https://a.com.:8443")) == "https://a.com:8443");
  CHECK(better_of(parse_origin("wss://a.com")) == "https://a.com");
  CHECK(better_of(parse_origin("ws://localhost:3000/socket")) == "http://localhost:3000");
}

TEST_CASE("addresses: loopback is 127/8, ::1 and localhost") {
  for (const char* good : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) CHECK(is_loopback(good));
  for (const char* bad : {"", "0.0.0.0", "::", "10.0.0.1", "example.com"}) CHECK_FALSE(is_loopback(bad));
}
