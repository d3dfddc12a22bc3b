#include "http/forwarded.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern;

namespace {

// Returns "client host proto|client host proto", with "-" for a missing address, or "! sentence" at the first
// error.
std::string read(std::string_view list) {
  std::string text;
  for (;;) {
    const auto next = http::next_forwarded(list);
    if (!next) return text + "! " + std::string(next.error());
    if (!*next) return text;
    if (!text.empty()) text += '|';
    const http::ForwardedElement& element = **next;
    text += element.client ? element.client->text() : element.names_client ? "-" : "";
    text.append(" ").append(element.host).append(" ").append(element.proto);
  }
}

}  // namespace

TEST_CASE("forwarded: elements and their pairs (RFC 7239 4)") {
  CHECK(read("for=192.0.2.43") == "192.0.2.43  ");
  CHECK(read("for=192.0.2.43, for=198.51.100.17") == "192.0.2.43  |198.51.100.17  ");
  CHECK(read("For=\"[2001:db8:cafe::17]:4711\"") == "2001:db8:cafe::17  ");
  CHECK(read("for=192.0.2.60;proto=http;by=203.0.113.43") == "192.0.2.60  http");
  CHECK(read("for=192.0.2.60;PROTO=https ; host=\"a.example:8443\"") == "192.0.2.60 a.example:8443 https");
  CHECK(read("host=a.example") == " a.example ");
  CHECK(read(" , ,for=1.2.3.4,, for=5.6.7.8 ,") == "1.2.3.4  |5.6.7.8  ");
  CHECK(read("").empty());
  CHECK(read("for=\"1.2.3.4:80\"") == "1.2.3.4  ");
  CHECK(read("for=\"\\1.2.3.4\"") == "1.2.3.4  ");
  CHECK(read("for=\"::1\"") == "::1  ");  // without brackets, as many proxies write it
}

TEST_CASE("forwarded: a node that is no address is none, and hides nothing else") {
  for (const char* node : {"unknown", "_hidden", "\"_gazonk:80\"", "\"[1.2.3.4]\"", "\"[::1\"", "\"[::1]x\"",
                           "\"\"", "1.2.3", "\"1.2.3.4, 5.6.7.8\""}) {
    CAPTURE(node);
    CHECK(read("for=" + std::string(node) + ";proto=https") == "-  https");
  }
}

TEST_CASE("forwarded: what is not well-formed is a mistake") {
  CHECK(read("for").starts_with("! an element of Forwarded has no name=value"));
  CHECK(read("=x").starts_with("! an element of Forwarded has no name=value"));
  CHECK(read("for=").starts_with("! an element of Forwarded has a value"));
  CHECK(read("for=\"1.2.3.4").starts_with("! an element of Forwarded has a value"));
  CHECK(read("for=\"1.2.3.4\\").starts_with("! an element of Forwarded has a value"));
  CHECK(read("for=::1").starts_with("! an element of Forwarded has a value"));
  CHECK(read("for=1.2.3.4;for=5.6.7.8").starts_with("! an element of Forwarded has a name twice"));
  CHECK(read("proto=a;Proto=b").starts_with("! an element of Forwarded has a name twice"));
  CHECK(read("for=1.2.3.4 for=5.6.7.8").starts_with("! an element of Forwarded goes on"));
  CHECK(read("for=1.2.3.4;").starts_with("! an element of Forwarded has no name=value"));
  CHECK(read("for=1.2.3.4, x").starts_with("1.2.3.4  ! an element"));
  CHECK(read(std::string(64 * 1024, ',')).empty());
  CHECK(read(std::string(64 * 1024 + 1, ',')) == "! the Forwarded field is too long");
}

TEST_CASE("forwarded: a hop is written so that it reads back") {
  const auto written = [](std::string_view address, std::string_view host, std::string_view proto) {
    return http::write_forwarded({*base::IpAddress::parse(address), host, proto});
  };
  CHECK(written("192.0.2.1", "a.example", "https") == "for=192.0.2.1;host=a.example;proto=https");
  CHECK(written("2001:db8::1", "a.example:8443", "http") ==
        "for=\"[2001:db8::1]\";host=\"a.example:8443\";proto=http");
  CHECK(written("192.0.2.1", "[::1]:80", "http") == "for=192.0.2.1;host=\"[::1]:80\";proto=http");
  CHECK(written("192.0.2.1", "", "") == "for=192.0.2.1");
  CHECK(read(written("2001:db8::1", "[::1]:80", "http")) == "2001:db8::1 [::1]:80 http");
}
