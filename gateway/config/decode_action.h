// What a route does with its requests: upstream, respond, redirect, maintenance.
#pragma once

#include "config/document.h"
#include "config/fields.h"

namespace postern::config {

// Reads these keys of a route, and sees to it that there is exactly one action. Adds to document.upstreams
// what the route writes in place.
void decode_action(const Fields& fields, RouteDocument& route, Document& document);

}  // namespace postern::config
