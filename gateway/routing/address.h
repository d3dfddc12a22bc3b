// The properties of a request that routes are matched by.
#pragma once

#include <string_view>

#include "base/ip_address.h"
#include "http/headers.h"

namespace postern::routing {

// One reading of a request. The exchange owns what the views and pointers refer to; a pointer is null when
// the request has nothing of that kind.
struct Address {
  std::string_view host;    // any case, without port and brackets; may be empty
  std::string_view path;    // http::Target::path
  std::string_view method;  // see method_to_match
  const base::IpAddress* client = nullptr;
  const http::Headers* headers = nullptr;
  std::string_view query{};  // without "?"
  // The fields are those of a CORS preflight: a field that Access-Control-Request-Headers names counts as
  // present, with any value.
  bool is_preflight = false;
};

}  // namespace postern::routing
