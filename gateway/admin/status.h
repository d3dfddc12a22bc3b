// What an operator wants to know first, as JSON:
//   {"findings":[{"finding":"silent_route","meaning":…,"remedy":…,"route":"chat","sockets":3}],
//   (findings about an endpoint have "upstream", "endpoint" and "responses" in place of "route" and
//   "sockets")
//    "health":"serving","http_connections_open":2,"websockets_open":3,
//    "upstreams":[{"upstream":"api","endpoints":[{"endpoint":"http://127.0.0.1:3000","state":"ejected",
//      "workers":4,"workers_up":3,"ejected_for_ms":8200,"in_flight":5,"connections_idle":2,"deviations":0}]}]}
// Of an endpoint's states the worst that any worker has it in: "unhealthy" (its health checks fail),
// "ejected" (its failures made a worker pass it over for a time; each worker judges by its own traffic),
// "unreachable" (for the second after a connect that failed), "up".
#pragma once

#include <string>

#include "admin/source.h"
#include "telemetry/metrics.h"

namespace postern::admin {

std::string status_json(Health health, const telemetry::Totals& totals);

}  // namespace postern::admin
