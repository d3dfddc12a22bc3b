#include "config/validate_loops.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "config/addresses.h"

namespace postern::config {
namespace {

bool is_unspecified(const std::string& host) {
  const auto address = base::IpAddress::parse(host);
  return address && address->is_unspecified();
}

// The addresses that "localhost" stands for.
bool is_usual_loopback(const std::string& host) {
  return base::equal_ignoring_case(host, "localhost") || host == "127.0.0.1" || host == "::1";
}

bool is_one_host(const std::string& a, const std::string& b) {
  const auto first = base::IpAddress::parse(a);
  const auto second = base::IpAddress::parse(b);
  return first && second ? first == second : base::equal_ignoring_case(a, b);
}

// Whether a connection to the endpoint arrives at the listener.
bool leads_to(const EndpointUrl& endpoint, const ListenerDocument& listener) {
  if (listener.port == 0 || endpoint.port != listener.port) return false;
  const bool everywhere = listener.host.empty() || is_unspecified(listener.host);
  if (everywhere) return is_loopback(endpoint.host) || is_unspecified(endpoint.host);
  if (is_one_host(endpoint.host, listener.host)) return true;
  const bool named = base::equal_ignoring_case(endpoint.host, "localhost") ||
                     base::equal_ignoring_case(listener.host, "localhost");
  return named && is_usual_loopback(endpoint.host) && is_usual_loopback(listener.host);
}

// Returns the key path of an endpoint: "upstreams.api.endpoints[0]", or that of the route that names its URL.
std::string key_of(const Document& document, const UpstreamDocument& upstream, size_t endpoint) {
  if (upstream.name != upstream.endpoints[endpoint].text)
    return "upstreams." + upstream.name + ".endpoints[" + std::to_string(endpoint) + "]";
  for (size_t i = 0; i < document.routes.size(); ++i) {
    const RouteDocument& route = document.routes[i];
    if (route.upstream == upstream.name) return "routes[" + std::to_string(i) + "].upstream";
    if (route.forward_auth && route.forward_auth->upstream == upstream.name)
      return "routes[" + std::to_string(i) + "].forward_auth.url";
    if (route.token_refresh && route.token_refresh->upstream == upstream.name)
      return "routes[" + std::to_string(i) + "].jwt.refresh.url";
  }
  return "upstreams";
}

}  // namespace

void warn_of_loops(const Document& document, Diagnostics& diagnostics) {
  for (const UpstreamDocument& upstream : document.upstreams) {
    for (size_t i = 0; i < upstream.endpoints.size(); ++i) {
      const EndpointUrl& endpoint = upstream.endpoints[i];
      if (endpoint.demo || endpoint.service || !endpoint.unix_path.empty()) continue;
      const auto own = std::find_if(
          document.listeners.begin(), document.listeners.end(),
          [&endpoint](const ListenerDocument& listener) { return leads_to(endpoint, listener); });
      if (own == document.listeners.end()) continue;
      const std::string key = key_of(document, upstream, i);
      const std::string meant = key.ends_with(".forward_auth.url") ? "authentication server" : "application";
      diagnostics.warn(
          endpoint.location, key,
          "leads back to the gateway: it is the listener in line " +
              std::to_string(own->address_location.line) +
              ", and a request that takes this route twice is answered with 508; write the address "
              "of the " +
              meant);
    }
  }
}

}  // namespace postern::config
