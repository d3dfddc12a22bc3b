// The Forwarded field (RFC 7239): the client, the host and the scheme of a request, as each proxy on the way
// saw them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/ip_address.h"

namespace postern::http {

// A node of RFC 7239 6, also in the forms of X-Forwarded-For: "192.0.2.1", "192.0.2.1:80",
// "[2001:db8::1]:80", IPv6 without brackets where no port follows, each with or without quotes.
// read_forwarded_node() returns nothing for "unknown", "_hidden" and anything else that is not an address.
struct ForwardedNode {
  base::IpAddress address;
  uint16_t port = 0;  // 0: no port is given
};
std::optional<ForwardedNode> read_forwarded_node(std::string_view text);

// One element of the field: one hop. Its strings are copies, with the escapes of quoted values resolved.
struct ForwardedElement {
  std::optional<base::IpAddress> client;  // for=; nothing as in read_forwarded_node()
  uint16_t port = 0;                      // of the client; 0: no port is given
  bool names_client = false;              // the element has a for= parameter
  std::string host;
  std::string proto;
};

// Removes the next element from the list and returns it; returns nothing when the list is empty. An element
// that is malformed, or has a parameter twice, is an error; after an error no element of the list is
// trustworthy.
using ForwardedResult = tl::expected<std::optional<ForwardedElement>, std::string_view>;
ForwardedResult next_forwarded(std::string_view& list);

// Writes one element: "for=192.0.2.1", "for=\"[2001:db8::1]\"", with host and proto where they are not empty.
struct ForwardedHop {
  base::IpAddress client;
  std::string_view host;   // an authority
  std::string_view proto;  // http or https
};
std::string write_forwarded(const ForwardedHop& hop);

}  // namespace postern::http
