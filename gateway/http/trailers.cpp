#include "http/trailers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"

namespace postern::http {
namespace {

constexpr auto names = std::to_array<std::string_view>({
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "authentication-info",
    "cache-control",
    "clear-site-data",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-md5",
    "content-range",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "origin-agent-cluster",
    "pragma",
    "proxy-authentication-info",
    "range",
    "referrer-policy",
    "refresh",
    "retry-after",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "timing-allow-origin",
    "warning",
    "www-authenticate",
    "x-frame-options",
    "x-content-type-options",
});
constexpr auto prefixes = std::to_array<std::string_view>(
    {"access-control-", "content-security-policy", "cross-origin-", "if-", "sec-", "x-accel-"});

}  // namespace

bool may_be_trailer(const HeaderField& field) {
  // Every field that the gateway itself uses has an id.
  if (field.id != FieldId::other) return false;
  for (std::string_view prefix : prefixes)
    if (base::equal_ignoring_case(field.name.substr(0, prefix.size()), prefix)) return false;
  return std::none_of(names.begin(), names.end(), [&field](std::string_view name) {
    return base::equal_ignoring_case(name, field.name);
  });
}

}  // namespace postern::http
