#include "admin/admin_server.h"

#include <algorithm>
#include <utility>

#include "net/tcp_transport.h"

namespace postern::admin {
namespace {

constexpr base::Duration look_again = std::chrono::milliseconds(100);

}  // namespace

AdminServer::AdminServer(net::Loop& loop, net::ListeningSocket socket, Source& source, const Options& options)
    : loop_(loop), source_(source), options_(options), listener_(loop, std::move(socket), *this) {}

AdminServer::~AdminServer() = default;

bool AdminServer::may_accept() {
  if (clients_.size() < options_.connections || who_gives_way() != clients_.end()) return true;
  loop_.turn().arm(*this, look_again);
  return false;
}

AdminServer::Clients::iterator AdminServer::who_gives_way() {
  auto least = clients_.end();
  Client::Merit of_least;
  for (auto each = clients_.begin(); each != clients_.end(); ++each) {
    const Client::Merit merit = (*each)->merit();
    if (merit.in_use && loop_.turn().now - merit.since < options_.stuck) continue;
    if (least != clients_.end() && !(merit < of_least)) continue;
    least = each;
    of_least = merit;
  }
  return least;
}

void AdminServer::on_accepted(net::Listener&, net::Socket socket, const base::SocketAddress& peer) {
  std::unique_ptr<net::Transport> transport = net::TcpTransport::adopt(loop_, std::move(socket), peer);
  if (!transport) return;
  if (clients_.size() >= options_.connections) {
    const auto position = who_gives_way();
    if (position == clients_.end()) return;
    remove(position);
  }
  Client::Owner& owner = *this;
  clients_.push_back(std::make_unique<Client>(loop_.turn(), options_.client, std::move(transport), owner));
  clients_.back()->begin();
}

// Who asks while the workers are being asked gets what they say.
void AdminServer::on_numbers_wanted() {
  if (!std::exchange(collecting_, true)) source_.collect();
}

void AdminServer::give(const telemetry::Totals& totals) {
  collecting_ = false;
  const auto numbers = std::make_shared<const telemetry::Totals>(totals);
  for (const std::unique_ptr<Client>& client : clients_)
    if (client->waits_for_numbers()) client->numbers().put(numbers);
}

void AdminServer::on_client_over(Client& client) {
  const auto position =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& each) { return each.get() == &client; });
  if (position == clients_.end()) return;  // it gave way in this turn
  remove(position);
  listener_.release();
}

void AdminServer::remove(Clients::iterator position) {
  std::unique_ptr<Client> dead = std::move(*position);
  clients_.erase(position);
  loop_.turn().graveyard.bury(std::move(dead));
}

}  // namespace postern::admin
