// The fields that are about one connection and must not be carried to another (RFC 9110 7.6.1).
#pragma once

#include "http/headers.h"

namespace postern::http {

// Takes Connection, the fields it names, and the other fields of one connection out of `headers`: Keep-Alive,
// Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings, Proxy-Authenticate and
// Proxy-Authorization. Works on requests and responses, before the gateway adds fields of its own.
// Connection may name fields nobody else knows; where it names one that is never about a connection (Host,
// Authorization, Cookie, Content-Length, X-Forwarded-* and the like), that name is ignored: obeying it would
// let a client take away what the endpoint decides by.
void remove_hop_by_hop(Headers& headers);

}  // namespace postern::http
