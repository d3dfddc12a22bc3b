// The part of a WebSocket's opening handshake that only HTTP/1.1 has (RFC 6455 4): a key, the value that
// answers it, and the fields that leave HTTP. The rest of the handshake is in http/websocket_handshake.h.
#pragma once

#include <string>
#include <string_view>

#include "http/head.h"

namespace postern::http1 {

// Returns what is wrong with the key of a request, as a sentence for the client; empty: nothing is wrong.
std::string_view websocket_key_problem(const http::RequestHead& head);

// Returns what is wrong with a 101 that must carry `accept`; the sentence names the field. Empty: nothing is
// wrong.
std::string_view websocket_answer_problem(const http::ResponseHead& head, std::string_view accept);

// Sec-WebSocket-Accept for a key.
std::string websocket_accept(std::string_view key);

// Makes a key for a request that was received by another protocol, which has no keys.
std::string new_websocket_key();

}  // namespace postern::http1
