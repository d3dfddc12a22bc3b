// What the parts of a document say about each other: names that must exist, things that contradict, routes
// that no request reaches. Single values were checked by decoding (config/decode.h).
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Adds every problem to `diagnostics`, and warnings about what works but should not be left so. The document
// may come from a file with errors, or be put together by hand.
void validate(const Document& document, Diagnostics& diagnostics);

}  // namespace postern::config
