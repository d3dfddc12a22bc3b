#include "upstream/connector.h"

#include <algorithm>

#include "base/error.h"
#include "http1/client_connection.h"

namespace postern::upstream {
namespace {

// In HTTP/1.1 a connection carries one stream at a time, and is that stream itself.
class Http1Connection final : public Connection, public base::Pooled, private http1::ClientConnection::Owner {
 public:
  Http1Connection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                  const http::MessageLimits& limits)
      : connection_(turn, std::move(transport), limits) {}

  bool has_room() const override { return state_ == State::idle; }
  http::UpstreamStream& open_stream() override {
    state_ = State::streaming;
    connection_.begin_stream();
    return connection_;
  }
  void close_stream(http::UpstreamStream&) override {
    const bool is_clean = state_ == State::streaming && connection_.reusable();
    state_ = is_clean ? State::idle : State::over;
    http1::ClientConnection::Owner& self = *this;
    if (is_clean) connection_.park(self);
  }
  void retire() override { state_ = State::over; }
  bool transport_taken() const override { return connection_.transport_taken(); }
  const net::Peer& peer() const override { return connection_.peer(); }
  std::optional<base::Duration> idle_limit() const override { return connection_.idle_limit(); }

 private:
  enum class State : uint8_t { idle, streaming, over };

  void on_idle_closed(http1::ClientConnection&) override {
    state_ = State::over;
    tell_room_changed();
  }

  http1::ClientConnection connection_;
  State state_ = State::idle;
};

http::MessageLimits response_limits(const GroupModel& group) {
  http::MessageLimits limits;
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

std::unique_ptr<Connection> make_connection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                                            const http::MessageLimits& limits) {
  return std::make_unique<Http1Connection>(turn, std::move(transport), limits);
}

Lease Connector::reuse(const Group& group, size_t index, Permit& permit, base::Duration longest) const {
  const EndpointModel& model = group.model().endpoints[index];
  Pool& pool = permit.endpoint()->pool();
  Connection* connection = pool.find(longest);
  while (connection && model.looked_up && !dialer_.leads_to(model.host, model.service, connection->peer())) {
    pool.let_go(*connection);
    connection = pool.find(longest);
  }
  if (!connection) return {};
  http::UpstreamStream& stream = pool.open_stream(*connection);
  return {std::move(permit), *connection, stream};
}

base::Task<base::Result<Lease>> Connector::connect(base::Scope& scope, const Group& group, size_t index,
                                                   const std::optional<net::ProxyRoute>& client,
                                                   Permit& permit, std::string& tried) const {
  const net::DialTarget target = target_of(group.model(), group.model().endpoints[index], client);
  base::Task<base::Result<std::unique_ptr<net::Transport>>> dialling = dialer_.dial(scope, target, tried);
  base::Result<std::unique_ptr<net::Transport>> transport = co_await dialling;
  if (!transport) {
    // A client that left in the meantime says nothing about the endpoint.
    if (base::traits(transport.error().cause).fault == base::Side::upstream) permit.endpoint()->cool_down();
    co_return base::fail(transport.error());
  }
  Pool& pool = permit.endpoint()->pool();
  Connection& connection = pool.add(begin(std::move(*transport), response_limits(group.model())));
  http::UpstreamStream& stream = pool.open_stream(connection);
  Lease lease(std::move(permit), connection, stream);
  co_return std::move(lease);
}

}  // namespace postern::upstream
