// What becomes of a route's requests, as it runs.
#pragma once

#include "config/document.h"
#include "policy/maintenance.h"
#include "routing/action.h"

namespace postern::config {

// Of a document without errors: what it refers to is there.
routing::Action compile_action(const Document& document, const RouteDocument& route);

policy::MaintenanceOptions maintenance_options(const MaintenanceDocument& document);

}  // namespace postern::config
