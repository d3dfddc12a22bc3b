// `postern check --probe`: a connection to each endpoint, opened and closed again.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::app {

// Adds a warning for each endpoint that nobody listens on, and each name that is not known. Never an error: a
// backend may start later. Blocks, at most 2 s for an endpoint; endpoints that an SRV record names are left
// out.
void probe_endpoints(const config::Document& document, config::Diagnostics& findings);

}  // namespace postern::app
