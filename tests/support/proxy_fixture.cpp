#include "support/proxy_fixture.h"

#include <cstdlib>
#include <stdexcept>

#include "config/compile.h"
#include "config/load.h"
#include "support/multiplexed_service.h"

namespace postern::support {
namespace {

MemoryPair pair_for(ProxyFixture& proxy, const ClientOptions& options) {
  const auto address = base::IpAddress::parse(options.address);
  if (!address) throw std::runtime_error("no address: " + options.address);
  MemoryPair pair = connect_in_memory(proxy.turns, {.first = {*address, 40000}, .second = {}});
  if (options.conduct) options.conduct(*pair.wire);
  return pair;
}

http::ClientFacts facts_of(const ClientOptions& options, const net::Transport& transport) {
  http::ClientFacts facts;
  facts.peer = transport.peer();
  facts.peer_text = options.address;
  facts.tls = options.tls != nullptr;
  facts.listener_port = options.listener_port;
  return facts;
}

// The settings of the listener, or of one that redirects.
server::ListenerSettingsRef settings_of(const ProxyFixture& proxy, const ClientOptions& options) {
  if (!options.redirect_port) return proxy.listener;
  auto settings = server::ListenerSettingsRef::make(*proxy.listener);
  settings->redirect_port = options.redirect_port;
  if (!options.redirect_except.empty())
    settings->redirect_except = std::make_shared<const std::vector<std::string>>(options.redirect_except);
  return settings;
}

class MultiplexedConnector final : public upstream::Connector {
 public:
  MultiplexedConnector(TurnFixture& turns, net::Dialer& dialer)
      : Connector(turns.turn, dialer), turns_(turns) {}

 private:
  std::unique_ptr<upstream::Connection> begin(std::unique_ptr<net::Transport> transport,
                                              const http::MessageLimits&) const override {
    return std::make_unique<MultiplexedUpstream>(turns_, std::move(transport));
  }
  TurnFixture& turns_;
};

class MultiplexedProtocols final : public server::Protocols {
 public:
  MultiplexedProtocols(TurnFixture& turns, const size_t& window) : turns_(turns), window_(window) {}
  std::unique_ptr<server::Service> serve(const server::ServiceContext& context,
                                         std::unique_ptr<net::Transport> transport) const override {
    return std::make_unique<MultiplexedService>(turns_, context, std::move(transport), window_);
  }

 private:
  TurnFixture& turns_;
  const size_t& window_;
};

std::unique_ptr<upstream::Connector> connector_for(Protocol protocol, TurnFixture& turns,
                                                   net::Dialer& dialer) {
  if (protocol == Protocol::multiplexed) return std::make_unique<MultiplexedConnector>(turns, dialer);
  return std::make_unique<upstream::Connector>(turns.turn, dialer);
}

std::unique_ptr<server::Protocols> protocols_for(Protocol protocol, TurnFixture& turns,
                                                 const size_t& window) {
  if (protocol == Protocol::multiplexed) return std::make_unique<MultiplexedProtocols>(turns, window);
  return std::make_unique<server::Protocols>();
}

}  // namespace

Protocol protocol_of_run() {
  const char* given = std::getenv("POSTERN_TEST_PROTOCOL");
  if (!given) return Protocol::http1;
  if (std::string_view(given) == "multiplexed") return Protocol::multiplexed;
  throw std::runtime_error("POSTERN_TEST_PROTOCOL is \"multiplexed\", or not set");
}

// --- clients ---

TestClient::TestClient(ProxyFixture& proxy, const ClientOptions& options)
    : TestClient(proxy, options, pair_for(proxy, options)) {}

TestClient::TestClient(ProxyFixture& proxy, const ClientOptions& options, MemoryPair pair)
    : proxy_(proxy), wire_(pair.wire), peer_(std::move(pair.first)) {
  http::ClientFacts facts = facts_of(options, *pair.second);
  std::unique_ptr<net::Transport> transport = std::move(pair.second);
  if (proxy.protocol == Protocol::multiplexed) transport = relay(options, std::move(transport));
  connection_ = std::make_unique<server::ClientConnection>(
      proxy.current, std::move(transport), std::move(facts), settings_of(proxy, options), options.tls);
  if (options.proxy_header_limit) connection_->expect_proxy_header(*options.proxy_header_limit);
  server::ClientConnection::Owner& self = *this;
  connection_->begin(self);
}

std::unique_ptr<net::Transport> TestClient::relay(const ClientOptions& options,
                                                  std::unique_ptr<net::Transport> client) {
  MemoryPair pair = connect_in_memory(proxy_.turns, {.first = client->peer(), .second = {}});
  http::ClientFacts facts = facts_of(options, *client);
  relay_ = std::make_unique<ClientRelay>(proxy_.turns, std::move(client), std::move(pair.first),
                                         std::move(facts), proxy_.listener->limits.server);
  return std::move(pair.second);
}

void TestClient::on_task_ended(server::ClientConnection::Ended) {
  proxy_.turns.turn.graveyard.bury(std::move(connection_));
}

void TestClient::send(std::string_view bytes) {
  queue(bytes);
  proxy_.settle();
}

void TestClient::queue(std::string_view bytes) {
  in_pieces(bytes, [this](std::string_view piece) { peer_.send(piece); });
}

std::optional<HttpMessage> TestClient::try_response(bool to_head) {
  unread_ += peer_.take_heard();
  std::optional<HttpMessage> response = take_response(unread_, {.to_head = to_head, .ended = peer_.ended()});
  if (response && !response->wrong.empty())
    throw std::runtime_error("a malformed response (" + response->wrong + "): " + response->start);
  return response;
}

HttpMessage TestClient::response(bool to_head) {
  std::optional<HttpMessage> response = try_response(to_head);
  if (!response)
    throw std::runtime_error("no whole response; heard: \"" + unread_.substr(0, 2000) + "\"" +
                             (peer_.broken()  ? ", then a reset"
                              : peer_.ended() ? ", then an end"
                                              : "") +
                             "; log:\n" + proxy_.log.text());
  return std::move(*response);
}

const std::string& TestClient::unread() {
  unread_ += peer_.take_heard();
  return unread_;
}

std::string TestClient::take_unread() {
  unread_ += peer_.take_heard();
  return std::exchange(unread_, {});
}

// --- the fixture ---

const std::string ProxyFixture::one_endpoint = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
routes: [{ name: all, upstream: app }]
)";

