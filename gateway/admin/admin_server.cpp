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
  if (connections_.size() < options_.connections || who_gives_way() != connections_.end()) return true;
  loop_.turn().arm(*this, look_again);
  return false;
}

AdminServer::Connections::iterator AdminServer::who_gives_way() {
  auto least = connections_.end();
  AdminConnection::Merit of_least;
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    const AdminConnection::Merit merit = (*each)->merit();
    if (merit.in_use && loop_.turn().now - merit.since < options_.stuck) continue;
    if (least != connections_.end() && !(merit < of_least)) continue;
    least = each;
    of_least = merit;
  }
  return least;
}

void AdminServer::on_accepted(net::Listener&, net::Socket socket, const base::SocketAddress& peer) {
  std::unique_ptr<net::Transport> transport = net::TcpTransport::adopt(loop_, std::move(socket), peer);
  if (!transport) return;
  if (connections_.size() >= options_.connections) {
    const auto position = who_gives_way();
    if (position == connections_.end()) return;
    remove(position);
  }
  AdminConnection::Owner& owner = *this;
  connections_.push_back(
      std::make_unique<AdminConnection>(loop_.turn(), options_.connection, std::move(transport), owner));
  connections_.back()->begin();
}

// A request that comes while numbers are being collected shares the result.
void AdminServer::on_numbers_wanted() {
  if (!std::exchange(collecting_, true)) source_.collect();
}

void AdminServer::give(const telemetry::Totals& totals) {
  collecting_ = false;
  const auto numbers = std::make_shared<const telemetry::Totals>(totals);
  for (const std::unique_ptr<AdminConnection>& connection : connections_)
    if (connection->waits_for_numbers()) connection->numbers().put(numbers);
}

void AdminServer::on_connection_over(AdminConnection& connection) {
  const auto position = std::find_if(connections_.begin(), connections_.end(),
                                     [&](const auto& each) { return each.get() == &connection; });
  if (position == connections_.end()) return;  // it was chosen to be closed in this turn
  remove(position);
  listener_.release();
}

void AdminServer::remove(Connections::iterator position) {
  std::unique_ptr<AdminConnection> dead = std::move(*position);
  connections_.erase(position);
  loop_.turn().graveyard.bury(std::move(dead));
}

}  // namespace postern::admin
