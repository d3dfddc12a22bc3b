// The request target's path and query, and the one reading of the path that both the route table and the
// endpoint see. What does not normalise cleanly is refused, not guessed at (RFC 3986 6.2.2; two readings of
// a path are how prefix rules are walked around).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::http {

struct Target {
  // Normalised: no dot segments, no doubled slashes, unreserved characters decoded, escapes in capitals. What
  // is matched is what is sent on.
  std::string_view path;
  std::string_view query;  // without "?"; never changed
  bool has_query = false;
  std::string path_text;  // owns `path` when it differs from what came
  // The folder in which the first ".." was found; empty without one. Where it belongs to another route than
  // `path` does, the dots lead out of a prefix.
  std::string climbed_from;
  Target() = default;
  Target(const Target&) = delete;  // its views may point into itself
  Target& operator=(const Target&) = delete;
};

// Reads an origin-form target into `target`, whose views point into `text` or into itself. On failure the
// sentence says which rule was broken: "%2f", "\", ";", a control character (escaped ones too), "#", a broken
// escape, an overlong one, a path above the root, dot segments next to an empty segment.
tl::expected<void, std::string_view> read_target(std::string_view text, Target& target);

// An authority "host", "host:port" or "[v6]:port" that may stand in Host: no userinfo, no list, no spaces.
struct Authority {
  std::string_view host;  // without brackets and port, case as it came
  std::string_view port;  // digits or empty
};
tl::expected<Authority, std::string_view> read_authority(std::string_view text);

// The raw value of a query parameter's first occurrence ("a=1&b=2"), not decoded; data() is null when absent.
std::string_view query_parameter(std::string_view query, std::string_view name);

// How often a parameter stands in the query, spelled plainly or with escapes, and after "&" or ";": backends
// disagree on which of several counts.
size_t count_query_parameter(std::string_view query, std::string_view name);

// A cookie's value from a Cookie field (RFC 6265 5.4 form); data() is null when absent.
std::string_view cookie_value(std::string_view cookies, std::string_view name);

// `target` with the values of the named query parameters (case-insensitive) replaced by "***", for logs.
std::string redact_target(std::string_view target, const std::vector<std::string>& names);

// Percent-decoding of a query value ("+" is a space); the text unchanged where an escape is broken.
std::string decode_query_value(std::string_view text);

}  // namespace postern::http
