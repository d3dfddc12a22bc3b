// Warns of upstreams, origin lists, jwt sections and rate limits that no route uses: they have no effect, and
// were most likely meant to have one.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

void warn_of_unused_parts(const Document& document, Diagnostics& findings);

}  // namespace postern::config
