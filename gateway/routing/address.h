// What a request is matched by.
#pragma once

#include <string_view>

#include "base/ip_address.h"
#include "http/headers.h"

namespace postern::routing {

// One reading of a request. Views and pointers are of the exchange; a null pointer is of a request that has
// nothing of the kind.
struct Address {
  std::string_view host;    // any case, without port and brackets; may be empty
  std::string_view path;    // http::Target::path
  std::string_view method;  // see method_to_match
  const base::IpAddress* client = nullptr;
  const http::Headers* headers = nullptr;
  std::string_view query{};  // without "?"
  // The fields are those of a CORS preflight: what Access-Control-Request-Headers names counts as there, with
  // whatever value is looked for.
  bool is_preflight = false;
};

}  // namespace postern::routing
