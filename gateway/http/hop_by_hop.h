// Removes the hop-by-hop fields, which concern one connection and must not be forwarded (RFC 9110 7.6.1).
#pragma once

#include "http/headers.h"

namespace postern::http {

// Removes Connection, the fields that it names, and the other fields of one connection: Keep-Alive,
// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings, Proxy-Authenticate and
// Proxy-Authorization. It works on requests and responses, and runs before the gateway adds its own fields.
// Connection may name fields that the gateway does not know. Where it names a field that is always end-to-end
// (Host, Authorization, Cookie, Content-Length, X-Forwarded-* and the like), that name is ignored: otherwise
// a client could remove fields that the endpoint bases its decisions on.
void remove_hop_by_hop(Headers& headers);

}  // namespace postern::http
