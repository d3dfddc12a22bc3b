// Makes a connection for a request from an endpoint's permit: from the connection pool, or by dialling.
#pragma once

#include <optional>
#include <string>

#include "base/scope.h"
#include "base/task.h"
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

// Both functions move the permit into the lease; without a lease they leave it in `permit`.

// Returns at once; the lease is empty when the pool of the group's endpoint `index` has no connection that
// was idle for at most `longest`. Connections to an address that the endpoint's name no longer resolves to
// are closed.
Lease take_idle(base::Turn& turn, net::Dialer& dialer, const Group& group, size_t index, Permit& permit,
                base::Duration longest);

// Dials the group's endpoint `index`, to which `permit` belongs. `tried` receives a report about every
// address. When an error is the endpoint's fault, the endpoint cools down.
base::Task<base::Result<Lease>> connect(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                        const Group& group, size_t index,
                                        const std::optional<net::ProxyRoute>& client, Permit& permit,
                                        std::string& tried);

}  // namespace postern::upstream
