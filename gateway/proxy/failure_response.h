// The gateway's own answers: from a LocalResponse, or from an Error by way of the one table, to a head and a
// body that a client can understand.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/head.h"
#include "http/local_response.h"

namespace postern::proxy {

// Fills `head` (framing `length`) and gives the body. A refusal's body is JSON:
//   {"error":"token_expired","message":"…","remedy":"…","detail":"…","request_id":"…"}
// The detail is left out when the fault is not the client's: what lies behind the gateway is for its log.
std::string render(const http::LocalResponse& response, std::string_view request_id, int64_t now_unix,
                   http::ResponseHead& head);

http::LocalResponse failure_response(base::Error error, std::string detail);

}  // namespace postern::proxy
