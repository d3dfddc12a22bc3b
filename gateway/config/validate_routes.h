// Checks the matches of routes against each other.
#pragma once

#include "config/document.h"

namespace postern::config {

// Reports routes that no request can reach, and warns where a route with a more specific path loses to one
// with a more specific host.
void validate_routes(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
