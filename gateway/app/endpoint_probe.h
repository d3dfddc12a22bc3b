// `postern check --probe`: opens a connection to each endpoint and closes it again.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::app {

// Adds a warning for each endpoint where nothing listens, and for each name that cannot be resolved. It never
// adds an error, since a backend may start later. Blocks for at most 2 s per endpoint. Endpoints from an SRV
// record are not probed.
void probe_endpoints(const config::Document& document, config::Diagnostics& findings);

}  // namespace postern::app
