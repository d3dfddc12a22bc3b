// The Forwarded field (RFC 7239): who asked, what for and how, as each proxy on the way saw it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/ip_address.h"

namespace postern::http {

// A node of RFC 7239 6, also as X-Forwarded-For has it: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", IPv6
// without brackets where no port follows, each with or without quotes. Nothing for "unknown", "_hidden" and
// what is no address.
struct ForwardedNode {
  base::IpAddress address;
  uint16_t port = 0;  // 0: it is not said
};
std::optional<ForwardedNode> read_forwarded_node(std::string_view text);

// One hop. Views point into the field, or into the element where a quoted value had escapes.
struct ForwardedElement {
  std::optional<base::IpAddress> client;  // for=; nothing for "unknown", "_hidden" and what is no address
  uint16_t port = 0;                      // of the client; 0: it is not said
  bool names_client = false;              // for= was there
  std::string host;
  std::string proto;
};

// Cuts the next element off; nothing when the list is used up. An element that is not well-formed, or has a
// parameter twice, is an error, after which nothing of the list is to be relied on.
using ForwardedResult = tl::expected<std::optional<ForwardedElement>, std::string_view>;
ForwardedResult next_forwarded(std::string_view& list);

// "for=192.0.2.1", "for=\"[2001:db8::1]\"", with host and proto where they are not empty.
struct ForwardedHop {
  base::IpAddress client;
  std::string_view host;   // an authority
  std::string_view proto;  // http or https
};
std::string write_forwarded(const ForwardedHop& hop);

}  // namespace postern::http
