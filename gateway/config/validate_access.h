// Finds ways into a route that contradict each other: basic_auth, jwt, forward_auth, allow, and
// `access`.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

void validate_access(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
