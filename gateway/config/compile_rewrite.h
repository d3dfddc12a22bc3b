// How a route changes requests and responses, as it runs.
#pragma once

#include <memory>

#include "config/diagnostics.h"
#include "config/document.h"
#include "policy/header_rules.h"
#include "routing/rewriting.h"

namespace postern::config {

// Of document.routes[index]. Expressions are compiled here, and what is wrong with them goes to `problems`.
routing::Rewriting compile_rewriting(const Document& document, size_t index, Diagnostics& problems);

// The document's rules for fields, and the route's behind them, if there is one; null: there are none.
std::unique_ptr<const policy::HeaderRules> header_rules(const Document& document, const RouteDocument* route);

}  // namespace postern::config
