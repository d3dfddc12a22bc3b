// The Cookie fields of a request (RFC 6265 5.4), read as lenient backends read them: white space around a
// name and around its value does not count.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "http/head.h"

namespace postern::http {

// Calls `visit(pair, name, value)` for every pair of one Cookie field's value; `pair` is both, trimmed, as
// they came.
template <class Visit>
void each_cookie(std::string_view cookies, Visit&& visit) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = base::trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    visit(pair, base::trim(pair.substr(0, equals)),
          equals == pair.npos ? std::string_view() : base::trim(pair.substr(equals + 1)));
  }
}

// Takes every cookie of this name out of the request. The others become one Cookie field, each byte for byte;
// a request without such a cookie stays as it is.
void remove_cookie(RequestHead& request, std::string_view name);

}  // namespace postern::http