const std::string ProxyFixture::two_endpoints = R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001", "http://127.0.0.1:3002"] } }
routes: [{ name: all, upstream: app }]
)";

ProxyFixture::ProxyFixture(const std::string& yaml, Protocol the_protocol)
    : protocol(the_protocol),
      upstream(turns, the_protocol == Protocol::multiplexed),
      connector_(connector_for(the_protocol, turns, upstream)),
      protocols_(protocols_for(the_protocol, turns, client_window)),
      services{turns.turn,       *connector_,  tokens_, key_waits_, passwords_, state.tickets,   auth_calls_,
               log.access_log(), request_ids_, tunnels, streams,    metrics,    &fixed_unix_time},
      current{.loop = loop_,
              .services = services,
              .log = log.logger(),
              .pin = compile(yaml),
              .clients = state.clients,
              .protocols = *protocols_} {
  listener->limits = snapshot().listeners.front().limits;
  key_fetcher_.adopt(key_sources_);
}

ProxyFixture::~ProxyFixture() {
  clients.clear();
  tunnels.cut_all();
  turns.turn.run();
}

proxy::Pin ProxyFixture::compile(const std::string& yaml) {
  auto document = config::load_text(yaml, "fixture.yaml", [](std::string_view) { return std::nullopt; });
  if (!document) throw std::runtime_error(document.error().text());
  config::Diagnostics notes;
  std::vector<state::LoadedKeys> keys;
  auto snapshot = config::compile(
      *document, {.version = 1, .tickets = tickets_, .keys = &keys, .key_sources = &key_sources_}, notes);
  if (!snapshot) throw std::runtime_error(snapshot.error().text());
  state.keys.take_effect(std::move(keys));
  return proxy::pin(std::move(*snapshot), registry_, state, metrics);
}

void ProxyFixture::adopt(const std::string& yaml) {
  current.pin = compile(yaml);
  listener->limits = snapshot().listeners.front().limits;
  drain_outdated();
  key_fetcher_.adopt(key_sources_);
}

void ProxyFixture::drain_outdated() {
  tunnels.adopt(proxy::current_routes(*current.pin), snapshot().limits.drain_rate);
}

void ProxyFixture::on_keys(const identity::KeyNews& news) {
  key_news.push_back(news);
  key_waits_.on_fetched(news.name);
  if (news.removed) drain_outdated();
}

void ProxyFixture::set_pipeline(size_t route, policy::Pipeline pipeline) {
  // The compiler has made an object that is not const.
  const_cast<routing::Route&>(snapshot().routes.routes().at(route)).pipeline = std::move(pipeline);
}

void ProxyFixture::tell_health(size_t index, bool up) {
  const upstream::GroupModel& model = group().model();
  registry_.on_health(model.name, upstream::endpoint_key(model, model.endpoints[index]), up);
  settle();
}

TestClient& ProxyFixture::connect(const ClientOptions& options) {
  clients.push_back(std::make_unique<TestClient>(*this, options));
  return *clients.back();
}

void ProxyFixture::settle(const std::function<void()>& check) {
  if (!check) return turns.settle();
  while (turns.step()) check();
}

}  // namespace postern::support
