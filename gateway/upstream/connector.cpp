#include "upstream/connector.h"
#include "base/error.h"

#include <algorithm>

namespace postern::upstream {
namespace {

http1::ParserLimits response_limits(const GroupModel& group) {
  http1::ParserLimits limits;
  limits.head_size = group.response_head_size;
  limits.fields = group.response_fields;
  limits.trailer_size = std::min<size_t>(group.response_head_size, 16 * 1024);
  return limits;
}

}  // namespace

net::DialTarget target_of(const GroupModel& group, const EndpointModel& endpoint,
                          const std::optional<net::ProxyRoute>& client) {
  net::DialTarget target;
  target.host = endpoint.host;
  target.port = endpoint.port;
  target.unix_path = endpoint.unix_path;
  target.service = endpoint.service;
  target.tls = endpoint.tls ? group.tls.get() : nullptr;
  target.server_name = !group.server_name.empty() ? group.server_name
                       : endpoint.service ? endpoint.authority  // RFC 6125: the domain that was looked up
                                          : endpoint.host;
  target.connect_limit = group.connect_limit;
  if (group.proxy_protocol) target.proxy_header = net::write_proxy_header(*group.proxy_protocol, client);
  return target;
}

Lease take_idle(base::Turn& turn, net::Dialer& dialer, const Group& group, size_t index, Permit& permit,
                base::Duration longest) {
  const EndpointModel& model = group.model().endpoints[index];
  Endpoint& endpoint = *permit.endpoint();
  std::unique_ptr<http1::ClientConnection> connection = endpoint.take_idle(longest);
  while (connection && model.looked_up && !dialer.leads_to(model.host, model.service, connection->peer())) {
    turn.graveyard.bury(std::move(connection));
    connection = endpoint.take_idle(longest);
  }
  if (!connection) return {};
  connection->begin_stream();
  return Lease(turn, std::move(permit), std::move(connection));
}

base::Task<base::Result<Lease>> connect(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                        const Group& group, size_t index,
                                        const std::optional<net::ProxyRoute>& client, Permit& permit,
                                        std::string& tried) {
  const net::DialTarget target = target_of(group.model(), group.model().endpoints[index], client);
  base::Task<base::Result<std::unique_ptr<net::Transport>>> dialling = dialer.dial(scope, target, tried);
  base::Result<std::unique_ptr<net::Transport>> transport = co_await dialling;
  if (!transport) {
    // A client that left in the meantime says nothing about the endpoint.
    if (base::traits(transport.error().cause).fault == base::Side::upstream) permit.endpoint()->cool_down();
    co_return base::fail(transport.error());
  }
  auto connection =
      std::make_unique<http1::ClientConnection>(turn, std::move(*transport), response_limits(group.model()));
  connection->begin_stream();
  Lease lease(turn, std::move(permit), std::move(connection));
  co_return std::move(lease);
}

}  // namespace postern::upstream
