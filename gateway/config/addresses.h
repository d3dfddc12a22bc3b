// Parses the text of network addresses, URLs, hosts, origins and paths. It checks the syntax only and
// resolves no name. All functions are pure; an error is a Complaint (config/values.h).
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

// Parses the address of a listener: ":443", "127.0.0.1:80", "[::1]:80", "localhost:80".
Parsed<ListenAddress> parse_listen_address(std::string_view text);

// Parses the address of a name server: "10.0.0.53", "10.0.0.53:5353", "::1", "[::1]:5353". The port defaults
// to 53.
Parsed<base::SocketAddress> parse_nameserver(std::string_view text);

// Parses the URL of an endpoint: "http://host", "https://host:8443", "unix:PATH", "demo:",
// "srv+http://_http._tcp.name" or srv+https:// (without a port); ws:// and wss:// mean http:// and https://.
// The port defaults to that of the scheme. A path (even "/"), query, fragment or user is an error.
Parsed<EndpointUrl> parse_endpoint(std::string_view text);

// Guesses the URL for a text that has no scheme or a broken one: "app:3000", "3000", "http:/app",
// "/run/app.sock". Returns an empty text when there is no guess. The result is not checked: parse_endpoint()
// may refuse it.
std::string endpoint_meant(std::string_view text);

// Parses an address or a CIDR block ("10.0.0.0/8", "::1", "2001:db8::/32") into CIDR notation: "::1" gives
// "::1/128". The bits after the prefix must be zero.
Parsed<std::string> parse_cidr(std::string_view text);

// Parses the host of a route: "app.example.com", "*.example.com", or an address literal (IPv6 in brackets).
// It must be in lower case and without a port.
Parsed<std::string> parse_route_host(std::string_view text);

// Parses the path of a route. It must begin with "/" and be in normal form (RFC 3986 section 6.2.2).
Parsed<std::string> parse_route_path(std::string_view text);

// Parses a path of a match and returns its spellings in requests, one or two. The first has those percent
// escapes decoded that are not needed ("/c%2B%2B" is "/c++", "/%61" is "/a"); the second, if it differs,
// keeps them. Only the first is a normal form.
Parsed<std::vector<std::string>> parse_matched_path(std::string_view text);

// Parses an origin as browsers send it (RFC 6454 section 6.2: lower case, no default port, no trailing
// slash), or "null". Its leftmost label may be "*"; "*" alone is an error. A host may be written in Unicode,
// and an IPv6 address in any way: the result is the canonical spelling (policy/origin_text.h).
Parsed<OriginEntry> parse_origin(std::string_view text);

// True for a DNS name (RFC 1123, with "_" allowed) and for an address literal without brackets.
bool is_host(std::string_view text);
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

// True for 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view host);

}  // namespace postern::config
