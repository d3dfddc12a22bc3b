// How a route rewrites requests for the endpoint, and responses for the client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "policy/cookie_rules.h"
#include "policy/path_rewrite.h"

namespace postern::routing {

// The Host field that an endpoint gets.
struct HostRule {
  enum class Kind : uint8_t { preserve, endpoint, literal } kind = Kind::preserve;
  std::string text;  // for `literal`
};

struct Rewriting {
  std::unique_ptr<const policy::PathRewrite> path;  // null: the path is not rewritten
  HostRule host;
  bool location = true;  // endpoint addresses in responses are rewritten for the client
  std::optional<policy::CookieRules> cookies;
  std::string loop_mark;  // this route's own element of CDN-Loop: see proxy/loop_guard.h
};

}  // namespace postern::routing
