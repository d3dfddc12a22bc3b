// The result of choosing an endpoint: a permit of one; or all usable endpoints are at their limit; or there
// is no endpoint to try.
#pragma once

#include "upstream/permit.h"

namespace postern::upstream {

struct Pick {
  size_t index = 0;  // valid with a permit
  Permit permit;
  bool at_limit = false;
  bool stands_in = false;  // replaces the session's endpoint, which is only at its limit
};

}  // namespace postern::upstream
