// Formats and parses the dates of header fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::http {

// The IMF-fixdate of RFC 9110 5.6.7 ("Sun, 06 Nov 1994 08:49:37 GMT") for seconds since 1970. It is formatted
// once per second and thread; the view is valid until this thread asks for another second.
std::string_view imf_fixdate(int64_t unix_seconds);

// Returns the seconds since 1970 of an HTTP-date in any of the three forms that a recipient must accept (RFC
// 9110 5.6.7). `now_unix` decides the century of a two-digit year. Returns nothing when the text has none of
// the three forms or names a day that does not exist.
std::optional<int64_t> parse_http_date(std::string_view text, int64_t now_unix);

}  // namespace postern::http
