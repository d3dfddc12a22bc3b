// The request target's path and query. A target goes on to an endpoint byte for byte where nothing rewrites
// it; whoever has to look at the path by itself (a rewriting, a folder of files) gets one normal form of it.
// By which readings of a path a route is chosen stands in http/path_readings.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::http {

struct Target {
  // Normalised: no dot segments, no doubled slashes, unreserved characters decoded, escapes in capitals, and
  // what needs an escape has one. Where `irregular` says why it cannot be, as it came, but for the last two
  // and but for further slashes in front.
  std::string_view path;
  std::string_view raw_path;   // as it came
  std::string_view query;      // without "?"; never changed
  std::string_view irregular;  // a sentence; empty: the path has a normal form
  bool has_query = false;
  bool odd = false;         // readers may understand the path differently, see http/path_readings.h
  bool as_it_came = false;  // an endpoint gets the client's bytes, not the normalised path
  std::string path_text;    // owns `path` when it differs from what came
  // The folder in which the first ".." was found; empty without one. Where it belongs to another route than
  // `path` does, the dots lead out of a prefix.
  std::string climbed_from;
  Target() = default;
  Target(const Target&) = delete;  // its views may point into itself
  Target& operator=(const Target&) = delete;
};

// Reads an origin-form target into `target`, whose views point into `text` or into itself. Refused is only
// what no path may hold: a control character (escaped ones too), a space, "#".
tl::expected<void, std::string_view> read_target(std::string_view text, Target& target);

// The same for a path that must have one reading and no other. On failure the sentence says which rule was
// broken: besides those above "%2f", "\", ";", bytes outside ASCII, characters that must be escaped, a broken
// escape, an overlong one, a path above the root, dot segments next to an empty segment.
tl::expected<void, std::string_view> read_strict_target(std::string_view text, Target& target);

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
