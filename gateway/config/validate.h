// Checks the parts of a document against each other: names that must exist, contradictions, routes that no
// request reaches. Single values were checked by decoding (config/decode.h).
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Adds every problem to `diagnostics`, and warnings about what works but is likely a mistake. The document
// may come from a file with errors, or be made by a program.
void validate(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
