// Which fields are allowed in trailers.
#pragma once

#include "http/headers.h"

namespace postern::http {

// RFC 9110 6.5.1: fields that control framing, routing, caching, authentication or the interpretation of a
// body are not allowed after it. A reader that merges trailers into the head would obey them too late, or
// bypass the rules that the head was checked against. Digests, Server-Timing, grpc-status and an
// application's own fields are allowed.
bool may_be_trailer(const HeaderField& field);

}  // namespace postern::http
