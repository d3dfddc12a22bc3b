// The Date field's value.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::http {

// The IMF-fixdate of RFC 9110 5.6.7 ("Sun, 06 Nov 1994 08:49:37 GMT") for seconds since 1970. Made once per
// second and thread; the view is valid until this thread asks for another second.
std::string_view imf_fixdate(int64_t unix_seconds);

}  // namespace postern::http
