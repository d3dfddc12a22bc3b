// Reads what it can from the head of a refused request (method, target, host), for the log and for an answer
// in the client's format. No decision may be based on the result.
#pragma once

#include <string_view>

#include "http/head.h"

namespace postern::http1 {

// `text`: the received part of the head, or all of it. The result has the method, target, host, version and
// those fields that are well-formed. It is empty when the first line is not a request line, since the bytes
// may then belong to a body. User information (user:password@) is removed from target and host.
http::RequestHead read_refused_head(std::string_view text);

}  // namespace postern::http1
