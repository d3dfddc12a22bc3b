#include "config/validate.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/suggest.h"
#include "config/text.h"
#include "config/validate_access.h"
#include "config/validate_loops.h"
#include "config/validate_routes.h"
#include "config/validate_websocket.h"
#include "http/path_prefix.h"

namespace postern::config {
namespace {

constexpr std::string_view upstream_definition =
    "upstreams are written upstreams: { NAME: { endpoints: [\"http://10.0.0.11:3001\"] } }";
constexpr std::string_view origins_definition =
    "lists are written origins: { NAME: { allow: [\"https://app.example.com\"] } }, at the top of the file";
constexpr std::string_view jwt_definition =
    "it is written jwt: { NAME: { keys: jwks.json, algorithms: [RS256] } }, at the top of the file";
constexpr std::string_view basic_auth_definition =
    "it is written basic_auth: { NAME: { users: { alice: HASH } } }, at the top of the file";
constexpr std::string_view rate_limit_definition =
    "limits are written rate_limits: { NAME: { rate: 10/s } }, at the top of the file";

std::string item_path(const char* list, std::size_t index) {
  return list + ('[' + std::to_string(index) + ']');
}

std::string in_line(SourceLocation location) {
  return location.line > 0 ? " in line " + std::to_string(location.line) : "";
}

// Returns the addresses that a listener's host stands for, each in one spelling.
std::vector<std::string> addresses_of(const std::string& host) {
  if (base::equal_ignoring_case(host, "localhost")) return {"127.0.0.1", "::1"};
  const auto address = base::IpAddress::parse(host);
  return {address ? address->text() : base::to_lower(host)};
}

// Whether a text is meant as an endpoint and not as the name of an upstream: "localhost:3000", "10.0.0.1",
// ":3000", "http:/app", "/run/app.sock".
bool looks_like_address(const std::string& text) {
  const bool is_number = parse_number(text).has_value();
  return is_number || text.find_first_of(":/") != std::string::npos || is_ipv4(text) || text == "localhost";
}

// Returns the URL that was probably meant by a text that names no upstream; empty: there is none.
std::string url_meant(const std::string& text) {
  const std::string url = looks_like_address(text) ? endpoint_meant(text) : "";
  return !url.empty() && parse_endpoint(url) ? url : "";
}

using Names = std::vector<std::string_view>;  // sorted

template <class T>
Names names_of(const std::vector<T>& parts) {
  Names names;
  names.reserve(parts.size());
  for (const T& part : parts) names.push_back(part.name);
  std::sort(names.begin(), names.end());
  return names;
}

class Validation {
 public:
  Validation(const Document& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  void run() {
    check_presence();
    check_listeners();
    check_references();
    warn_of_shared_sticky_cookies();
    check_route_names();
    check_forwarded_claims();
    warn_of_plain_tokens();
    warn_of_full_detail();
    warn_of_prefixes_that_never_fit();
    warn_of_redirects_in_a_circle();
  }

 private:
  // Decoding reports more for a file; this is for documents that a program made.
  void check_presence() {
    if (diagnostics_.has_errors()) return;
    if (document_.listeners.empty()) diagnostics_.error(SourceLocation{}, "listeners", "is missing");
    if (document_.routes.empty()) diagnostics_.error(SourceLocation{}, "routes", "is missing");
  }

  void check_listeners() {
    std::map<std::pair<std::string, uint16_t>, SourceLocation> seen;
    const bool has_tls =
        std::any_of(document_.listeners.begin(), document_.listeners.end(),
                    [](const ListenerDocument& listener) { return listener.tls.has_value(); });
    for (std::size_t index = 0; index < document_.listeners.size(); ++index) {
      const ListenerDocument& listener = document_.listeners[index];
      const std::string path = item_path("listeners", index);
      if (listener.redirect_to_https && !has_tls) {
        diagnostics_.error(listener.redirect_location, path + ".redirect",
                           "leads nowhere: no listener has tls");
      }
      if (listener.port == 0) continue;  // the system chooses the port, or the address had an error
      for (const std::string& address : addresses_of(listener.host)) {
        const auto [first, is_new] =
            seen.emplace(std::pair(address, listener.port), listener.address_location);
        if (is_new) continue;
        diagnostics_.error(listener.address_location, path + ".address",
                           "is the address of the listener" + in_line(first->second) + " too");
        break;
      }
      if (document_.admin && document_.admin->port == listener.port &&
          meet(document_.admin->host, listener.host))
        diagnostics_.error(listener.address_location, path + ".address",
                           "is the address of admin too; each needs a port of its own");
    }
  }

  // Whether two hosts of one port have an address in common, or one of them is every address.
  static bool meet(const std::string& one, const std::string& other) {
    const std::vector<std::string> addresses = addresses_of(one);
    const std::vector<std::string> others = addresses_of(other);
    const auto is_any = [](std::string_view address) {
      return address.empty() || address == "0.0.0.0" || address == "::";
    };
    return is_any(addresses.front()) || is_any(others.front()) ||
           std::find_first_of(addresses.begin(), addresses.end(), others.begin(), others.end()) !=
               addresses.end();
  }

  // Warns of a prefix that no path of the route begins with, so that it is never removed.
  void warn_of_prefixes_that_never_fit() {
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      if (!route.rewrite || !route.rewrite->strips() || !route.match_read) continue;
      const std::string& prefix = route.rewrite->from;
      const bool may_fit = std::any_of(route.paths.begin(), route.paths.end(), [&](const std::string& path) {
        return http::is_below(path, prefix) || (!route.exact && http::is_below(prefix, path));
      });
      if (may_fit) continue;
      diagnostics_.warn(route.rewrite->location, item_path("routes", index) + ".rewrite.strip_prefix",
                        "has no effect: no path of this route begins with " +
                            document_.quote(route.rewrite->location, prefix));
    }
  }

