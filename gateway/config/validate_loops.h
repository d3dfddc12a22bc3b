// Upstreams that lead back to the gateway.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Warns of endpoints that are listeners of the same file. Only what the file itself says is looked at: a name
// that leads here is found when a request comes back (cause loop).
void warn_of_loops(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
