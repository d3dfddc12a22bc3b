// Limits with their inheritance: the document, a listener, a route.
#pragma once

#include <initializer_list>

#include "config/document.h"
#include "proxy/snapshot.h"

namespace postern::config {

// What the last of `documents` that says something says, or else the default.
proxy::ListenerLimits listener_limits(std::initializer_list<const ListenerLimitsDocument*> documents);

routing::RouteLimits route_limits(const TransferLimitsDocument& document);

}  // namespace postern::config
