// Compiles how a route changes requests and responses.
#pragma once

#include <memory>

#include "config/diagnostics.h"
#include "config/document.h"
#include "policy/header_rules.h"
#include "routing/rewriting.h"

namespace postern::config {

// Compiles the rewriting of document.routes[index]. An expression that does not compile is added to
// `problems`.
routing::Rewriting compile_rewriting(const Document& document, size_t index, Diagnostics& problems);

// Returns the document's rules for header fields, followed by those of `route` unless it is null. Null: there
// are no rules.
std::unique_ptr<const policy::HeaderRules> header_rules(const Document& document, const RouteDocument* route);

}  // namespace postern::config
