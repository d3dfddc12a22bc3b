// Which fields may stand behind a body.
#pragma once

#include "http/headers.h"

namespace postern::http {

// RFC 9110 6.5.1: nothing that steers framing, routing, caching, authentication or how a body is read may
// come after it, for a reader that merges trailers into the head would obey it too late, or past the rules
// that the head was judged by. Digests, Server-Timing, grpc-status and an application's own fields may.
bool may_be_trailer(const HeaderField& field);

}  // namespace postern::http
