#include "admin/admin_server.h"

#include <algorithm>
#include <utility>

#include "net/tcp_transport.h"

namespace postern::admin {

AdminServer::AdminServer(net::Loop& loop, net::ListeningSocket socket, Source& source, const Options& options)
    : loop_(loop), source_(source), options_(options), listener_(loop, std::move(socket), *this) {}

AdminServer::~AdminServer() = default;

void AdminServer::on_accepted(net::Listener&, net::Socket socket, const base::SocketAddress& peer) {
  std::unique_ptr<net::Transport> transport = net::TcpTransport::adopt(loop_, std::move(socket), peer);
  if (!transport) return;
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
  const auto place =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& each) { return each.get() == &client; });
  std::unique_ptr<Client> dead = std::move(*place);
  clients_.erase(place);
  loop_.turn().graveyard.bury(std::move(dead));
  listener_.release();
}

}  // namespace postern::admin
