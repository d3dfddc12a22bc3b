// The keys of `refresh_calls` of a route.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<RefreshCallsDocument>& refresh_calls_keys();

}  // namespace postern::config
