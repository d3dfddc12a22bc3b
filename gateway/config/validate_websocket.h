// What the `websocket` sections say that has no effect, or lets nothing pass.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Judges what holds for each route that has an upstream, and only where the file says so: what holds by
// default is never a problem.
void validate_websocket(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
