#include "demo/demo_application.h"

#include <algorithm>
#include <utility>

#include "net/tcp_transport.h"

namespace postern::demo {
namespace {

constexpr uint16_t going_away = 1001;
constexpr std::string_view stopping = "the demonstration is stopping";

template <class T>
std::unique_ptr<T> take_out(std::vector<std::unique_ptr<T>>& all, const T& one) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.get() == &one; });
  if (found == all.end()) return nullptr;
  std::unique_ptr<T> taken = std::move(*found);
  *found = std::move(all.back());
  all.pop_back();
  return taken;
}

}  // namespace

DemoApplication::DemoApplication(net::Loop& loop, net::ListeningSocket socket, std::string_view jwt_secret,
                                 const Options& options)
    : loop_(loop),
      options_(options),
      key_(crypto::Algorithm::hs256, jwt_secret),
      address_(socket.address),
      listener_(std::make_unique<net::Listener>(loop, std::move(socket),
                                                static_cast<net::Listener::Owner&>(*this))) {}

DemoApplication::~DemoApplication() = default;

void DemoApplication::on_accepted(net::Listener&, net::Socket socket, const base::SocketAddress& peer) {
  std::unique_ptr<net::Transport> transport = net::TcpTransport::adopt(loop_, std::move(socket), peer);
  if (!transport) return;
  DemoConnection::Owner& owner = *this;
  connections_.push_back(
      std::make_unique<DemoConnection>(loop_.turn(), options_, key_, std::move(transport), owner));
  connections_.back()->begin();
}

void DemoApplication::on_socket(std::unique_ptr<net::Transport> transport, SocketSession::Kind kind) {
  SocketSession::Owner& owner = *this;
  sessions_.push_back(
      std::make_unique<SocketSession>(loop_.turn(), options_, std::move(transport), kind, owner));
  if (!listener_) sessions_.back()->close(going_away, stopping);
}

void DemoApplication::on_connection_over(DemoConnection& connection) {
  loop_.turn().graveyard.bury(take_out(connections_, connection));
  one_is_over();
}

void DemoApplication::on_session_over(SocketSession& session) {
  loop_.turn().graveyard.bury(take_out(sessions_, session));
  one_is_over();
}

void DemoApplication::one_is_over() {
  if (listener_) {
    if (connections() < options_.connections) listener_->release();
    return;
  }
  if (connections() > 0) return;
  disarm();
  if (Owner* told = std::exchange(told_, nullptr)) told->on_demo_stopped();
}

void DemoApplication::stop(Owner* told) {
  if (!listener_) return;
  listener_.reset();
  told_ = told;
  if (connections() == 0) return one_is_over();
  loop_.turn().arm(*this, options_.stop_limit);
  for (const auto& connection : connections_) connection->leave();
  for (const auto& session : sessions_) session->close(going_away, stopping);
}

void DemoApplication::on_deadline() {
  connections_.clear();  // none of their functions is on the call stack
  sessions_.clear();
  one_is_over();
}

}  // namespace postern::demo
