// An excerpt of the bytes that a message was refused for, safe for a log line: printable, shortened, and
// without possible secrets.
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

// Returns the line of `head`, or of trailers, that contains position `at`, with "***" in place of a query, of
// user information (user:password@), of the value of a field that is not about framing or addressing, and of
// anything that is not a field. Of a first line that is not a request line only a few bytes are shown: it may
// be body data beyond the announced length. The byte at `at` is always shown, unless it is a letter, a digit
// or the like, which would explain nothing.
std::string excerpt_of_line(std::string_view head, size_t at, StartLine first);

// An excerpt of the bytes found where chunk framing was expected: only a few, since they may belong to a
// body.
std::string excerpt_of_body(std::string_view bytes);

}  // namespace postern::http1
