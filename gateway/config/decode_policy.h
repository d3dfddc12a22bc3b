// The `origins` and `jwt` parts of a file: lists of origins and ways to check tokens.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Adds to document.origins; problems go to the value's diagnostics.
void decode_origins(const Value& value, Document& document);

// Adds to document.jwt. No diagnostic repeats a secret.
void decode_jwt(const Value& value, Document& document);

}  // namespace postern::config
