// What came of choosing an endpoint: a permit of one; or all that could be asked are at their limit; or there
// is none to ask.
#pragma once

#include "upstream/permit.h"

namespace postern::upstream {

struct Pick {
  size_t index = 0;  // with a permit
  Permit permit;
  bool at_limit = false;
  bool stands_in = false;  // for the endpoint of the session, which is only at its limit
};

}  // namespace postern::upstream
