// The keys of `backchannel_logout` of a route.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<BackchannelLogoutDocument>& backchannel_logout_keys();

}  // namespace postern::config
