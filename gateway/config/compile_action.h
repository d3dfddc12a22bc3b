// What becomes of a route's requests, as it runs.
#pragma once

#include "config/document.h"
#include "routing/action.h"

namespace postern::config {

// Of a document without errors: what it refers to is there. Files that it names are read now; problems with
// them are said of what stands at `key`.
routing::Action compile_action(const Document& document, const RouteDocument& route, const std::string& key,
                               Diagnostics& problems);

}  // namespace postern::config
