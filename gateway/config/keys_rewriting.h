// The keys of a route that change a request on its way to the upstream: `rewrite` and `cookies`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<PathRewriteDocument>& rewrite_keys();
const Keys<policy::CookieRulesOptions>& cookie_keys();

// What `rewrite` needs of the rest of its route, and what is for routes with an upstream alone.
void check_rewriting(const Fields& fields, RouteDocument& route);

}  // namespace postern::config
