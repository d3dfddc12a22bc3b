// The `rate_limits` part of a file.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

void decode_rate_limits(const Value& value, Document& document);

}  // namespace postern::config
