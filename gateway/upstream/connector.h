// From a permit of an endpoint to a connection that can take a request: from the pool, or dialled.
#pragma once

#include <optional>
#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "net/dialer.h"
#include "upstream/group.h"
#include "upstream/lease.h"

namespace postern::upstream {

// A pooled connection's endpoint may be closing it this very moment. What may be repeated takes any; what may
// not takes only one that was idle for less than the shortest keep-alive limit that servers commonly have
// (Node and uvicorn: 5 s).
inline constexpr base::Duration fresh_max_age = std::chrono::seconds(4);

// What a dialer needs to know of an endpoint. It borrows from the group's model. `client`: whose connection
// it is for, where the group's endpoints are told; nothing: our own.
net::DialTarget target_of(const GroupModel& group, const EndpointModel& endpoint,
                          const std::optional<net::ProxyRoute>& client = std::nullopt);

// Both take the permit with a lease, and leave it where it is without one.

// Ready at once, or empty when the pool of the group's endpoint `index` has none that was idle at most
// `longest`. Connections to where the endpoint's name no longer leads are closed.
Lease take_idle(base::Turn& turn, net::Dialer& dialer, const Group& group, size_t index, Permit& permit,
                base::Duration longest);

// Dials the group's endpoint `index`, whose permit `permit` is. `tried` gets the account of every address; on
// failure the endpoint rests for a moment.
base::Task<base::Result<Lease>> connect(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                        const Group& group, size_t index,
                                        const std::optional<net::ProxyRoute>& client, Permit& permit,
                                        std::string& tried);

}  // namespace postern::upstream
