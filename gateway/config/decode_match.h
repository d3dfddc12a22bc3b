// Which requests a route takes: the `match` of a route.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Into route.hosts, paths, exact, methods and conditions; problems go to the value's diagnostics.
void decode_match(const Value& value, RouteDocument& route);

}  // namespace postern::config
