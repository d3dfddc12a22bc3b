// A complete answer made by the gateway itself: small, owned, and the same on every protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace postern::http {

struct LocalResponse {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without Content-Length, Date, Connection
  std::string body;
  // Set when this is a refusal: what the log and the client's JSON say. `detail` is safe to show.
  std::optional<base::Cause> cause;
  std::string detail{};
  std::string message{};  // to clients, in place of the cause's own sentence; empty: that one
};

// For the Allow of an answer that is the same for all resources, or for a route that names no methods.
inline constexpr std::string_view usual_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// A refusal; status and body come from the error table when it is sent.
LocalResponse refusal(base::Cause cause, std::string detail);

}  // namespace postern::http
