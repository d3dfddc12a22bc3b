// How requests and responses of a route are changed: rewrite, host, rewrite_location, cookies.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Reads these keys of a route, and complains about those that its action has no use for.
void decode_rewriting(const Fields& fields, RouteDocument& route);

// preserve, upstream, or a host with or without a port.
std::optional<HostDocument> decode_host_sent(const Value& value);

}  // namespace postern::config
