#include "config/unused_parts.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/text.h"

namespace postern::config {
namespace {

using Names = std::set<std::string_view>;

// Warns of parts whose names are not `used`. `does` says what such a part fails to do; `key` is the key of a
// route that uses one.
template <class Part>
void warn(const std::vector<Part>& parts, const Names& used, std::string_view section, std::string_view key,
          std::string_view does, Diagnostics& findings) {
  for (const Part& part : parts) {
    if (used.contains(part.name)) continue;
    findings.warn(part.location, key_path(std::string(section), part.name),
                  "no route uses it" + std::string(does) + "; write " + std::string(key) + ": " +
                      std::string(part.name) + " on a route");
  }
}

}  // namespace

void warn_of_unused_parts(const Document& document, Diagnostics& findings) {
  Names upstreams;
  Names origins;
  Names users;
  Names jwt;
  Names rate_limits;
  for (const RouteDocument& route : document.routes) {
    upstreams.insert(route.upstream);
    if (route.forward_auth) upstreams.insert(route.forward_auth->upstream);
    if (route.token_refresh) upstreams.insert(route.token_refresh->upstream);
    origins.insert(route.origins);
    users.insert(route.basic_auth.use);
    for (const auto& [name, location] : route.jwt) jwt.insert(name);
    if (route.backchannel_logout) jwt.insert(route.backchannel_logout->use);
    if (route.refresh_calls) jwt.insert(route.refresh_calls->use);
    for (const auto* limits :
         {&route.rate_limits, &route.websocket.message_limit_names, &route.websocket.byte_limit_names})
      for (const auto& [name, location] : *limits) rate_limits.insert(name);
  }
  warn(document.upstreams, upstreams, "upstreams", "upstream", "", findings);
  warn(document.origins, origins, "origins", "origins", ", and it lets no page in", findings);
  warn(document.basic_auth, users, "basic_auth", "basic_auth", ", and it protects nothing", findings);
  warn(document.jwt, jwt, "jwt", "jwt", ", and it protects nothing", findings);
  warn(document.rate_limits, rate_limits, "rate_limits", "rate_limit", ", and it limits nothing", findings);
}

}  // namespace postern::config
