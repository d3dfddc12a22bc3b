// `postern check --probe`: fetches the keys of each provider once.
#pragma once

#include <memory>
#include <vector>

#include "config/diagnostics.h"
#include "config/document.h"
#include "identity/key_source.h"

namespace postern::app {

// Adds a warning for each provider whose keys cannot be fetched, and for each of its keys that cannot be
// used; never an error, since a provider may start later. `sources` are those of `document`. Blocks for at
// most two times jwt.*.fetch.timeout for each.
void probe_keys(const config::Document& document,
                const std::vector<std::shared_ptr<const identity::KeySource>>& sources,
                config::Diagnostics& findings);

}  // namespace postern::app
