#include "net/dns_client.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "dns_message.h"
#include "loop_fixture.h"

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;

namespace {

// A name server on loopback that answers when the test calls look().
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const KernelAddress any = to_kernel({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(::bind(socket_.descriptor(), any.get(), any.length) == 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof(bound);
    getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&bound), &length);
    address = from_kernel(bound);
  }

  // Answers every query that has arrived with its entry in `answers`; sends nothing when there is none.
  void look() {
    std::array<char, 1500> bytes;
    sockaddr_storage from{};
    for (;;) {
      socklen_t length = sizeof(from);
      const ssize_t size = recvfrom(socket_.descriptor(), bytes.data(), bytes.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 18) return;
      ++questions;
      const std::string_view question(&bytes[12], static_cast<size_t>(size) - 12);
      const uint16_t id =
          static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]));
      const size_t name_size = question.find('\0') + 1;
      const auto type = static_cast<uint16_t>(static_cast<uint8_t>(question[name_size + 1]));
      const auto answer = answers.find({std::string(question.substr(0, name_size)), type});
      if (answer == answers.end()) continue;
      const std::string reply = answer->second.bytes(id);
      sendto(socket_.descriptor(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }
  DnsReply& answer(std::string_view name, uint16_t type) {
    return answers.insert_or_assign({DnsReply::encoded(name), type}, DnsReply(name, type)).first->second;
  }

  std::map<std::pair<std::string, uint16_t>, DnsReply> answers;
  base::SocketAddress address;
  int questions = 0;

 private:
  Socket socket_;
};

struct Asked final : NameSource::Asker {
  void on_answer(NameAnswer given) override {
    answer = std::move(given);
    ++told;
  }
  void on_failure(std::string_view words) override {
    why = words;
    ++told;
  }
  NameAnswer answer;
  std::string why;
  int told = 0;
};

constexpr uint16_t type_a = 1;
constexpr uint16_t type_aaaa = 28;
constexpr uint16_t type_srv = 33;

struct Fixture : LoopFixture {
  NameServer server;
  DnsClient client{loop, {.nameservers = {server.address}, .timeout = 5s}};

  bool until_told(const Asked& asked) {
    return run_until([&] {
      server.look();
      return asked.told > 0;
    });
  }
};

}  // namespace

TEST_CASE("dns client: both families are asked for, and the answer lives as long as its shortest TTL") {
  Fixture fixture;
  fixture.server.answer("a.example", type_a)
      .alias("a.example", 300, "b.example")
      .address("b.example", 60, {10, 0, 0, 1})
      .address("b.example", 60, {10, 0, 0, 2});
  fixture.server.answer("a.example", type_aaaa);  // no record
  Asked asked;
  fixture.client.ask(NameKind::host, "a.example", asked);
  REQUIRE(fixture.until_told(asked));
  CHECK(asked.why.empty());
  CHECK(asked.answer.addresses ==
        std::vector<base::IpAddress>{base::IpAddress::v4({10, 0, 0, 1}), base::IpAddress::v4({10, 0, 0, 2})});
  CHECK(asked.answer.lifetime == 60s);
  CHECK(fixture.server.questions == 2);
}

TEST_CASE("dns client: the targets of a service") {
  Fixture fixture;
  fixture.server.answer("_http._tcp.a.example", type_srv)
      .service("_http._tcp.a.example", 30, {"one.a.example", 8001, 1, 2});
  Asked asked;
  fixture.client.ask(NameKind::service, "_http._tcp.a.example", asked);
  REQUIRE(fixture.until_told(asked));
  CHECK(asked.answer.targets == std::vector<ServiceTarget>{{"one.a.example", 8001, 1, 2}});
  CHECK(asked.answer.lifetime == 30s);
}

TEST_CASE("dns client: failures have words of their own") {
  Fixture fixture;
  fixture.server.answer("none.example", type_a).code(3);
  fixture.server.answer("none.example", type_aaaa).code(3);
  fixture.server.answer("empty.example", type_srv);
  fixture.server.answer("root.example", type_srv).service("root.example", 9, {"", 80, 0, 0});
  const auto why = [&](NameKind kind, const std::string& name) {
    Asked asked;
    fixture.client.ask(kind, name, asked);
    REQUIRE(fixture.until_told(asked));
    return asked.why;
  };
  CHECK(why(NameKind::host, "none.example") == "there is no such name");
  CHECK(why(NameKind::service, "empty.example") == "the name has no such record");
  CHECK(why(NameKind::service, "root.example") == "the name is of no service that is there");
  CHECK(why(NameKind::host, std::string(64, 'a') + ".example") == "it is not a name that can be asked for");
}

TEST_CASE("dns client: a server that says nothing is given up") {
  Fixture fixture;
  fixture.client.configure({.nameservers = {fixture.server.address}, .timeout = 30ms});
  Asked asked;
  fixture.client.ask(NameKind::service, "_http._tcp.a.example", asked);
  REQUIRE(fixture.until_told(asked));
  CHECK(asked.why == "no name server answered in time");
  CHECK(fixture.server.questions == 2);  // two tries
}

TEST_CASE("dns client: the hosts file is respected, without a question") {
  std::ifstream hosts(
      "/etc/hosts");  // a minimal root may have no entry: then there is no answer, and no query either
  const std::string known{std::istreambuf_iterator<char>(hosts), std::istreambuf_iterator<char>()};
  const bool stands_there = known.find("localhost") != std::string::npos;
  Fixture fixture;
  Asked asked;
  fixture.client.ask(NameKind::host, "localhost", asked);
  REQUIRE(fixture.until_told(asked));
  CHECK(fixture.server.questions == 0);
  CHECK(asked.answer.addresses.empty() != stands_there);
  CHECK(asked.why.empty() == stands_there);
  for (const base::IpAddress& address : asked.answer.addresses) CHECK(address.is_loopback());
}

TEST_CASE("dns client: another server is asked what the one before has not answered") {
  Fixture fixture;
  NameServer other;
  other.answer("_http._tcp.a.example", type_srv).service("_http._tcp.a.example", 30, {"b.example", 1, 1, 2});
  Asked asked;
  fixture.client.ask(NameKind::service, "_http._tcp.a.example", asked);
  REQUIRE(fixture.run_until([&] {
    fixture.server.look();
    return fixture.server.questions > 0;
  }));
  CHECK_FALSE(fixture.client.configure({.nameservers = {fixture.server.address}, .timeout = 5s}));
  CHECK(fixture.client.configure({.nameservers = {other.address}, .timeout = 5s}));
  CHECK(asked.told == 0);
  REQUIRE(fixture.run_until([&] {
    other.look();
    return asked.told > 0;
  }));
  CHECK(asked.told == 1);
  CHECK(asked.answer.targets.size() == 1);
}

TEST_CASE("dns client: nobody is told any more when it is gone") {
  Asked asked;
  LoopFixture fixture;
  NameServer server;
  {
    DnsClient client(fixture.loop, {.nameservers = {server.address}, .timeout = 5s});
    client.ask(NameKind::host, "a.example", asked);
    client.ask(NameKind::service, "_http._tcp.a.example", asked);
  }
  fixture.run_idly();
  CHECK(asked.told == 0);
}
