// Writes the operator's status report as JSON:
//   {"findings":[{"finding":"silent_route","meaning":…,"remedy":…,"route":"chat","sockets":3}],
//    "health":"serving","http_connections_open":2,"websockets_open":3,
//    "upstreams":[{"upstream":"api","endpoints":[{"endpoint":"http://127.0.0.1:3000","state":"ejected",
//      "workers":4,"workers_up":3,"ejected_for_ms":8200,"in_flight":5,"connections_idle":2,"deviations":0}]}]}
// A finding about an endpoint has "upstream", "endpoint" and "responses" instead of "route" and "sockets". An
// endpoint's state is the worst of its states in any worker: "unhealthy" (its health checks fail), "ejected"
// (after failures a worker does not use it for a time; each worker judges by its own traffic), "unreachable"
// (for one second after a failed connect), "up".
#pragma once

#include <string>

#include "admin/source.h"
#include "telemetry/metrics.h"

namespace postern::admin {

std::string status_json(Health health, const telemetry::Totals& totals);

}  // namespace postern::admin
