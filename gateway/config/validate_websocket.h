// Finds keys of `websocket` sections that have no effect, or that let no message pass.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Checks the settings of each route that has an upstream, but reports only keys that the file sets: a default
// is never a problem.
void validate_websocket(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
