// Reads the Cookie fields of a request (RFC 6265 5.4) as lenient backends do: white space around a name and
// around its value is ignored.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.h"
#include "http/head.h"

namespace postern::http {

// Calls `visit(pair, name, value)` for every pair in the value of one Cookie field. `pair` is the whole pair
// as it was received, trimmed.
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

// Removes every cookie of this name from the request. The others are joined into one Cookie field, each
// unchanged byte for byte. A request without such a cookie is not changed.
void remove_cookie(RequestHead& request, std::string_view name);

}  // namespace postern::http
