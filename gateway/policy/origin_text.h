// The text of an origin (RFC 6454): its parts, and the one spelling in which origins are compared.
#pragma once

#include <string>
#include <string_view>

namespace postern::policy {

// The parts of an origin; `port` is empty when none is given.
struct OriginParts {
  std::string_view scheme;
  std::string_view host;  // IPv6 with its brackets; empty in "file://"
  std::string_view port;
};

// Returns false when the text does not have the form scheme://host[:port] in printable ASCII.
bool split_origin(std::string_view origin, OriginParts& parts);

// The default port, "443" or "80"; empty for other schemes. The scheme must be in lower case.
std::string_view default_port(std::string_view scheme);

// The spelling that browsers send: lower case, no default port, an IPv6 address as the URL standard writes
// it. One dot at the end of the host is left away as well, since the name is the same with it (RFC 1034 3.1).
// Returns `origin` itself, without allocating, when it has this spelling; otherwise the result is written to
// `scratch`. Returns an empty text when `origin` is none; "null" is none.
std::string_view canonical_origin(std::string_view origin, std::string& scratch);

// Whether both are the same name or address, in whatever spelling. IPv6 has its brackets.
bool is_same_host(std::string_view a, std::string_view b);

}  // namespace postern::policy
