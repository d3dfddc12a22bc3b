#include "net/proxy_protocol.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/feed_every_way.h"

using namespace postern;
using namespace postern::net;
using State = ProxyHeaderParser::State;

namespace {

base::SocketAddress at(std::string_view ip, uint16_t port) {
  return {base::IpAddress::parse(ip).value(), port};
}

struct Reading {
  State state = State::reading;
  std::optional<ProxyRoute> route;
  std::string fault;
  bool over_tls = false;
  std::string rest;  // what the parser did not consume
};

Reading read_header(const std::vector<std::string_view>& pieces) {
  ProxyHeaderParser parser;
  Reading reading;
  for (const std::string_view piece : pieces) {
    const size_t used = parser.feed(base::bytes_of(piece));
    reading.rest += piece.substr(used);
  }
  reading.state = parser.state();
  reading.route = parser.route();
  reading.fault = parser.fault();
  reading.over_tls = parser.over_tls();
  return reading;
}

void reads(const std::string& header, const std::optional<ProxyRoute>& route) {
  CAPTURE(header);
  support::feed_every_way(header + "GET / HTTP/1.1\r\n", read_header, [&](const Reading& reading) {
    CHECK(reading.state == State::complete);
    CHECK(reading.route == route);
    CHECK(reading.rest == "GET / HTTP/1.1\r\n");
  });
}

void refuses(const std::string& header, std::string_view why) {
  CAPTURE(header);
  support::feed_every_way(header, read_header, [&](const Reading& reading) {
    CHECK(reading.state == State::invalid);
    CHECK_FALSE(reading.route.has_value());
    CHECK(reading.fault.find(why) != std::string::npos);
  });
}

// A v2 header, with the bytes that follow its length field.
std::string v2(char command, char family, const std::string& behind, size_t length) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += command;
  header += family;
  header += static_cast<char>(length >> 8);
  header += static_cast<char>(length & 0xff);
  return header + behind;
}
std::string v2(char command, char family, const std::string& behind) {
  return v2(command, family, behind, behind.size());
}

const std::string four("\xc0\x00\x02\x01\x0a\x00\x00\x01\xdc\x04\x01\xbb", 12);
const ProxyRoute route_of_four{at("192.0.2.1", 56324), at("10.0.0.1", 443)};

}  // namespace

