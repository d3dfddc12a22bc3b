// Detects requests that come back to the gateway through the upstream they were sent to. Each request to an
// endpoint carries CDN-Loop (RFC 8586), a list that intermediate proxies leave unchanged, with an element for
// this process and the route. A request that arrives with the element of the same route that would forward it
// is in an endless loop; a request with the element of another route passes the gateway twice on purpose.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/headers.h"

namespace postern::proxy {

// The element of one route, made from a random text of this process and the route's number.
std::string loop_mark(std::string_view process, size_t route);

bool comes_back(const http::Headers& headers, std::string_view mark);

}  // namespace postern::proxy
