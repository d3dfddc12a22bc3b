// What came of choosing an endpoint: a place at one; or all that could be asked are at their limit; or there
// is none to ask.
#pragma once

#include "upstream/place.h"

namespace postern::upstream {

struct Pick {
  size_t index = 0;  // with a place
  Place place;
  bool at_limit = false;
  bool stands_in = false;  // for the endpoint of the session, which is only at its limit
};

}  // namespace postern::upstream
