// The bytes that a message was refused for, fit for a log line: printable, cut, and without what may be a
// secret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http1/reading.h"

namespace postern::http1 {

inline constexpr size_t excerpt_limit = 64;  // bytes of the message; an escape takes up to four characters

enum class StartLine : uint8_t { none, request, response };
inline StartLine start_line(Reading reading) {
  return reading == Reading::strict ? StartLine::request : StartLine::response;
}

// The line of `head`, or of trailers, in which `at` stands, with "***" for a query, for user information
// (user:password@), for the value of a field that is not about framing or addressing, and for what is no
// field. Of a first line that is no request line little is shown: it may be what a body had beyond its
// length. The byte at `at` is shown in any case, unless it is a letter, a digit or the like, which says
// nothing.
std::string excerpt_of_line(std::string_view head, size_t at, StartLine first);

// What stands where framing was expected: a few bytes only, for they may be of a body.
std::string excerpt_of_body(std::string_view bytes);

}  // namespace postern::http1
