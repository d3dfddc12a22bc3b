// The places of a request in which a token is looked for (jwt.*.from), and to which a verified one is moved
// (forward_as of a route's jwt).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// A list of places.
struct TokenSources {
  using Type = std::vector<TokenSource>;
  std::optional<Type> read(const Value& value) const;
  std::string words() const { return "list of places"; }
  std::string shown(const Type&) const { return {}; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

// keep, strip, or one place.
ValueOrMap<policy::JwtForwarding> token_forwarding();

}  // namespace postern::config
