// Text to places on a network: where to listen, where to connect, which hosts, origins and paths are meant.
// Syntax only: nothing here resolves a name. Pure functions with the Complaint of config/values.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/values.h"

namespace postern::config {

struct ListenAddress {
  std::string host;  // address literal without brackets, or a name; empty: every address
  uint16_t port = 0;
};

// ":443", "127.0.0.1:80", "[::1]:80", "localhost:80".
Parsed<ListenAddress> parse_listen_address(std::string_view text);

// A name server: "10.0.0.53", "10.0.0.53:5353", "::1", "[::1]:5353". The port defaults to 53.
Parsed<base::SocketAddress> parse_nameserver(std::string_view text);

// "http://host", "https://host:8443", ws:// and wss:// as http:// and https://, "unix:PATH", "demo:",
// "srv+http://_http._tcp.name" and srv+https:// (no port). The
// port defaults to the scheme's. No path (not even "/"), query, fragment or user.
Parsed<EndpointUrl> parse_endpoint(std::string_view text);

// The URL that is meant by a text without a scheme, or with half of one: "app:3000", "3000", "http:/app",
// "/run/app.sock". Empty when nobody can tell; it need not be a good one.
std::string endpoint_meant(std::string_view text);

// "10.0.0.0/8", "::1", "2001:db8::/32" to CIDR notation ("::1" gives "::1/128"). Bits behind the prefix must
// be zero.
Parsed<std::string> parse_cidr(std::string_view text);

// The host of a route: "app.example.com", "*.example.com", an address literal (IPv6 in brackets). Lower case,
// no port.
Parsed<std::string> parse_route_host(std::string_view text);

// The path of a route: begins with "/" and is its own normal form.
Parsed<std::string> parse_route_path(std::string_view text);

// A path of a match as people write it, in the spellings that it stands for: with the escapes of characters
// that need none decoded ("/c%2B%2B" is "/c++", "/%61" is "/a"), and as it is written where that differs.
// Both are normal forms.
Parsed<std::vector<std::string>> parse_matched_path(std::string_view text);

// An origin as browsers send it (RFC 6454 section 6.2, lower case, no default port, no trailing slash), with
// "*" allowed as its leftmost label; or "null". "*" alone is refused.
Parsed<OriginEntry> parse_origin(std::string_view text);

// A DNS name (RFC 1123 and "_") or an address literal without brackets.
bool is_host(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

// 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view host);

}  // namespace postern::config
