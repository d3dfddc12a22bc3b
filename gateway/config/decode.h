// Decodes a tree of nodes into a Document. Every value gets its type here, and everything that one value
// alone can show is checked. What depends on several parts of the file is checked in config/validate.h.
#pragma once

#include "config/diagnostics.h"
#include "config/document.h"
#include "config/yaml_reader.h"

namespace postern::config {

// Decodes everything that can be decoded, and adds a problem for everything else. If `diagnostics` has errors
// afterwards, use the document for validate() only. Sets all members but Document::file and
// Document::warnings.
Document decode(const Node& root, Diagnostics& diagnostics);

}  // namespace postern::config
