// A whole worker without sockets: a compiled configuration, its services, and endpoints and clients in
// memory, on one turn fixture. It contains what a worker has between a listener and a dialer.
//
//   ProxyFixture proxy;
//   proxy.upstream.at(3001).behaviour = answers(response_text("hello"));
//   TestClient& client = proxy.connect();
//   client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
//   CHECK(client.response().body == "hello");
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/compile_policy.h"
#include "identity/key_fetcher.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "policy/key_waits.h"
#include "proxy/auth_calls.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "server/client_connection.h"
#include "server/current.h"
#include "support/fake_upstream.h"
#include "support/http_text.h"
#include "support/log_capture.h"
#include "support/memory_transport.h"
#include "support/turn_fixture.h"
#include "tunnel/tunnel_set.h"
#include "upstream/registry.h"

namespace postern::support {

class ProxyFixture;

// What the gateway is spoken to in, on both sides. Tests write HTTP/1.1 in every case: where the protocol is
// another one, relays translate (support/http1_relay.h).
enum class Protocol : uint8_t { http1, multiplexed };
// The protocol of this run of the tests: POSTERN_TEST_PROTOCOL is `multiplexed`, or not set.
Protocol protocol_of_run();

struct ClientOptions {
  std::string address = "203.0.113.9";
  uint16_t listener_port = 8080;
  std::optional<uint16_t> redirect_port{};
  std::vector<std::string> redirect_except{};
  const net::ServerTls* tls = nullptr;
  std::function<void(Wire&)>
      conduct{};  // sets the wire's behaviour: `to_first` leads to the client, `to_second` to the gateway
  std::optional<Duration> proxy_header_limit{};  // set: a PROXY protocol header is expected
};

// The client's end of a connection, and the gateway's connection object for it.
class TestClient final : private server::ClientConnection::Owner {
 public:
  TestClient(ProxyFixture& proxy, const ClientOptions& options);

  // Sends, then runs the fixture until it is idle.
  void send(std::string_view bytes);
  // Sends without running the fixture.
  void queue(std::string_view bytes);
  // The next complete response; throws when there is none, or when it is not well-formed.
  HttpMessage response(bool to_head = false);
  std::optional<HttpMessage> try_response(bool to_head = false);
  const std::string& unread();  // received, and not part of a complete response yet
  std::string take_unread();
  // Whether the connection has ended for the client, cleanly or not.
  bool ended() const { return peer_.ended(); }
  bool broken() const { return peer_.broken(); }
  bool over() const { return ended() || broken(); }
  // Whether the gateway's side of the connection has ended.
  bool gone() const { return connection_ == nullptr; }

  ScriptedPeer& peer() { return peer_; }
  Wire& wire() { return *wire_; }
  server::ClientConnection& connection() { return *connection_; }

 private:
  TestClient(ProxyFixture& proxy, const ClientOptions& options, MemoryPair pair);
  std::unique_ptr<net::Transport> relay(const ClientOptions& options, std::unique_ptr<net::Transport> client);
  void on_task_ended(server::ClientConnection::Ended) override;

  ProxyFixture& proxy_;
  std::shared_ptr<Wire> wire_;
  ScriptedPeer peer_;
  std::string unread_;
  std::unique_ptr<ClientRelay> relay_;  // null: the protocol is HTTP/1.1
  std::unique_ptr<server::ClientConnection> connection_;
};

class ProxyFixture final : private identity::KeyFetcher::Owner {
 public:
  // The `upstreams` and `routes` of the usual configuration: one endpoint, one route for everything.
  static const std::string one_endpoint;
  static const std::string two_endpoints;  // ports 3001 and 3002

  explicit ProxyFixture(const std::string& yaml = one_endpoint, Protocol protocol = protocol_of_run());
  ~ProxyFixture();
  ProxyFixture(const ProxyFixture&) = delete;
  ProxyFixture& operator=(const ProxyFixture&) = delete;

  TestClient& connect(const ClientOptions& options = {});
  // Replaces the configuration, as a reload does.
  void adopt(const std::string& yaml);

  // Gives a route other policies, which no configuration makes; until the next adopt().
  void set_pipeline(size_t route, policy::Pipeline pipeline);

  // Acts as a health prober: reports that an endpoint's checks have changed its state.
  void tell_health(size_t index, bool up);

  // Runs until the fixture is idle; `check` is called after every step.
  void settle(const std::function<void()>& check = {});
  void advance(Duration duration) { turns.advance(duration); }

  const proxy::Snapshot& snapshot() const { return *current.pin->snapshot; }
  upstream::Group& group(size_t index = 0) { return *current.pin->groups[index]; }
  std::vector<base::Json> log_lines(std::string_view event) { return log.lines(event); }

  static constexpr int64_t unix_time = 1'800'000'000;       // the wall clock, which stands still
  static inline std::chrono::milliseconds unix_fraction{};  // added to it
  static std::chrono::milliseconds fixed_unix_time() {
    return std::chrono::seconds(unix_time) + unix_fraction;
  }

  const Protocol protocol;
  // With the multiplexed protocol: how much of an answer the relay of each further client holds.
  size_t client_window = stream_window;
  TurnFixture turns;
  FakeUpstream upstream;
  FakeUpstream providers{turns};  // of identities; the gateway speaks HTTP/1.1 to them
  std::vector<identity::KeyNews> key_news;
  LogCapture log;
  telemetry::Metrics metrics;
  state::ProcessState state;
  server::ListenerSettingsRef listener =
      server::ListenerSettingsRef::make();  // the first listener of the configuration
  std::vector<std::unique_ptr<TestClient>> clients;

 private:
  proxy::Pin compile(const std::string& yaml);
  void drain_outdated();
  void on_keys(const identity::KeyNews& news) override;

  net::TicketKeys tickets_;
  net::Loop loop_;  // never runs: server::Current needs a loop
  upstream::Registry registry_{turns.turn, state.loads, 1, &log.logger()};
  const std::unique_ptr<upstream::Connector> connector_;
  const std::unique_ptr<server::Protocols> protocols_;
  policy::TokenCache tokens_{{.revocations = &state.revocations}};
  policy::KeyWaits key_waits_{[this](const std::string& name) { key_fetcher_.want(name); }};
  // Nothing checks passwords until a test says state.passwords.work_now().
  policy::PasswordDesk passwords_{state.passwords,
                                  [this](policy::PasswordDesk::Told told) { passwords_.receive(told); }};
  proxy::AuthCalls auth_calls_{turns.turn, *connector_, state.shared_answers};
  telemetry::RequestIdSource request_ids_{telemetry::RequestIdSource::Seed{1, 2, 3, 4}};

 public:
  tunnel::TunnelSet tunnels{turns.turn, log.access_log(), metrics, state, &fixed_unix_time};
  proxy::StreamSet streams{metrics, tunnels.drain_line()};
  proxy::Services services;

 private:
  identity::KeyFetcher key_fetcher_{turns.turn, providers, state.keys, *this, 1};
  std::vector<std::shared_ptr<const identity::KeySource>> key_sources_;  // of the configuration

 public:
  server::Current current;
};

}  // namespace postern::support
