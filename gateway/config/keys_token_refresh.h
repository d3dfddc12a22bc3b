// The keys of `refresh` of a route's jwt.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<TokenRefreshDocument>& token_refresh_keys();

}  // namespace postern::config
