#include "net/dialer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "loop_fixture.h"
#include "net/tls_transport.h"
#include "scripted_names.h"
#include "support/certificates.h"
#include "support/watched_task.h"

namespace {

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;
using base::Cause;
using base::Stage;
using support::ScriptedPeer;
using Dialing = support::WatchedTask<base::Result<std::unique_ptr<Transport>>>;

const base::IpAddress loopback = base::IpAddress::v4({127, 0, 0, 1});

struct Fixture : LoopFixture, Listener::Owner {
  bool may_accept() override { return true; }
  void on_nobody_waits() override {}
  void on_accepted(Listener&, Socket socket, const base::SocketAddress& peer) override {
    accepted.push_back(adopt(std::move(socket), peer));
  }
  void on_descriptors_exhausted(Listener&) override {}
  void on_accepting_again(Listener&) override {}

  uint16_t listen() {
    auto opened = listen_on({loopback, 0});
    REQUIRE(opened);
    listener.emplace(loop, std::move(*opened), *this);
    return listener->address().port;
  }
  // A port on which no process listens.
  static uint16_t closed_port() {
    auto opened = listen_on({loopback, 0});
    REQUIRE(opened);
    return opened->address.port;
  }

  std::optional<Listener> listener;
  std::vector<std::unique_ptr<Transport>> accepted;
  base::Scope scope{loop.turn()};
  ScriptedNames names;
  Resolver resolver{loop.turn(), names, 1};
  SystemDialer dialer{loop, resolver};
  std::string tried;
};

// A Unix socket whose queue accepts `queued` connections and one more.
class UnixListener {
 public:
  UnixListener(const std::string& path, int queued)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const KernelAddress address = to_kernel_unix(path);
    REQUIRE(::bind(socket_.descriptor(), address.get(), address.length) == 0);
    REQUIRE(::listen(socket_.descriptor(), queued) == 0);
  }
  Socket accept() {
    Socket accepted(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(accepted);
    return accepted;
  }

 private:
  Socket socket_;
};

DialTarget target(const std::string& host, uint16_t port) {
  DialTarget made;
  made.host = host;
  made.port = port;
  return made;
}

}  // namespace

TEST_CASE("dialer: it connects, and says so") {
  Fixture fixture;
  const DialTarget where = target("127.0.0.1", fixture.listen());
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended() && fixture.accepted.size() == 1; }));
  REQUIRE(dialing.outcome());
  CHECK(fixture.tried == "127.0.0.1:" + std::to_string(where.port) + " connected");
  ScriptedPeer near(std::move(*dialing.outcome()));
  ScriptedPeer far(std::move(fixture.accepted[0]));
  near.send("hello");
  REQUIRE(fixture.run_until([&] { return far.heard() == "hello"; }));
}

TEST_CASE("dialer: a port on which nobody listens is refused") {
  Fixture fixture;
  const DialTarget where = target("127.0.0.1", Fixture::closed_port());
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  REQUIRE_FALSE(dialing.outcome());
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_refused, Stage::connect});
  CHECK(fixture.tried == "127.0.0.1:" + std::to_string(where.port) + " refused");
}

TEST_CASE("dialer: a PROXY protocol header goes first, before TLS as well") {
  Fixture fixture;
  support::CertificateAuthority authority;
  const auto tls = ClientTls::make({.ca_file = authority.file(), .insecure = false});
  REQUIRE(tls);
  for (const bool secured : {false, true}) {
    CAPTURE(secured);
    fixture.accepted.clear();
    DialTarget where = target("127.0.0.1", fixture.listen());
    where.proxy_header = "PROXY UNKNOWN\r\n";
    where.tls = secured ? tls->get() : nullptr;
    where.server_name = "a.example";
    where.connect_limit = 200ms;
    Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
    REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 1; }));
    ScriptedPeer far(std::move(fixture.accepted[0]));
    REQUIRE(fixture.run_until([&] {
      return far.heard().size() > where.proxy_header.size() ||
             (!secured && dialing.ended() && !far.heard().empty());
    }));
    CHECK(far.heard().starts_with(where.proxy_header + (secured ? "\x16\x03" : "")));
    CHECK(dialing.ended() != secured);
  }
}

