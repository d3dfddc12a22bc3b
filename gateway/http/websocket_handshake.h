// The opening handshake of a WebSocket (RFC 6455 4, RFC 8441) as far as it is the same in every protocol: its
// version, subprotocols and extensions, checked on both sides of the gateway. What is special to a protocol,
// such as the key of HTTP/1.1, is checked by its module: see RequestHead::upgrade_problem.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "http/head.h"

namespace postern::http {

// Whether the client's request is a version 13 handshake. The error is a sentence for the client.
tl::expected<void, std::string_view> check_websocket_request(const RequestHead& head);

// Whether a head that opens a tunnel matches the request as it was sent. The error names the field.
tl::expected<void, std::string_view> check_websocket_response(const RequestHead& request,
                                                              const ResponseHead& response);

}  // namespace postern::http
