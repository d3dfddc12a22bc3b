// What an upstream does about endpoints that fail: retries, ejection, holding.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// `fields` are those of an upstream.
void decode_resilience(const Fields& fields, UpstreamDocument& upstream);

}  // namespace postern::config
