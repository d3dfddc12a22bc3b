// The Forwarded field (RFC 7239): who asked, what for and how, as each proxy on the way saw it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "base/ip_address.h"

namespace postern::http {

// One hop. Views point into the field, or into the element where a quoted value had escapes.
struct ForwardedElement {
  std::optional<base::IpAddress> client;  // for=; nothing for "unknown", "_hidden" and what is no address
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
