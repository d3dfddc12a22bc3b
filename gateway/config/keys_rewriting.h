// The keys of a route that change a request on its way to the upstream: `rewrite` and `cookies`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<PathRewriteDocument>& rewrite_keys();
const Keys<policy::CookieRulesOptions>& cookie_keys();

// Checks `rewrite` against the other keys of the route, and that a route that answers by itself has no keys
// for what goes to an upstream.
void check_rewriting(const Fields& fields, RouteDocument& route);

}  // namespace postern::config
