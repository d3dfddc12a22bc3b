// Opens a stream for a request from an endpoint's permit: on a connection of the pool, or by dialling. It is
// the one place of this module that knows the wire protocols.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "http/limits.h"
#include "net/dialer.h"
#include "upstream/group.h"
#include "upstream/lease.h"

namespace postern::upstream {

// The endpoint of a pooled connection may close it at any moment. A request that may be repeated takes any
// pooled connection; another request takes only one that was idle for less than the shortest common
// keep-alive timeout of servers (Node and uvicorn: 5 s).
inline constexpr base::Duration fresh_max_age = std::chrono::seconds(4);

// The dial target of an endpoint. It points into the group's model, which must outlive it. `client` is sent
// in the PROXY header where the group uses one; nothing: a connection of the gateway's own.
net::DialTarget target_of(const GroupModel& group, const EndpointModel& endpoint,
                          const std::optional<net::ProxyRoute>& client = std::nullopt);

// Makes a connection over a dialled transport, in the protocol that both sides agreed on.
std::unique_ptr<Connection> make_connection(base::Turn& turn, std::unique_ptr<net::Transport> transport,
                                            const http::MessageLimits& limits);

class Connector {
 public:
  // Both outlive the connector.
  Connector(base::Turn& turn, net::Dialer& dialer) : turn_(turn), dialer_(dialer) {}
  virtual ~Connector() = default;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Both functions move the permit into the lease; without a lease they leave it in `permit`.

  // Returns at once; the lease is empty when the pool of the group's endpoint `index` has no connection with
  // room for a stream, or none that was idle for at most `longest`. Connections to an address that the
  // endpoint's name no longer resolves to are let go.
  Lease reuse(const Group& group, size_t index, Permit& permit, base::Duration longest) const;
  // Dials the group's endpoint `index`, to which `permit` belongs. `tried` receives a report about every
  // address. When an error is the endpoint's fault, the endpoint cools down.
  base::Task<base::Result<Lease>> connect(base::Scope& scope, const Group& group, size_t index,
                                          const std::optional<net::ProxyRoute>& client, Permit& permit,
                                          std::string& tried) const;

 private:
  // Does what make_connection() does; a test may use a protocol of its own.
  virtual std::unique_ptr<Connection> begin(std::unique_ptr<net::Transport> transport,
                                            const http::MessageLimits& limits) const {
    return make_connection(turn_, std::move(transport), limits);
  }

  base::Turn& turn_;
  net::Dialer& dialer_;
};

}  // namespace postern::upstream
