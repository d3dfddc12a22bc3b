// What an operator wants to know first, as JSON:
//   {"findings":[{"finding":"silent_route","meaning":…,"remedy":…,"route":"chat","sockets":3}],
//   (findings about an endpoint have "upstream", "endpoint" and "responses" in place of "route" and
//   "sockets")
//    "health":"serving","http_connections_open":2,"websockets_open":3}
#pragma once

#include <string>

#include "admin/source.h"
#include "telemetry/metrics.h"

namespace postern::admin {

std::string status_json(Health health, const telemetry::Totals& totals);

}  // namespace postern::admin
