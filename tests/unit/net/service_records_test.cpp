#include "net/service_records.h"

#include <doctest/doctest.h>

#include <map>

#include "unit/net/dns_message.h"

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;

namespace {

std::optional<NameAnswer> read(const std::string& reply) { return read_service_reply(base::bytes_of(reply)); }

}  // namespace

TEST_CASE("service records: a reply names targets, and lives as long as its shortest TTL") {
  const auto answer = read(DnsReply("_http._tcp.a.example", 33)
                               .service("_http._tcp.a.example", 300, {"one.a.example", 8001, 10, 5})
                               .service("_http._tcp.a.example", 60, {"two.a.example", 8002, 20, 0})
                               .bytes());
  REQUIRE(answer.has_value());
  CHECK(answer->targets ==
        std::vector<ServiceTarget>{{"one.a.example", 8001, 10, 5}, {"two.a.example", 8002, 20, 0}});
  CHECK(answer->lifetime == 60s);
  CHECK(answer->addresses.empty());
}

TEST_CASE("service records: a CNAME on the way shortens the life, addresses beside do not count as targets") {
  const auto answer = read(DnsReply("a.example", 33)
                               .alias("a.example", 7, "b.example")
                               .service("b.example", 300, {"one.a.example", 1, 0, 0})
                               .address("one.a.example", 90, {10, 0, 0, 1})
                               .bytes());
  REQUIRE(answer.has_value());
  CHECK(answer->targets.size() == 1);
  CHECK(answer->lifetime == 7s);
}

TEST_CASE("service records: a root target, port 0 and a reply without targets are no service") {
  CHECK_FALSE(read(DnsReply("a.example", 33).bytes()).has_value());
  CHECK_FALSE(read(DnsReply("a.example", 33).service("a.example", 9, {"", 80, 0, 0}).bytes()).has_value());
  CHECK_FALSE(
      read(DnsReply("a.example", 33).service("a.example", 9, {"b.example", 0, 0, 0}).bytes()).has_value());
  CHECK_FALSE(read(DnsReply("a.example", 33).address("a.example", 9, {10, 0, 0, 1}).bytes()).has_value());
}

TEST_CASE("service records: no more targets are taken than have room") {
  DnsReply reply("a.example", 33);
  for (size_t i = 0; i <= service_targets_max; ++i) reply.service("a.example", 9, {"b.example", 80, 0, 0});
  const auto answer = read(reply.bytes());
  REQUIRE(answer.has_value());
  CHECK(answer->targets.size() == service_targets_max);
}

TEST_CASE("service records: no cut of a reply is read beyond its end") {
  const std::string whole =
      DnsReply("a.example", 33).service("a.example", 9, {"b.example", 80, 1, 1}).bytes();
  CHECK(read(whole).has_value());
  for (size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(read(whole.substr(0, size)).has_value());
}

TEST_CASE("service records: a lower priority comes first, weights share within one") {
  std::minstd_rand random(7);
  std::map<std::string, int> first;
  for (int i = 0; i < 4000; ++i) {
    std::vector<ServiceTarget> targets = {
        {"backup", 1, 20, 100}, {"small", 1, 10, 10}, {"zero", 1, 10, 0}, {"large", 1, 10, 30}};
    order_targets(targets, random);
    CHECK(targets.back().host == "backup");
    ++first[targets.front().host];
  }
  CHECK(first["large"] > 2700);  // three quarters
  CHECK(first["large"] < 3200);
  CHECK(first["small"] > 800);
  CHECK(first["zero"] > 0);
  CHECK(first["zero"] < 50);
}

TEST_CASE("service records: targets of weight 0 alone take turns") {
  std::minstd_rand random(7);
  std::map<std::string, int> first;
  for (int i = 0; i < 1000; ++i) {
    std::vector<ServiceTarget> targets = {{"a", 1, 0, 0}, {"b", 1, 0, 0}};
    order_targets(targets, random);
    ++first[targets.front().host];
  }
  CHECK(first["a"] > 400);
  CHECK(first["b"] > 400);
}