TEST_CASE("dialer: a Unix socket is connected by its path") {
  Fixture fixture;
  support::TemporaryFolder folder;
  UnixListener listener(folder.file("app.sock"), 1);
  DialTarget where;
  where.unix_path = folder.file("app.sock");
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  REQUIRE(dialing.outcome());
  CHECK(fixture.tried == where.unix_path + " connected");
  ScriptedPeer near(std::move(*dialing.outcome()));
  ScriptedPeer far(fixture.adopt(listener.accept()));
  near.send("hello");
  REQUIRE(fixture.run_until([&] { return far.heard() == "hello"; }));
  far.send("good bye");
  far.finish();
  REQUIRE(fixture.run_until([&] { return near.heard() == "good bye" && near.ended(); }));
}

TEST_CASE("dialer: what is wrong with a Unix socket is told by name") {
  Fixture fixture;
  support::TemporaryFolder folder;
  { UnixListener left_behind(folder.file("stale.sock"), 1); }
  DialTarget where;
  where.unix_path = folder.file("missing.sock");
  Dialing missing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(missing.ended());
  CHECK(missing.outcome().error() == base::Error{Cause::upstream_unreachable, Stage::connect});
  CHECK(fixture.tried == where.unix_path + " does not exist");
  fixture.tried.clear();
  where.unix_path = folder.file("stale.sock");
  Dialing refused(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(refused.ended());
  CHECK(refused.outcome().error() == base::Error{Cause::upstream_refused, Stage::connect});
  CHECK(fixture.tried == where.unix_path + " refused");
}

TEST_CASE("dialer: a Unix socket whose queue is full is tried again until the limit") {
  Fixture fixture;
  support::TemporaryFolder folder;
  UnixListener listener(folder.file("busy.sock"), 0);
  DialTarget where;
  where.unix_path = folder.file("busy.sock");
  where.connect_limit = 100ms;
  Dialing first(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(first.ended());
  fixture.tried.clear();
  Dialing late(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  CHECK_FALSE(late.ended());
  REQUIRE(fixture.run_until([&] { return late.ended(); }));
  CHECK(late.outcome().error() == base::Error{Cause::upstream_timed_out, Stage::connect});
  CHECK(fixture.tried == where.unix_path + " did not answer in time");
  where.connect_limit = 10s;
  Dialing patient(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  CHECK_FALSE(patient.ended());
  const Socket accepted = listener.accept();
  REQUIRE(fixture.run_until([&] { return patient.ended(); }));
  CHECK(patient.outcome().has_value());
}

TEST_CASE("dialer: localhost is reached whichever of its addresses somebody listens on") {
  Fixture fixture;
  const DialTarget where = target("localhost", fixture.listen());  // listens on 127.0.0.1 only
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  CHECK(dialing.outcome().has_value());
  CHECK(fixture.tried.ends_with("127.0.0.1:" + std::to_string(where.port) + " connected"));
}

TEST_CASE("dialer: a name that cannot be resolved is told with the name, and why") {
  Fixture fixture;
  const DialTarget where = target("a.example", 80);
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  fixture.names.fail("there is no such name");
  fixture.loop.turn().run();
  REQUIRE(dialing.ended());
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_unresolved, Stage::resolve});
  CHECK(fixture.tried == "the name a.example could not be resolved: there is no such name");
}

TEST_CASE("dialer: a name server that does not answer costs no more than the limit") {
  Fixture fixture;
  DialTarget where = target("a.example", 80);
  where.connect_limit = 50ms;
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_unresolved, Stage::resolve});
  CHECK(fixture.tried == "the name a.example could not be resolved in time");
}

TEST_CASE("dialer: the addresses of a name are tried in turn") {
  Fixture fixture;
  const DialTarget where = target("a.example", fixture.listen());
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  fixture.names.answer(addresses({"127.0.0.9", "127.0.0.1"}, 60s));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  CHECK(dialing.outcome().has_value());
  const std::string port = std::to_string(where.port);
  CHECK(fixture.tried == "127.0.0.9:" + port + " refused, 127.0.0.1:" + port + " connected");
}

