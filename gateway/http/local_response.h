// A complete response that the gateway itself makes: small, owning its text, and the same for every protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_fwd.h"

namespace postern::http {

struct LocalResponse {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without Content-Length, Date, Connection
  std::string body;
  // Set when this is a refusal: the cause that the log and the client's JSON show. `detail` is safe to show.
  std::optional<base::Cause> cause;
  std::string detail{};
  bool has_own_body = false;  // with a cause: `body` is sent in place of the error page
  std::string message{};  // shown to clients instead of the cause's own sentence; empty: the cause's sentence
};

// The Allow value of a response that is the same for all resources, or of a route that names no methods.
inline constexpr std::string_view usual_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

// Makes a refusal. Its status comes from the error table at once, its body when it is sent.
LocalResponse refusal(base::Cause cause, std::string detail);

}  // namespace postern::http
