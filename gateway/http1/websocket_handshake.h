// Checks the opening handshake (RFC 6455 4) on both sides of the gateway. The handshake itself is forwarded:
// key, accept value, subprotocols and extensions pass unchanged.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "http/head.h"

namespace postern::http1 {

// Whether the client's request is a version 13 handshake. The error is a sentence for the client.
tl::expected<void, std::string_view> check_websocket_request(const http::RequestHead& head);

// Whether a 101 response matches the request as it was sent. The error names the field.
tl::expected<void, std::string_view> check_websocket_response(const http::RequestHead& request,
                                                              const http::ResponseHead& response);

// Computes Sec-WebSocket-Accept for a key.
std::string websocket_accept(std::string_view key);

}  // namespace postern::http1
