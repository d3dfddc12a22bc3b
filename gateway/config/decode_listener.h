// The `listeners` part of a file.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Adds to document.listeners; problems go to the value's diagnostics.
void decode_listeners(const Value& value, Document& document);

}  // namespace postern::config
