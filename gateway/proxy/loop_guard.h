// Finds requests that come back to the gateway through the upstream they were sent to. Each request to an
// endpoint carries CDN-Loop (RFC 8586), a list that proxies in between leave as it is, with an element that
// names this process and the route. A request that arrives with the element of the very route that would send
// it on goes round for ever; one with another route's element was meant to pass here twice.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/headers.h"

namespace postern::proxy {

// The element of one route, by a random text of this process and the route's number.
std::string loop_mark(std::string_view process, size_t route);

bool comes_back(const http::Headers& headers, std::string_view mark);

}  // namespace postern::proxy
