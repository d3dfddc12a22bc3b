#include "base/ip_address.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace postern::base;

std::string printed(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "refused";
}

bool contains(const CidrSet& set, std::string_view text) {
  return set.contains(IpAddress::parse(text).value());
}

}  // namespace

TEST_CASE("ip address: what is parsed is printed in its canonical form") {
  CHECK(printed("127.0.0.1") == "127.0.0.1");
  CHECK(printed("255.255.255.255") == "255.255.255.255");
  CHECK(printed("::1") == "::1");
  CHECK(printed("2001:DB8:0:0:0:0:0:1") == "2001:db8::1");
  CHECK(printed("fe80::1:0:0:1") == "fe80::1:0:0:1");
  CHECK(printed("::") == "::");
}

TEST_CASE("ip address: IPv4 mapped into IPv6 is IPv4") {
  CHECK(printed("::ffff:10.1.2.3") == "10.1.2.3");
  CHECK(printed("::ffff:0a01:0203") == "10.1.2.3");
  CHECK(IpAddress::parse("::ffff:10.1.2.3") == IpAddress::parse("10.1.2.3"));
  CHECK_FALSE(IpAddress::parse("::ffff:10.1.2.3")->is_v6());
}

TEST_CASE("ip address: what is no address is refused") {
  for (std::string_view wrong :
       {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/8", "[::1]",
        "::1%lo", ":::", "1::2::3", "g::", "localhost", "0x7f.1", "1:2:3:4:5:6:7:8:9"}) {
    CAPTURE(std::string(wrong));
    CHECK(printed(wrong) == "refused");
  }
  CHECK(printed(std::string_view("127.0.0.1\0x", 11)) == "refused");
  CHECK(printed(std::string(1000, '1')) == "refused");
}

TEST_CASE("ip address: loopback and private ranges end where they end") {
  for (std::string_view yes : {"127.0.0.1", "127.255.255.255", "::1"})
    CHECK(IpAddress::parse(yes)->is_loopback());
  for (std::string_view no : {"126.255.255.255", "128.0.0.0", "::2", "::"})
    CHECK_FALSE(IpAddress::parse(no)->is_loopback());
  for (std::string_view yes : {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
                               "192.168.255.255", "169.254.1.1", "fc00::", "fdff::1", "fe80::1", "febf::1"}) {
    CAPTURE(std::string(yes));
    CHECK(IpAddress::parse(yes)->is_private());
  }
  for (std::string_view no : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                              "192.169.0.0", "8.8.8.8", "fbff::", "fe00::", "fec0::", "2001:db8::1"}) {
    CAPTURE(std::string(no));
    CHECK_FALSE(IpAddress::parse(no)->is_private());
  }
}

TEST_CASE("socket address: IPv6 stands in brackets") {
  CHECK(SocketAddress{IpAddress::parse("127.0.0.1").value(), 80}.text() == "127.0.0.1:80");
  CHECK(SocketAddress{IpAddress::parse("::1").value(), 8443}.text() == "[::1]:8443");
}

TEST_CASE("cidr: a block contains its first and last address and no neighbour") {
  CidrSet set;
  CHECK(set.empty());
  REQUIRE(set.add("10.0.0.0/8"));
  REQUIRE(set.add("192.0.2.128/25"));
  REQUIRE(set.add("203.0.113.7"));
  REQUIRE(set.add("2001:db8::/33"));
  CHECK_FALSE(set.empty());
  for (std::string_view yes : {"10.0.0.0", "10.255.255.255", "192.0.2.128", "192.0.2.255", "203.0.113.7",
                               "2001:db8::", "2001:db8:7fff:ffff::1", "::ffff:10.1.1.1"})
    CHECK(contains(set, yes));
  for (std::string_view no : {"9.255.255.255", "11.0.0.0", "192.0.2.127", "192.0.3.0", "203.0.113.6",
                              "203.0.113.8", "2001:db8:8000::", "2001:db9::", "::1"})
    CHECK_FALSE(contains(set, no));
}

TEST_CASE("cidr: a block of everything contains its own family only") {
  CidrSet v4;
  REQUIRE(v4.add("0.0.0.0/0"));
  CHECK(contains(v4, "8.8.8.8"));
  CHECK_FALSE(contains(v4, "2001:db8::1"));
  CidrSet v6;
  REQUIRE(v6.add("::/0"));
  CHECK(contains(v6, "2001:db8::1"));
  CHECK_FALSE(contains(v6, "8.8.8.8"));
}

TEST_CASE("cidr: what is no block is refused") {
  CidrSet set;
  for (std::string_view wrong : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8",
                                 "10.0.0.0/ 8", "10.0.0.0/a", "::/129", "/8", "10/8"}) {
    CAPTURE(std::string(wrong));
    CHECK_FALSE(set.add(wrong));
  }
  CHECK(set.empty());
}