  struct Reference {
    const std::string& name;
    SourceLocation location;
    std::string key;
    const char* kind;
    std::string_view definition;  // an example of the definition that is missing
    bool may_be_url = false;
  };

  void check_reference(const Reference& reference, const Names& names) {
    if (reference.name.empty()) return;
    if (std::binary_search(names.begin(), names.end(), std::string_view(reference.name))) return;
    std::string sentence = "there is no " + std::string(reference.kind) + ' ' +
                           document_.quote(reference.location, reference.name);
    const bool may_suggest = !document_.as_written.contains(reference.location) && !diagnostics_.full();
    const std::string url = may_suggest && reference.may_be_url ? url_meant(reference.name) : "";
    const std::string near = may_suggest ? did_you_mean(reference.name, names) : "";
    if (!url.empty())
      sentence += "; write " + quoted(url);
    else if (!near.empty())
      sentence += near;
    else
      sentence += "; " + std::string(reference.definition);
    diagnostics_.error(reference.location, reference.key, std::move(sentence));
  }

  void check_references() {
    const Names upstreams = names_of(document_.upstreams);
    const Names origins = names_of(document_.origins);
    const Names jwt = names_of(document_.jwt);
    const Names users = names_of(document_.basic_auth);
    const Names rate_limits = names_of(document_.rate_limits);
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      const std::string path = item_path("routes", index);
      // A URL that is not a valid endpoint was reported by decoding.
      if (route.upstream.find("://") == std::string::npos && !route.upstream.starts_with("unix:")) {
        check_reference({route.upstream, route.upstream_location, path + ".upstream", "upstream",
                         upstream_definition, true},
                        upstreams);
      }
      check_reference(
          {route.origins, route.origins_location, path + ".origins", "origin list", origins_definition},
          origins);
      check_reference({route.basic_auth.use, route.basic_auth.location, path + ".basic_auth", "basic_auth",
                       basic_auth_definition},
                      users);
      if (route.forward_auth && !route.forward_auth->endpoint)
        check_reference({route.forward_auth->upstream, route.forward_auth->upstream_location,
                         path + ".forward_auth.upstream", "upstream", upstream_definition},
                        upstreams);
      for (const auto& [name, location] : route.jwt)
        check_reference({name, location, path + ".jwt", "jwt", jwt_definition}, jwt);
      if (route.token_refresh && !route.token_refresh->endpoint)
        check_reference({route.token_refresh->upstream, route.token_refresh->upstream_location,
                         path + ".jwt.refresh.upstream", "upstream", upstream_definition},
                        upstreams);
      if (route.backchannel_logout)
        check_reference({route.backchannel_logout->use, route.backchannel_logout->location,
                         path + ".backchannel_logout", "jwt", jwt_definition},
                        jwt);
      if (route.refresh_calls)
        check_reference({route.refresh_calls->use, route.refresh_calls->location, path + ".refresh_calls",
                         "jwt", jwt_definition},
                        jwt);
      for (const auto& [name, location] : route.rate_limits) {
        check_reference({name, location, path + ".rate_limit", "rate limit", rate_limit_definition},
                        rate_limits);
        check_claim_limit(route, name, location, path + ".rate_limit");
      }
      check_socket_limits(route, route.websocket.message_limit_names, path + ".websocket.message_limit",
                          rate_limits);
      check_socket_limits(route, route.websocket.byte_limit_names, path + ".websocket.byte_limit",
                          rate_limits);
    }
  }

