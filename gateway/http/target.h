// The path and query of the request target. A target is forwarded to an endpoint byte for byte unless a rule
// rewrites it; code that has to interpret the path itself (a rewrite, a file site) uses one normal form of
// it. http/path_readings.h explains which readings of a path decide about its route.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::http {

struct Target {
  // The normalised path: without dot segments and doubled slashes, with unreserved characters decoded,
  // escapes in upper case, and everything escaped that needs it. Where `irregular` gives a reason why the
  // path has no normal form, it is the path as received, with only the last two changes, and with one leading
  // slash.
  std::string_view path;
  std::string_view raw_path;   // as it was received
  std::string_view query;      // without "?"; never changed
  std::string_view irregular;  // a sentence; empty when the path has a normal form
  bool has_query = false;
  bool odd = false;         // readers may interpret the path differently, see http/path_readings.h
  bool as_it_came = false;  // an endpoint gets the client's bytes, not the normalised path
  std::string path_text;    // owns `path` when it differs from the received one
  // The folder in which the first ".." was found; empty when there is none. Where it belongs to another route
  // than `path`, the dots lead out of a prefix.
  std::string climbed_from;
  Target() = default;
  Target(const Target&) = delete;  // its views may point into the object itself
  Target& operator=(const Target&) = delete;
};

// Reads an origin-form target into `target`, whose views point into `text` or into `target` itself. It
// refuses only what no path may contain: control characters (also escaped ones), a space, "#".
tl::expected<void, std::string_view> read_target(std::string_view text, Target& target);

// The same for a path that must have exactly one reading. The error sentence names the broken rule. In
// addition to the above it refuses "%2f", "\", ";", bytes outside ASCII, characters that must be escaped, a
// malformed escape, an overlong one, a path above the root, and dot segments next to an empty segment.
tl::expected<void, std::string_view> read_strict_target(std::string_view text, Target& target);

// An authority "host", "host:port" or "[v6]:port" that is allowed in Host: no userinfo, no list, no spaces.
struct Authority {
  std::string_view host;  // without brackets and port, in the received case
  std::string_view port;  // digits or empty
};
tl::expected<Authority, std::string_view> read_authority(std::string_view text);

// The raw value of the first occurrence of a query parameter ("a=1&b=2"), not decoded; data() is null when
// the parameter is absent.
std::string_view query_parameter(std::string_view query, std::string_view name);

// How often a parameter occurs in the query, written plainly or with escapes, after "&" or ";": backends
// disagree about which occurrence counts.
size_t count_query_parameter(std::string_view query, std::string_view name);

// The value of a cookie in a Cookie field (the form of RFC 6265 5.4); data() is null when the cookie is
// absent.
std::string_view cookie_value(std::string_view cookies, std::string_view name);

// Returns `target` with the values of the named query parameters (ignoring case) replaced by "***", for logs.
std::string redact_target(std::string_view target, const std::vector<std::string>& names);

// Percent-decodes a query value ("+" becomes a space); returns the text unchanged where an escape is
// malformed.
std::string decode_query_value(std::string_view text);

}  // namespace postern::http
