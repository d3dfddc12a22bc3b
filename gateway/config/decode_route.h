// The `routes` part of a file.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// paths: unchanged or strict. Nothing: a problem was reported.
std::optional<bool> decode_strict_paths(const Value& value);

// Adds to document.routes, and to document.upstreams what routes write in place; problems go to the value's
// diagnostics.
void decode_routes(const Value& value, Document& document);

}  // namespace postern::config
