// The `upstreams` part of a file, and upstreams written into a route.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Adds to document.upstreams; problems go to the value's diagnostics.
void decode_upstreams(const Value& value, Document& document);

// `upstream: http://127.0.0.1:3000` in a route: an upstream of one endpoint, named by its URL and added once.
void decode_inline_upstream(const Value& value, Document& document);

}  // namespace postern::config
