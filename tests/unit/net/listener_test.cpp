#include "net/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "loop_fixture.h"

namespace {

using namespace postern;
using namespace postern::net;

const base::SocketAddress any_port{base::IpAddress::v4({127, 0, 0, 1}), 0};

// Uses up all descriptors until it is destroyed. Keep it for as short as possible: sanitizers need
// descriptors too.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

struct Fixture : LoopFixture, Listener::Owner {
  bool may_accept() override {
    if (starved) without.emplace();
    return allowed > accepted.size();
  }
  void on_nobody_waits() override { without.reset(); }
  void on_accepted(Listener&, Socket socket, const base::SocketAddress& peer) override {
    accepted.push_back(std::move(socket));
    peers.push_back(peer);
  }
  void on_descriptors_exhausted(Listener&) override { ++exhausted; }
  void on_accepting_again(Listener&) override { ++again; }

  static ListeningSocket open() {
    auto opened = listen_on(any_port);
    REQUIRE(opened);
    return std::move(*opened);
  }
  Socket connect() const {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const KernelAddress address = to_kernel(listener.address());
    REQUIRE(::connect(socket.descriptor(), address.get(), address.length) == 0);
    return socket;
  }

  size_t allowed = 1000;
  std::vector<Socket> accepted;
  std::vector<base::SocketAddress> peers;
  bool starved = false;  // each accept finds no free descriptor
  std::optional<NoDescriptors> without;
  int exhausted = 0;
  int again = 0;
  Listener listener{loop, open(), *this};
};

}  // namespace

TEST_CASE("listener: it knows the port that was really bound, and hands connections over with their peer") {
  Fixture fixture;
  CHECK(fixture.listener.address().port != 0);
  const Socket client = fixture.connect();
  REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 1; }));
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  REQUIRE(getsockname(client.descriptor(), reinterpret_cast<sockaddr*>(&storage), &length) == 0);
  CHECK(fixture.peers[0] == from_kernel(storage));
}

TEST_CASE("listener: the system asks accepted clients that say nothing whether they are there") {
  Fixture fixture;
  const Socket client = fixture.connect();
  REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 1; }));
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t length = sizeof(value);
    REQUIRE(getsockopt(fixture.accepted[0].descriptor(), level, name, &value, &length) == 0);
    return value;
  };
  CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == 10);
  CHECK(option(IPPROTO_TCP, TCP_KEEPCNT) == 3);
}

TEST_CASE("listener: many connections at once are all accepted") {
  Fixture fixture;
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(fixture.connect());
  CHECK(fixture.run_until([&] { return fixture.accepted.size() == 200; }));
}

TEST_CASE("listener: it holds when its owner may not accept, and goes on when released") {
  Fixture fixture;
  fixture.allowed = 2;
  std::vector<Socket> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(fixture.connect());
  REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 2; }));
  fixture.run_idly();
  CHECK(fixture.accepted.size() == 2);
  fixture.allowed = 4;
  fixture.run_idly();
  CHECK(fixture.accepted.size() == 2);  // not before release()
  fixture.listener.release();
  REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 4; }));
  fixture.allowed = 1000;
  fixture.listener.release();
  CHECK(fixture.run_until([&] { return fixture.accepted.size() == 5; }));
}

TEST_CASE("listener: without descriptors it pauses, says so once, and goes on when there are some again") {
  Fixture fixture;
  std::vector<Socket> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(fixture.connect());
  fixture.starved = true;
  REQUIRE(fixture.run_until([&] { return fixture.exhausted == 1; }));
  const base::Instant until = monotonic_now() + std::chrono::milliseconds(250);
  fixture.run_until([&] { return monotonic_now() > until; });  // some pauses pass
  CHECK(fixture.exhausted == 1);
  CHECK(fixture.accepted.empty());
  fixture.starved = false;
  REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 3; }));
  CHECK(fixture.again == 1);
  CHECK(fixture.exhausted == 1);
}

TEST_CASE("listener: an address that cannot be listened on is refused with a sentence") {
  const auto foreign = listen_on({base::IpAddress::v4({192, 0, 2, 1}), 0});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().find("192.0.2.1") != std::string::npos);
}

TEST_CASE("listener: an address that is another listener's of this process is refused with that") {
  const auto open = listen_on({base::IpAddress::v4({0, 0, 0, 0}), 0});
  REQUIRE(open);
  const auto refused = listen_on({base::IpAddress::v4({127, 0, 0, 1}), open->address.port});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == "address 127.0.0.1:" + std::to_string(open->address.port) +
                               " is in use by another listener of this gateway, as long as it is open: "
                               "restart, or take another port");
}

TEST_CASE("listener: a duplicated socket listens on when the first is closed") {
  auto opened = Fixture::open();
  Socket copy = duplicate(opened.socket);
  REQUIRE(copy);
  CHECK(copy.descriptor() != opened.socket.descriptor());
  const KernelAddress address = to_kernel(opened.address);
  opened.socket.reset();
  Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(::connect(client.descriptor(), address.get(), address.length) == 0);
}

TEST_CASE("listener: a Unix socket is its owner's alone, and a file that nobody listens on gives way") {
  char folder[] = "/tmp/postern-listener-XXXXXX";
  REQUIRE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/socket";
  {
    const auto first = listen_on_unix(path);
    REQUIRE(first);
    struct stat facts {};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    const auto second = listen_on_unix(path);
    REQUIRE_FALSE(second);
    CHECK(second.error() == "cannot listen on unix:" + path + ": another process listens there");
  }
  CHECK(listen_on_unix(path).has_value());  // the file still exists, but its listener does not
  unlink(path.c_str());
  rmdir(folder);
  CHECK_FALSE(listen_on_unix(path).has_value());  // the folder does not exist
  CHECK(listen_on_unix(std::string(200, 'x')).error().ends_with("the path is too long"));
}

TEST_CASE("listener: a Unix socket takes the place of nothing but a socket that nobody listens on") {
  char folder[] = "/tmp/postern-listener-XXXXXX";
  REQUIRE(mkdtemp(folder));
  const std::string path = std::string(folder) + "/admin.sock";
  const auto refused = [&] {
    const auto socket = listen_on_unix(path);
    REQUIRE_FALSE(socket);
    CHECK(socket.error() ==
          "cannot listen on unix:" + path +
              ": there is something there that is not a socket; remove it, or write another path");
  };
  const int file = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  REQUIRE(write(file, "precious", 8) == 8);
  close(file);
  refused();
  struct stat facts {};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  CHECK(facts.st_size == 8);
  unlink(path.c_str());
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  refused();
  unlink(path.c_str());
  const std::string target = path + ".target";
  { CHECK(listen_on_unix(target).has_value()); }
  REQUIRE(symlink(target.c_str(), path.c_str()) == 0);  // links to a socket that has no listener
  refused();
  CHECK(lstat(path.c_str(), &facts) == 0);
  unlink(path.c_str());
  unlink(target.c_str());
  REQUIRE(mkdir(path.c_str(), 0700) == 0);
  refused();
  rmdir(path.c_str());
  CHECK(listen_on_unix(path).has_value());
  unlink(path.c_str());
  rmdir(folder);
}
