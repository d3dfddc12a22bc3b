#include "http/url.h"

#include <doctest/doctest.h>

#include <string>

using postern::http::read_url;
using postern::http::Url;

TEST_CASE("url: is split into what a connection and a request need") {
  const auto url = read_url("https://Login.Example.com/realms/a/certs?x=1");
  REQUIRE(url.has_value());
  CHECK(url->tls);
  CHECK(url->host == "login.example.com");
  CHECK(url->port == 443);
  CHECK(url->authority == "login.example.com");
  CHECK(url->target == "/realms/a/certs?x=1");
  CHECK(url->text() == "https://login.example.com/realms/a/certs?x=1");
}

TEST_CASE("url: ports, addresses and missing paths") {
  struct Row {
    const char* text;
    bool tls;
    const char* host;
    uint16_t port;
    const char* authority;
    const char* target;
  };
  for (const Row& row :
       {Row{"http://localhost:8080/keys", false, "localhost", 8080, "localhost:8080", "/keys"},
        Row{"HTTPS://a", true, "a", 443, "a", "/"}, Row{"http://a", false, "a", 80, "a", "/"},
        Row{"https://a?kid=1", true, "a", 443, "a", "/?kid=1"},
        Row{"https://[2001:DB8::1]:8443/", true, "2001:db8::1", 8443, "[2001:db8::1]:8443", "/"},
        Row{"https://10.0.0.1/", true, "10.0.0.1", 443, "10.0.0.1", "/"}}) {
    CAPTURE(row.text);
    const auto url = read_url(row.text);
    REQUIRE(url.has_value());
    CHECK(url->tls == row.tls);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
    CHECK(url->authority == row.authority);
    CHECK(url->target == row.target);
  }
}

TEST_CASE("url: what is none is refused with the reason") {
  struct Row {
    std::string text;
    const char* why;
  };
  for (const Row& row :
       {Row{"", "does not begin with https://"}, Row{"ftp://a/", "does not begin with https://"},
        Row{"a.example.com/keys", "does not begin with https://"}, Row{"https://", "has no valid host"},
        Row{"https:///keys", "has no valid host"}, Row{"https://a:0/", "has no valid port"},
        Row{"https://a:x/", "has no valid host"}, Row{"https://a:70000/", "has no valid host"},
        Row{"https://a@b/", "holds a user"}, Row{"https://a b/", "has no valid host"},
        Row{"https://a/#x", "has a fragment"}, Row{"https://a#x", "has a fragment"},
        Row{"https://a/b c", "has characters that must be percent-encoded"},
        Row{"https://a/\r\nX: y", "has characters that must be percent-encoded"},
        Row{"https://a/\xc3\xa4", "has characters that must be percent-encoded"},
        Row{"https://a/" + std::string(2048, 'a'), "is longer than 2048 bytes"}}) {
    CAPTURE(row.text);
    const auto url = read_url(row.text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error() == row.why);
  }
}
