// The keys of `origins`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<OriginsDocument>& origin_keys();

}  // namespace postern::config
