// A tree of nodes to a Document: every key gets its type, and everything that can be known from one value
// alone is checked here. What one part says about another is for config/validate.h.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"
#include "config/yaml_reader.h"

namespace postern::config {

// Decodes what can be decoded and adds a problem for everything that cannot; with errors in `diagnostics` the
// document is only good for validate(). Fills all but Document::file and Document::warnings.
Document decode(const Node& root, Diagnostics& diagnostics);

}  // namespace postern::config
