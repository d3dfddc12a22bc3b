// The bytes that a message was refused for, fit for a log line: printable, cut, and without what may be a
// secret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::http1 {

inline constexpr size_t specimen_limit = 64;  // bytes of the message; an escape takes up to four characters

// The line of `head`, or of trailers, in which `at` stands, with "***" for a query, for the value of a field
// that is not about framing or addressing, and for what is no field. The byte at `at` is shown in any case,
// unless it is a letter, a digit or the like, which says nothing.
std::string specimen_of_line(std::string_view head, size_t at, bool has_start_line = true);

// What stands where framing was expected: a few bytes only, for they may be of a body.
std::string specimen_of_body(std::string_view bytes);

}  // namespace postern::http1
