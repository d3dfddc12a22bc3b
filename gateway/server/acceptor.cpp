#include "server/acceptor.h"

#include <algorithm>

#include "base/error.h"
#include "net/tcp_transport.h"

namespace postern::server {
namespace {

constexpr uint32_t refusals_at_once = 256;  // of the process
constexpr base::Duration look_again = std::chrono::milliseconds(50);

}  // namespace

// A connection and its position in the list.
struct Acceptor::Accepted final : ClientConnection::Owner {
  Accepted(Acceptor& the_acceptor, std::unique_ptr<net::Transport> transport, http::ClientFacts facts,
           ListenerSettingsRef settings, const net::ServerTls* tls)
      : acceptor(the_acceptor),
        connection(the_acceptor.current_, std::move(transport), std::move(facts), std::move(settings), tls) {}
  void on_task_ended(ClientConnection::Ended) override { acceptor.remove(*this); }

  Acceptor& acceptor;
  ClientConnection connection;
  std::list<std::unique_ptr<Accepted>>::iterator position;
};

Acceptor::Acceptor(Current& current, Owner& owner) : current_(current), owner_(owner) {}

Acceptor::~Acceptor() = default;

void Acceptor::adopt(std::vector<BoundListener> bound) {
  const std::vector<proxy::ListenerModel>& models = current_.pin->snapshot->listeners;
  std::vector<OpenListener> listeners;
  net::Listener::Owner& self = *this;
  uint16_t https_port = 443;
  for (size_t i = bound.size(); i-- > 0;)
    if (models[bound[i].model].tls) https_port = bound[i].address.port;
  for (size_t i = 0; i < bound.size(); ++i) {
    const proxy::ListenerModel& model = models[bound[i].model];
    OpenListener opened{bound[i].key, nullptr, bound[i].model, {}};
    const auto known = std::find_if(listeners_.begin(), listeners_.end(), [&](const OpenListener& open) {
      return open.listener && open.key == bound[i].key;
    });
    if (known != listeners_.end()) {
      opened.listener = std::move(known->listener);
      opened.settings = std::move(known->settings);
    } else {
      opened.settings = ListenerSettingsRef::make();
      if (bound[i].socket)
        opened.listener = std::make_unique<net::Listener>(current_.loop, std::move(*bound[i].socket), self);
    }
    opened.settings->limits = model.limits;
    opened.settings->redirect_port =
        model.redirect_to_https ? std::optional<uint16_t>(https_port) : std::nullopt;
    opened.settings->redirect_except = model.redirect_except;
    opened.settings->certificates = model.tls ? model.tls->clients() : nullptr;
    listeners.push_back(std::move(opened));
  }
  listeners_ = std::move(listeners);
}

void Acceptor::stop_accepting() { listeners_.clear(); }

void Acceptor::on_accepted(net::Listener& listener, net::Socket socket, const base::SocketAddress& peer) {
  const auto opened = std::find_if(listeners_.begin(), listeners_.end(), [&](const OpenListener& open) {
    return open.listener.get() == &listener;
  });
  if (opened == listeners_.end()) return;
  const proxy::ListenerModel& model = current_.pin->snapshot->listeners[opened->model];
  http::ClientFacts facts;
  facts.peer = peer;
  facts.peer_text = peer.ip.text();
  facts.tls = model.tls != nullptr;
  facts.local = listener.address();
  // For a listener on all addresses, the address that the client used has to be asked from the socket.
  if (current_.pin->snapshot->tells_clients && facts.local.ip.is_unspecified())
    facts.local = net::local_address(socket).value_or(facts.local);
  facts.listener_port = listener.address().port;
  std::unique_ptr<net::Transport> transport =
      net::TcpTransport::adopt(current_.loop, std::move(socket), peer, std::move(next_permit_));
  if (!transport) return;
  auto client = std::make_unique<Accepted>(*this, std::move(transport), std::move(facts), opened->settings,
                                           model.tls.get());
  telemetry::Numbers<telemetry::Count>& numbers = current_.services.metrics.process;
  numbers.add(telemetry::Count::connections_accepted);
  numbers.add(telemetry::Count::connections_open);
  Accepted& added = *client;
  connections_.push_back(std::move(client));
  const net::ProxyHeaderRules& rules = model.proxy_protocol;
  if (rules.trust.contains(peer.ip)) added.connection.expect_proxy_header(rules.timeout);
  if (next_is_refused_)
    added.connection.refuse({base::Cause::overloaded, base::Stage::accept},
                            "as many clients are connected as limits.connections allows: " +
                                std::to_string(current_.pin->snapshot->limits.connections));
  added.position = std::prev(connections_.end());
  added.connection.begin(added);
}

void Acceptor::remove(Accepted& accepted) {
  std::unique_ptr<Accepted> dead = std::move(*accepted.position);
  connections_.erase(accepted.position);
  current_.services.metrics.process.subtract(telemetry::Count::connections_open);
  current_.services.turn.graveyard.bury(std::move(dead));
  if (connections_.empty()) owner_.on_connections_gone();
}

bool Acceptor::may_accept() {
  state::ClientCounts& clients = current_.clients;
  next_permit_ = {};
  next_permit_ = net::CountGuard::within(clients.open, current_.pin->snapshot->limits.connections);
  next_is_refused_ = !next_permit_;
  if (next_is_refused_) next_permit_ = net::CountGuard::within(clients.refusing, refusals_at_once);
  if (next_permit_) return true;
  current_.services.turn.arm(*this, look_again);  // until then new clients wait in the kernel's queue
  return false;
}

void Acceptor::on_deadline() {
  for (const OpenListener& opened : listeners_)
    if (opened.listener) opened.listener->release();
}

void Acceptor::on_descriptors_exhausted(net::Listener& listener) {
  current_.log.error("accept_paused", {{"address", listener.address().text()},
                                       {"reason", "no file descriptor is left"},
                                       {"remedy", "raise the limit on open files (ulimit -n, LimitNOFILE)"}});
}

void Acceptor::on_accepting_again(net::Listener& listener) {
  current_.log.info("accept_resumed", {{"address", listener.address().text()}});
}

void Acceptor::drain() {
  for (const std::unique_ptr<Accepted>& client : connections_) client->connection.drain();
}

size_t Acceptor::exchanges() const {
  size_t count = 0;
  for (const std::unique_ptr<Accepted>& client : connections_) count += client->connection.exchanges();
  return count;
}

void Acceptor::cancel(base::Cause why) {
  for (const std::unique_ptr<Accepted>& client : connections_) client->connection.cancel(why);
}

}  // namespace postern::server
