// What the matches of routes say about each other.
#pragma once

#include "config/document.h"

namespace postern::config {

// Says which routes can never be taken, and where one that seems more specific is not.
void validate_routes(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
