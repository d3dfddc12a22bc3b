// What a client says it would like to get (RFC 9110 12.4.2, 12.5.1).
#pragma once

#include <string_view>

#include "http/headers.h"

namespace postern::http {

// How much the client wants a media type, in thousandths: 1000 is most, 0 not at all. By the most specific
// range that fits ("text/html" before "text/*" before "*/*"), over all Accept fields; parameters of ranges
// other than q are passed over. What is not well-formed says nothing. Without an Accept field everything is
// wanted.
int media_quality(const Headers& headers, std::string_view type, std::string_view subtype);

}  // namespace postern::http
