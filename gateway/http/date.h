// Dates as fields carry them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::http {

// The IMF-fixdate of RFC 9110 5.6.7 ("Sun, 06 Nov 1994 08:49:37 GMT") for seconds since 1970. Made once per
// second and thread; the view is valid until this thread asks for another second.
std::string_view imf_fixdate(int64_t unix_seconds);

// Seconds since 1970 of an HTTP-date in any of the three forms that a recipient must read (RFC 9110 5.6.7).
// `now_unix` decides the century of a two-digit year. Nothing when it is none of the three, or no such day.
std::optional<int64_t> parse_http_date(std::string_view text, int64_t now_unix);

}  // namespace postern::http
