#include "config/validate_access.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"

namespace postern::config {
namespace {

// Whether the token of a route is taken from Authorization, where Basic credentials are.
bool takes_authorization(const Document& document, const RouteDocument& route) {
  const auto jwt = std::find_if(document.jwt.begin(), document.jwt.end(),
                                [&](const JwtDocument& one) { return one.name == route.jwt; });
  if (jwt == document.jwt.end()) return false;
  return std::any_of(jwt->from.begin(), jwt->from.end(), [](const TokenSource& source) {
    return source.kind == TokenSource::Kind::header &&
           base::equal_ignoring_case(source.name, "authorization");
  });
}

void check_choice(const RouteDocument& route, const std::string& path, Diagnostics& diagnostics) {
  const int ways =
      (route.allow.empty() ? 0 : 1) + (route.basic_auth.use.empty() ? 0 : 1) + (route.jwt.empty() ? 0 : 1);
  if (ways < 2)
    diagnostics.error(route.access_location, path + ".access",
                      "chooses among allow, basic_auth and jwt, and the route has " +
                          std::string(ways == 0 ? "none of them" : "one of them"));
  if (!route.jwt.empty() && !route.jwt_required)
    diagnostics.error(route.access_location, path + ".access",
                      "any lets everybody in: jwt with required: false passes without a token");
}

void check_user_field(const Document& document, const RouteDocument& route, const std::string& path,
                      Diagnostics& diagnostics) {
  const BasicAuthUse& use = route.basic_auth;
  if (use.user_field.empty()) return;
  const std::string key = path + ".basic_auth.forward_user";
  if (base::equal_ignoring_case(use.user_field, document.request_id_header))
    diagnostics.error(
        use.user_field_location, key,
        document.quote(use.user_field_location, use.user_field) + " carries the request id already");
  for (const ForwardedClaim& claim : route.forward_claims)
    if (base::equal_ignoring_case(use.user_field, claim.header))
      diagnostics.error(use.user_field_location, key,
                        document.quote(use.user_field_location, use.user_field) + " carries the claim " +
                            quoted(claim.claim) + " already");
}

// Warns of passwords on listeners without TLS. With a trusted proxy in front, TLS probably ends there.
void warn_of_plain_passwords(const Document& document, Diagnostics& diagnostics) {
  const bool takes_passwords =
      std::any_of(document.routes.begin(), document.routes.end(),
                  [](const RouteDocument& route) { return !route.basic_auth.use.empty(); });
  if (!takes_passwords || !document.trusted_proxies.empty()) return;
  for (std::size_t index = 0; index < document.listeners.size(); ++index) {
    const ListenerDocument& listener = document.listeners[index];
    const bool is_unread = listener.location.line > 0 && listener.address_location.line == 0;
    if (is_unread || listener.tls || listener.redirect_to_https || is_loopback(listener.host)) continue;
    diagnostics.warn(listener.address_location, "listeners[" + std::to_string(index) + "].address",
                     "passwords cross the network readable: the listener has no tls, and routes use "
                     "basic_auth");
  }
}

}  // namespace

void validate_access(const Document& document, Diagnostics& diagnostics) {
  for (std::size_t index = 0; index < document.routes.size(); ++index) {
    const RouteDocument& route = document.routes[index];
    const std::string path = "routes[" + std::to_string(index) + "]";
    if (route.any_access) check_choice(route, path, diagnostics);
    check_user_field(document, route, path, diagnostics);
    if (!route.any_access && !route.basic_auth.use.empty() && takes_authorization(document, route))
      diagnostics.error(route.basic_auth.location, path + ".basic_auth",
                        "needs Authorization, where jwt looks for its token too, and no request has both; "
                        "let the token come from another place, or write access: any");
  }
  warn_of_plain_passwords(document, diagnostics);
}

}  // namespace postern::config