TEST_CASE("dialer: a service's targets are tried by priority, each with a port of its own") {
  Fixture fixture;
  const uint16_t port = fixture.listen();
  const uint16_t closed = Fixture::closed_port();
  DialTarget where = target("_http._tcp.a.example", 0);
  where.service = true;
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  CHECK(fixture.names.asked.back() == "service _http._tcp.a.example");
  fixture.names.answer(
      targets({{"127.0.0.1", port, 30, 0}, {"gone.example", 81, 20, 0}, {"127.0.0.1", closed, 10, 0}}, 60s));
  REQUIRE(fixture.run_until([&] { return fixture.names.asked.size() == 2; }));
  CHECK(fixture.names.asked.back() == "gone.example");
  fixture.names.fail("there is no such name");
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  CHECK(dialing.outcome().has_value());
  CHECK(fixture.tried ==
        "127.0.0.1:" + std::to_string(closed) +
            " refused, the name gone.example could not be resolved: there is no such name, 127.0.0.1:" +
            std::to_string(port) + " connected");
  CHECK(fixture.dialer.leads_to(where.host, true, {loopback, port}));
  CHECK_FALSE(fixture.dialer.leads_to(where.host, true, {loopback, static_cast<uint16_t>(port + 1)}));
}

TEST_CASE("dialer: of a service with many targets the first few are tried, in equal shares of the limit") {
  Fixture fixture;
  const uint16_t closed = Fixture::closed_port();
  DialTarget where = target("_http._tcp.a.example", 0);
  where.service = true;
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  fixture.names.answer(targets(
      std::vector<ServiceTarget>(SystemDialer::targets_tried_max + 1, {"127.0.0.1", closed, 0, 0}), 60s));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_refused, Stage::connect});
  size_t refused = 0;
  for (size_t at = 0; (at = fixture.tried.find("refused", at)) != std::string::npos; ++at) ++refused;
  CHECK(refused == SystemDialer::targets_tried_max);
}

TEST_CASE("dialer: a service that cannot be resolved is told with its name") {
  Fixture fixture;
  DialTarget where = target("_http._tcp.a.example", 0);
  where.service = true;
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  fixture.names.fail("there is no such name");
  fixture.loop.turn().run();
  REQUIRE(dialing.ended());
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_unresolved, Stage::resolve});
  CHECK(fixture.tried == "the service _http._tcp.a.example could not be resolved: there is no such name");
}

TEST_CASE("dialer: a listener that does not take part in the handshake costs no more than the limit") {
  Fixture fixture;
  support::CertificateAuthority authority;
  const auto tls = ClientTls::make({.ca_file = authority.file(), .insecure = false});
  REQUIRE(tls);
  DialTarget where = target("127.0.0.1", fixture.listen());
  where.tls = tls->get();
  where.server_name = "a.example";
  where.connect_limit = 200ms;
  Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
  REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
  REQUIRE_FALSE(dialing.outcome());
  CHECK(dialing.outcome().error() == base::Error{Cause::upstream_timed_out, Stage::upstream_tls});
}

TEST_CASE("dialer: TLS is set up and verified when it is asked for") {
  Fixture fixture;
  support::CertificateAuthority authority;
  TicketKeys tickets;
  const auto served = ServerTls::make(
      {.certificates = {authority.issue({"a.example"})}, .tls1_3_only = false, .ciphers = {}}, tickets);
  const auto tls = ClientTls::make({.ca_file = authority.file(), .insecure = false});
  REQUIRE(served);
  REQUIRE(tls);
  for (const std::string name : {"a.example", "b.example"}) {
    CAPTURE(name);
    fixture.accepted.clear();
    fixture.tried.clear();
    DialTarget where = target("127.0.0.1", fixture.listen());
    where.tls = tls->get();
    where.server_name = name;
    Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried));
    REQUIRE(fixture.run_until([&] { return fixture.accepted.size() == 1; }));
    auto server = TlsTransport::server(fixture.loop.turn(), std::move(fixture.accepted[0]), **served);
    REQUIRE(fixture.run_until([&] { return dialing.ended(); }));
    CHECK(dialing.outcome().has_value() == (name == "a.example"));
    if (dialing.outcome()) continue;
    CHECK(dialing.outcome().error() == base::Error{Cause::upstream_tls_failed, Stage::upstream_tls});
    CHECK(fixture.tried.find("certificate") != std::string::npos);
  }
}

TEST_CASE("dialer: one that is dropped half way leaves nothing behind") {
  Fixture fixture;
  const DialTarget where = target("127.0.0.1", fixture.listen());
  { Dialing dialing(fixture.dialer.dial(fixture.scope, where, fixture.tried)); }
  {
    const DialTarget named = target("localhost", where.port);
    Dialing dialing(fixture.dialer.dial(fixture.scope, named, fixture.tried));
  }
  fixture.run_idly();
}
