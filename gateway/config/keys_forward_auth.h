// The keys of `forward_auth` of a route.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<ForwardAuthDocument>& forward_auth_keys();

}  // namespace postern::config