  void check_socket_limits(const RouteDocument& route,
                           const std::vector<std::pair<std::string, SourceLocation>>& limits,
                           const std::string& key, const Names& rate_limits) {
    for (const auto& [name, location] : limits) {
      check_reference({name, location, key, "rate limit", rate_limit_definition}, rate_limits);
      check_claim_limit(route, name, location, key);
      const RateLimitDocument* limit = find_limit(name);
      if (limit && limit->report_only)
        diagnostics_.error(location, key,
                           document_.quote(location, name) +
                               " has report_only, which is for requests; name a limit without it");
    }
  }

  const RateLimitDocument* find_limit(const std::string& name) const {
    const auto limit = std::find_if(document_.rate_limits.begin(), document_.rate_limits.end(),
                                    [&](const RateLimitDocument& one) { return one.name == name; });
    return limit == document_.rate_limits.end() ? nullptr : &*limit;
  }

  void check_claim_limit(const RouteDocument& route, const std::string& name, SourceLocation location,
                         const std::string& key) {
    if (!route.jwt.empty()) return;
    const RateLimitDocument* limit = find_limit(name);
    if (!limit || limit->by != RateLimitDocument::By::claim) return;
    diagnostics_.error(location, key,
                       document_.quote(location, name) + " is keyed by a claim, so the route needs jwt");
  }

  // Warns of two upstreams with the same sticky cookie: each would reject the cookie of the other, and
  // overwrite it.
  void warn_of_shared_sticky_cookies() {
    std::map<std::pair<std::string_view, std::string_view>, std::string_view> seen;
    for (const UpstreamDocument& upstream : document_.upstreams) {
      if (!upstream.sticky) continue;
      const StickyDocument& sticky = *upstream.sticky;
      const auto [first, is_new] =
          seen.emplace(std::pair(std::string_view(sticky.cookie), sticky.path), upstream.name);
      if (is_new) continue;
      diagnostics_.warn(sticky.cookie_location, "upstreams." + upstream.name + ".sticky.cookie",
                        "has the name and path of the cookie of " + std::string(first->second) +
                            "; on one host the two would overwrite each other");
    }
  }

  void check_route_names() {
    std::map<std::string_view, SourceLocation> seen;
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      const auto [first, is_new] = seen.emplace(route.name, route.name_location);
      if (is_new) continue;
      diagnostics_.error(route.name_location, item_path("routes", index) + ".name",
                         document_.quote(route.name_location, route.name) + " is the name of the route" +
                             in_line(first->second) + " too");
    }
  }