TEST_CASE("proxy protocol: a v1 header names both ends, of either family") {
  reads("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", route_of_four);
  reads("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        ProxyRoute{at("255.255.255.255", 65535), at("255.255.255.255", 65535)});
  reads("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", ProxyRoute{at("0.0.0.0", 0), at("0.0.0.0", 0)});
  reads("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", ProxyRoute{at("2001:db8::1", 1), at("::1", 2)});
  reads("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", ProxyRoute{at("192.0.2.1", 1), at("::1", 2)});
}

TEST_CASE("proxy protocol: v1 UNKNOWN names nobody, whatever stands behind it") {
  reads("PROXY UNKNOWN\r\n", std::nullopt);
  reads("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", std::nullopt);
}

TEST_CASE("proxy protocol: a v1 header has 107 bytes at most") {
  const std::string start = "PROXY UNKNOWN ";
  reads(start + std::string(107 - start.size() - 2, 'x') + "\r\n", std::nullopt);
  refuses(start + std::string(108 - start.size() - 2, 'x') + "\r\n", "longer than 107");
}

TEST_CASE("proxy protocol: a v1 header that two readers could read differently is refused") {
  for (const std::string line :
       {"TCP4 192.0.2.1 10.0.0.1 56324", "TCP4 192.0.2.1 10.0.0.1 56324 443 ", "TCP4  192.0.2.1 10.0.0.1 1 2",
        "TCP4 192.0.2.1 10.0.0.1 1 2 3", "TCP4 192.0.2.1\t10.0.0.1 1 2", "TCP4 192.0.2.01 10.0.0.1 1 2",
        "TCP4 192.0.2 10.0.0.1 1 2", "TCP4 a.example 10.0.0.1 1 2", "TCP4 192.0.2.1 10.0.0.1 01 2",
        "TCP4 192.0.2.1 10.0.0.1 +1 2", "TCP4 192.0.2.1 10.0.0.1 1 65536", "TCP4 192.0.2.1 10.0.0.1 -1 2",
        "TCP4 ::1 ::1 1 2", "TCP6 192.0.2.1 10.0.0.1 1 2", "TCP6 [::1] ::1 1 2", "TCP6 fe80::1%lo ::1 1 2",
        "TCP4", "TCP4 "})
    refuses("PROXY " + line + "\r\n", "two addresses");
  for (const std::string line : {"TCP5 192.0.2.1 10.0.0.1 1 2", "tcp4 192.0.2.1 10.0.0.1 1 2", "UNKNOWNX", "",
                                 " TCP4 192.0.2.1 10.0.0.1 1 2", "UDP4 192.0.2.1 10.0.0.1 1 2"})
    refuses("PROXY " + line + "\r\n", "TCP4, TCP6 or UNKNOWN");
  refuses("PROXY UNKNOWN\n", "CR and LF");
  refuses("PROXY UNKNOWN\rx", "CR and LF");
  refuses("PROXY UNKNOWN\r\r\n", "CR and LF");
}

TEST_CASE("proxy protocol: what begins with no header is refused at its first wrong byte") {
  for (const std::string text : {"GET / HTTP/1.1\r\n", "proxy TCP4", "PROXX", "PROXY\t",
                                 "POST / HTTP/1.1\r\n", "\x16\x03\x01", "\r\n\r\nX", "\n", "\r\n\r\n\x01"})
    refuses(text, "begins with no PROXY protocol header");
}

TEST_CASE("proxy protocol: a v2 header names both ends, of either family") {
  reads(v2('\x21', '\x11', four), route_of_four);
  std::string six;
  six += std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  six += std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01", 16);
  six += std::string("\0\x01\xff\xff", 4);
  reads(v2('\x21', '\x21', six), ProxyRoute{at("2001:db8::1", 1), at("10.0.0.1", 65535)});
}

TEST_CASE("proxy protocol: v2 TLVs are passed over, up to the limit of the whole header") {
  reads(v2('\x21', '\x11', four + std::string("\x04\x00\x03xyz", 6)), route_of_four);
  reads(v2('\x21', '\x11', four + std::string(4096 - 16 - 12, 'x')), route_of_four);
  refuses(v2('\x21', '\x11', four + std::string(4097 - 16 - 12, 'x')), "longer than 4096");
  reads(v2('\x20', '\x00', std::string(4096 - 16, 'x')), std::nullopt);
  refuses(v2('\x20', '\x00', std::string(4097 - 16, 'x')), "longer than 4096");
}

TEST_CASE("proxy protocol: a v2 header says that the client spoke TLS, by PP2_TYPE_SSL alone and whole") {
  const auto ssl = [](char flags, const std::string& more = {}) {
    const std::string value = std::string(1, flags) + std::string(4, '\0') + more;
    return std::string("\x20\0", 2) + static_cast<char>(value.size()) + value;
  };
  const std::string other("\x04\x00\x03\x20\x00\x05", 6);  // a NOOP whose value looks like the type
  const std::string none("\x04\x00\x00", 3);
  const std::string version("\x21\x00\x07TLSv1.3", 10);
  const std::string unix(216, '\x20');
  struct Case {
    char family;
    std::string behind;
    bool over_tls;
  };
  const std::string six(36, '\x20');
  for (const Case& one : std::vector<Case>{{'\x11', four + ssl(1), true},
                                           {'\x11', four + ssl(7, version), true},
                                           {'\x11', four + other + none + ssl(1, version) + none, true},
                                           {'\x21', six + ssl(1), true},
                                           {'\x31', unix + ssl(1), true},
                                           {'\x31', unix, false},
                                           {'\x11', four + ssl(6), false},
                                           {'\x11', four + ssl(0, version), false},
                                           {'\x11', four + ssl(1).substr(0, 7), false},
                                           {'\x11', four + std::string("\x20\x00\x01\x01", 4), false},
                                           {'\x11', four + std::string("\x20\x00\x00", 3), false},
                                           {'\x11', four + std::string("\x20", 1), false},
                                           {'\x11', four + other, false},
                                           {'\x11', four + std::string("\x04\x00\x09", 3) + ssl(1), false},
                                           {'\x00', ssl(1), false}}) {
    CAPTURE(one.behind);
    support::feed_every_way(v2('\x21', one.family, one.behind) + "GET", read_header,
                            [&](const Reading& reading) {
                              CHECK(reading.state == State::complete);
                              CHECK(reading.over_tls == one.over_tls);
                              CHECK(reading.rest == "GET");
                            });
  }
  support::feed_every_way(v2('\x20', '\x11', four + ssl(1)), read_header,
                          [](const Reading& reading) { CHECK_FALSE(reading.over_tls); });
}

TEST_CASE("proxy protocol: v2 LOCAL, unspecified and Unix addresses name nobody") {
  reads(v2('\x20', '\x00', ""), std::nullopt);
  reads(v2('\x20', '\x11', four), std::nullopt);
  reads(v2('\x20', '\x77', ""), std::nullopt);  // whatever the family is
  reads(v2('\x21', '\x00', "tlv"), std::nullopt);
  reads(v2('\x21', '\x00', ""), std::nullopt);
  reads(v2('\x21', '\x31', std::string(216, 'u')), std::nullopt);
}

TEST_CASE("proxy protocol: a v2 header of another version, command, family or length is refused") {
  for (const char command : {'\x00', '\x11', '\x22', '\x2f', '\x31', '\x01'})
    refuses(v2(command, '\x11', four), "version or command");
  for (const char family : {'\x01', '\x02', '\x10', '\x12', '\x13', '\x22', '\x32', '\x41', '\xff'})
    refuses(v2('\x21', family, four), "no stream over");
  refuses(v2('\x21', '\x11', four.substr(0, 11)), "too short");
  refuses(v2('\x21', '\x21', std::string(35, 'x')), "too short");
  refuses(v2('\x21', '\x31', std::string(215, 'x')), "too short");
}

TEST_CASE("proxy protocol: a header is not complete before its last byte") {
  for (const std::string& header :
       {std::string("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n"), v2('\x21', '\x11', four + "tlv"),
        v2('\x20', '\x00', ""), v2('\x21', '\x31', std::string(216, 'u'))}) {
    for (size_t size = 0; size < header.size(); ++size) {
      ProxyHeaderParser parser;
      CHECK(parser.feed(base::bytes_of(header.substr(0, size))) == size);
      CHECK(parser.state() == State::reading);
      CHECK(parser.begun() == (size > 0));
    }
  }
}

TEST_CASE("proxy protocol: what is written is read again, also between families") {
  for (const ProxyVersion version : {ProxyVersion::v1, ProxyVersion::v2}) {
    for (const ProxyRoute& route : {route_of_four, ProxyRoute{at("2001:db8::1", 65535), at("fe80::2", 0)},
                                    ProxyRoute{at("192.0.2.1", 80), at("2001:db8::1", 1)},
                                    ProxyRoute{at("2001:db8::1", 1), at("192.0.2.1", 80)}})
      reads(write_proxy_header(version, route), route);
  }
  CHECK(write_proxy_header(ProxyVersion::v1, std::nullopt) == "PROXY UNKNOWN\r\n");
  CHECK(write_proxy_header(ProxyVersion::v2, std::nullopt) == v2('\x20', '\x00', ""));
  CHECK(write_proxy_header(ProxyVersion::v1, route_of_four) == "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n");
  CHECK(write_proxy_header(ProxyVersion::v2, route_of_four) == v2('\x21', '\x11', four));
}

TEST_CASE("proxy protocol: a header where none is expected is known by its beginning") {
  CHECK(begins_proxy_header(base::bytes_of("PROXY TCP4 ")));
  CHECK(begins_proxy_header(base::bytes_of(v2('\x20', '\x00', ""))));
  CHECK_FALSE(begins_proxy_header(base::bytes_of("PROPFIND / HTTP/1.1\r\n")));
  CHECK_FALSE(begins_proxy_header(base::bytes_of("\r\n\r\nGET / HTTP/1.1\r\n")));
  CHECK_FALSE(begins_proxy_header({}));
}
