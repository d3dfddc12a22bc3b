// A worker on a real loop with real loopback sockets, for tests that memory transports cannot cover.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/dialer.h"
#include "net/resolver.h"
#include "proxy/auth_calls.h"
#include "server/acceptor.h"
#include "support/log_capture.h"
#include "tunnel/tunnel_set.h"
#include "unit/net/loop_fixture.h"

namespace postern::server {

// Serves a snapshot without routes: every request is answered with 404, which is enough for these tests.
class WorkerFixture final : private Acceptor::Owner {
 public:
  // `proxy_trust`: addresses whose connections must begin with a PROXY protocol header; empty: none.
  // `per_client`: the connections that one client may have; 0: no limit.
  explicit WorkerFixture(uint32_t connections, const char* proxy_trust = "", uint32_t per_client = 0)
      : WorkerFixture(pin_with(connections, proxy_trust, per_client)) {}
  ~WorkerFixture() { fixture_.loop.turn().run(); }

  // Binds the listener called `key` at a port that the system chooses.
  BoundListener bind(const std::string& key) {
    auto listening = net::listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(listening);
    const base::SocketAddress address = listening->address;
    return {key, address, 0, std::move(*listening)};
  }
  // What a reload passes to a worker for a listener that is open already.
  static BoundListener known(const std::string& key, const base::SocketAddress& address) {
    return {key, address, 0, std::nullopt};
  }
  void adopt(BoundListener listener) {
    std::vector<BoundListener> bound;
    bound.push_back(std::move(listener));
    acceptor.adopt(std::move(bound));
  }

  // Applies another configuration to the existing listener; `requests` is the limit per connection, 0: no
  // limit.
  std::weak_ptr<const proxy::Snapshot> reload(const BoundListener& listener, uint32_t requests) {
    std::weak_ptr<const proxy::Snapshot> before = current.pin->snapshot;
    current.pin = pin_with(current.pin->snapshot->limits.connections, "", 0, requests);
    adopt(known(listener.key, listener.address));
    return before;
  }

  bool run_until(const std::function<bool()>& done) { return fixture_.run_until(done); }
  void run_idly() { fixture_.run_idly(); }
  int told_gone() const { return told_gone_; }

 private:
  static proxy::Pin pin_with(uint32_t connections, const char* proxy_trust, uint32_t per_client,
                             uint32_t requests = 0) {
    auto snapshot = std::make_shared<proxy::Snapshot>();
    snapshot->listeners.emplace_back();
    snapshot->listeners.back().proxy_protocol.trust.add(proxy_trust);
    snapshot->listeners.back().limits.connections_per_client = per_client;
    snapshot->listeners.back().limits.server.requests = requests;
    snapshot->limits.connections = connections;
    return proxy::Pin::make(std::shared_ptr<const proxy::Snapshot>(std::move(snapshot)),
                            std::vector<upstream::GroupRef>(), state::Bindings(), telemetry::Series());
  }
  explicit WorkerFixture(proxy::Pin pin)
      : current{fixture_.loop, services_, log.logger(), std::move(pin), counts} {}
  void on_connections_gone() override { ++told_gone_; }

  net::LoopFixture fixture_;
  net::DnsClient dns_client_{fixture_.loop};
  net::Resolver resolver_{fixture_.loop.turn(), dns_client_};
  net::SystemDialer dialer_{fixture_.loop, resolver_};
  upstream::Connector connector_{fixture_.loop.turn(), dialer_};
  policy::TokenCache tokens_;
  policy::KeyWaits key_waits_{[](const std::string&) {}};
  telemetry::RequestIdSource request_ids_;
  int told_gone_ = 0;

 public:
  support::LogCapture log;
  telemetry::Metrics metrics;

 private:
  state::ProcessState state_;
  tunnel::TunnelSet tunnels_{fixture_.loop.turn(), log.access_log(), metrics, state_};
  proxy::StreamSet streams_{metrics, tunnels_.drain_line()};
  policy::PasswordDesk passwords_{state_.passwords, [](policy::PasswordDesk::Told) {}};
  proxy::AuthCalls auth_calls_{fixture_.loop.turn(), connector_, state_.shared_answers};
  proxy::Services services_{
      fixture_.loop.turn(), connector_,   tokens_,  key_waits_, passwords_, state_.tickets, auth_calls_,
      log.access_log(),     request_ids_, tunnels_, streams_,   metrics,    &net::unix_time};

 public:
  state::ClientCounts& counts = state_.clients;
  Current current;
  Acceptor acceptor{current, static_cast<Acceptor::Owner&>(*this)};
};

// A client with a non-blocking socket.
class SocketClient {
 public:
  explicit SocketClient(const base::SocketAddress& address)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const net::KernelAddress to = net::to_kernel(address);
    connected_ = ::connect(socket_.descriptor(), to.get(), to.length) == 0;
  }
  bool connected() const { return connected_; }
  void send(std::string_view text) {
    REQUIRE(::send(socket_.descriptor(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  const std::string& heard() {
    std::array<char, 4096> part;
    for (;;) {
      const ssize_t count = ::recv(socket_.descriptor(), part.data(), part.size(), MSG_DONTWAIT);
      if (count == 0) ended_ = true;
      if (count <= 0) return heard_;
      heard_.append(part.data(), static_cast<size_t>(count));
    }
  }
  bool ended() {
    heard();
    return ended_;
  }
  void leave() { socket_.reset(); }

 private:
  net::Socket socket_;
  std::string heard_;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace postern::server
