// Finds upstreams that lead back to the gateway.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Warns of endpoints that are listeners of the same file. Names are not resolved: a loop through another name
// is found when a request comes back (cause `loop`).
void warn_of_loops(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
