// How a route's requests and responses differ on the two sides of the gateway.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "policy/cookie_rules.h"
#include "policy/path_rewrite.h"

namespace postern::routing {

// The Host that an endpoint gets.
struct HostRule {
  enum class Kind : uint8_t { preserve, endpoint, literal } kind = Kind::preserve;
  std::string text;  // literal
};

struct Rewriting {
  std::unique_ptr<const policy::PathRewrite> path;  // null: as it is
  HostRule host;
  bool location = true;  // addresses of the endpoint in responses become the client's
  std::optional<policy::CookieRules> cookies;
  std::string loop_mark;  // an element of CDN-Loop, of this route alone: see proxy/loop_guard.h
};

}  // namespace postern::routing
