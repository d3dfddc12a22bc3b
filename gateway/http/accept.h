// Content negotiation: which media types a client prefers (RFC 9110 12.4.2, 12.5.1).
#pragma once

#include <string_view>

#include "http/head.h"

namespace postern::http {

// Returns the quality value that the Accept fields give a media type, in thousandths: 1000 is the highest, 0
// means that the type is not acceptable. The most specific matching range decides ("text/html" before
// "text/*" before "*/*"), across all Accept fields. Parameters of a range other than q are ignored, and so is
// a malformed element. Without an Accept field every type has 1000.
int media_quality(const Headers& headers, std::string_view type, std::string_view subtype);

// Whether the client asks for events, as a browser's EventSource does.
bool wants_events(const RequestHead& request);

}  // namespace postern::http
