// An absolute URL of http or https (RFC 9110 4.2) that the gateway itself requests, split into what a
// connection and a request need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace postern::http {

struct Url {
  bool tls = false;
  std::string host;  // in lower case; an IPv6 address without brackets
  uint16_t port = 0;
  std::string authority;  // the value of Host
  std::string target;     // path and query; "/" when there is none

  std::string text() const { return (tls ? "https://" : "http://") + authority + target; }
};

// Refuses everything else: another scheme, a user, a fragment, characters that a request target cannot hold.
// The error completes a sentence that begins with what the URL is: "has a fragment".
tl::expected<Url, std::string_view> read_url(std::string_view text);

}  // namespace postern::http
