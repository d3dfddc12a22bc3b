// The keys of `jwt`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<JwtDocument>& jwt_keys();

}  // namespace postern::config
