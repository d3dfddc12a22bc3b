// Compiles the action of a route: what the gateway does with its requests.
#pragma once

#include "config/document.h"
#include "routing/action.h"

namespace postern::config {

// The document must have no errors, so that everything it refers to exists. Reads the files that the action
// names, and blocks meanwhile. `key` is the key path of the route ("routes[0]"), for `problems`.
routing::Action compile_action(const Document& document, const RouteDocument& route, const std::string& key,
                               Diagnostics& problems);

}  // namespace postern::config