  void check_forwarded_claims() {
    const std::string request_id = base::to_lower(document_.request_id_header);
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      for (const ForwardedClaim& claim : document_.routes[index].forward_claims) {
        if (base::to_lower(claim.header) != request_id) continue;
        diagnostics_.error(claim.location,
                           item_path("routes", index) + ".forward_claims." + shown(claim.claim, 64),
                           document_.quote(claim.location, claim.header) + " carries the request id already");
      }
    }
  }

  // Warns of tokens on listeners without TLS. With a trusted proxy in front, TLS probably ends there.
  void warn_of_plain_tokens() {
    if (!document_.trusted_proxies.empty()) return;
    const bool takes_tokens = std::any_of(document_.routes.begin(), document_.routes.end(),
                                          [](const RouteDocument& route) { return !route.jwt.empty(); });
    if (!takes_tokens) return;
    for (std::size_t index = 0; index < document_.listeners.size(); ++index) {
      const ListenerDocument& listener = document_.listeners[index];
      const bool is_unread = listener.location.line > 0 && listener.address_location.line == 0;
      if (is_unread || listener.tls || listener.redirect_to_https || is_loopback(listener.host)) continue;
      diagnostics_.warn(listener.address_location, item_path("listeners", index) + ".address",
                        "tokens cross the network readable: the listener has no tls, and routes use jwt");
    }
  }

  void warn_of_full_detail() {
    if (!document_.error_pages.full_detail) return;
    const bool local =
        std::all_of(document_.listeners.begin(), document_.listeners.end(),
                    [](const ListenerDocument& listener) { return is_loopback(listener.host); });
    if (!local)
      diagnostics_.warn(document_.error_pages.detail_location, "error_pages.detail",
                        "full tells strangers what lies behind the gateway: a listener is not on loopback");
  }

  // Warns of a redirect to a fixed path that only this route can take.
  void warn_of_redirects_in_a_circle() {
    if (diagnostics_.has_errors()) return;
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      if (!route.redirect || !route.match_read || route.pattern_alone || route.conditions) continue;
      if (leads_to_get(route)) continue;
      const auto& parts = route.redirect->to.parts();
      if (parts.empty()) continue;
      const std::string& text = parts.front().text;
      const std::size_t end = text.find_first_of("?#");
      const bool is_fixed = end != std::string::npos || parts.size() == 1;
      const std::string path = text.substr(0, end);
      if (parts.front().placeholder || !is_fixed || !path.starts_with('/') || !takes(route, path)) continue;
      const bool may_go_elsewhere =
          std::any_of(document_.routes.begin(), document_.routes.end(),
                      [&](const RouteDocument& other) { return &other != &route && takes(other, path); });
      if (may_go_elsewhere) continue;
      diagnostics_.warn(route.redirect->location, item_path("routes", index) + ".redirect",
                        "leads back to this route: who follows it goes round in a circle");
    }
  }

  // Whether clients follow the redirect with GET, which the route does not take (RFC 9110 15.4).
  static bool leads_to_get(const RouteDocument& route) {
    const bool keeps_method = route.redirect->status == 307 || route.redirect->status == 308;
    const auto& methods = route.methods;
    return !keeps_method && !methods.empty() &&
           std::find(methods.begin(), methods.end(), "GET") == methods.end();
  }

  static bool takes(const RouteDocument& route, std::string_view path) {
    return std::any_of(route.paths.begin(), route.paths.end(), [&](const std::string& one) {
      return route.exact ? one == path : http::is_below(path, one);
    });
  }

  const Document& document_;
  Diagnostics& diagnostics_;
};

}  // namespace

void validate(const Document& document, Diagnostics& diagnostics) {
  Validation(document, diagnostics).run();
  warn_of_loops(document, diagnostics);
  validate_access(document, diagnostics);
  validate_routes(document, diagnostics);
  validate_websocket(document, diagnostics);
}

}  // namespace postern::config
