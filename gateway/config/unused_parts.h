// Warns of upstreams, origin lists, token rules and rate limits that no route uses: they do nothing where
// they stand, and who wrote them most likely means them to.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

void warn_of_unused_parts(const Document& document, Diagnostics& findings);

}  // namespace postern::config
