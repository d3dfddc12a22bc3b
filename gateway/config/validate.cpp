#include "config/validate.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/suggest.h"
#include "config/text.h"
#include "config/validate_loops.h"
#include "config/validate_routes.h"
#include "config/validate_websocket.h"

namespace postern::config {
namespace {

std::string item_path(const char* list, std::size_t index) {
  return list + ('[' + std::to_string(index) + ']');
}

std::string in_line(Place place) { return place.line > 0 ? " in line " + std::to_string(place.line) : ""; }

// "localhost:3000", "10.0.0.1", "app.example.com:80": an endpoint whose scheme was left out.
bool looks_like_address(const std::string& text) {
  const auto endpoint = parse_endpoint("http://" + text);
  const bool has_port = text.find(':') != std::string::npos;
  return endpoint.has_value() && (has_port || is_ipv4(text) || text == "localhost");
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
  }

 private:
  // Decoding has said more about a file; this is for documents that were never one.
  void check_presence() {
    if (diagnostics_.has_errors()) return;
    if (document_.listeners.empty()) diagnostics_.error(Place{}, "listeners", "is missing");
    if (document_.routes.empty()) diagnostics_.error(Place{}, "routes", "is missing");
  }

  void check_listeners() {
    std::map<std::pair<std::string, uint16_t>, Place> seen;
    const bool has_tls =
        std::any_of(document_.listeners.begin(), document_.listeners.end(),
                    [](const ListenerDocument& listener) { return listener.tls.has_value(); });
    for (std::size_t index = 0; index < document_.listeners.size(); ++index) {
      const ListenerDocument& listener = document_.listeners[index];
      const std::string path = item_path("listeners", index);
      if (listener.redirect_to_https && !has_tls) {
        diagnostics_.error(listener.redirect_place, path + ".redirect", "leads nowhere: no listener has tls");
      }
      if (listener.port == 0) continue;  // each gets a port of its own, or its address was refused
      const auto [first, is_new] =
          seen.emplace(std::pair(base::to_lower(listener.host), listener.port), listener.address_place);
      if (!is_new) {
        diagnostics_.error(listener.address_place, path + ".address",
                           "is the address of the listener" + in_line(first->second) + " too");
      }
    }
  }

  struct Reference {
    const std::string& name;
    Place place;
    std::string key;
    const char* kind;
    bool may_be_url = false;
  };

  void check_reference(const Reference& reference, const Names& names) {
    if (reference.name.empty()) return;
    if (std::binary_search(names.begin(), names.end(), std::string_view(reference.name))) return;
    std::string sentence =
        "there is no " + std::string(reference.kind) + ' ' + document_.quote(reference.place, reference.name);
    const bool may_suggest = !document_.as_written.contains(reference.place) && !diagnostics_.full();
    if (may_suggest && reference.may_be_url && looks_like_address(reference.name))
      sentence += "; write " + quoted("http://" + reference.name);
    else if (may_suggest)
      sentence += did_you_mean(reference.name, names);
    diagnostics_.error(reference.place, reference.key, std::move(sentence));
  }

  void check_references() {
    const Names upstreams = names_of(document_.upstreams);
    const Names origins = names_of(document_.origins);
    const Names jwt = names_of(document_.jwt);
    const Names rate_limits = names_of(document_.rate_limits);
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      const std::string path = item_path("routes", index);
      // A URL that is no upstream was refused when it was decoded.
      if (route.upstream.find("://") == std::string::npos && !route.upstream.starts_with("unix:")) {
        check_reference({route.upstream, route.upstream_place, path + ".upstream", "upstream", true},
                        upstreams);
      }
      check_reference({route.origins, route.origins_place, path + ".origins", "origin list"}, origins);
      check_reference({route.jwt, route.jwt_place, path + ".jwt", "jwt"}, jwt);
      for (const auto& [name, place] : route.rate_limits) {
        check_reference({name, place, path + ".rate_limit", "rate limit"}, rate_limits);
        check_claim_limit(route, name, place, path + ".rate_limit");
      }
      check_socket_limits(route, route.websocket.message_limits, path + ".websocket.message_limit",
                          rate_limits);
      check_socket_limits(route, route.websocket.byte_limits, path + ".websocket.byte_limit", rate_limits);
    }
  }

  void check_socket_limits(const RouteDocument& route,
                           const std::vector<std::pair<std::string, Place>>& limits, const std::string& key,
                           const Names& rate_limits) {
    for (const auto& [name, place] : limits) {
      check_reference({name, place, key, "rate limit"}, rate_limits);
      check_claim_limit(route, name, place, key);
    }
  }

  void check_claim_limit(const RouteDocument& route, const std::string& name, Place place,
                         const std::string& key) {
    if (!route.jwt.empty()) return;
    const auto limit = std::find_if(document_.rate_limits.begin(), document_.rate_limits.end(),
                                    [&](const RateLimitDocument& one) { return one.name == name; });
    if (limit == document_.rate_limits.end() || limit->by != RateLimitDocument::By::claim) return;
    diagnostics_.error(place, key,
                       document_.quote(place, name) + " is keyed by a claim, so the route needs jwt");
  }

  // Each would take the other's cookie for a foreign one, and overwrite it.
  void warn_of_shared_sticky_cookies() {
    std::map<std::pair<std::string_view, std::string_view>, std::string_view> seen;
    for (const UpstreamDocument& upstream : document_.upstreams) {
      if (!upstream.sticky) continue;
      const StickyDocument& sticky = *upstream.sticky;
      const auto [first, is_new] =
          seen.emplace(std::pair(std::string_view(sticky.cookie), sticky.path), upstream.name);
      if (is_new) continue;
      diagnostics_.warn(sticky.cookie_place, "upstreams." + upstream.name + ".sticky.cookie",
                        "has the name and path of the cookie of " + std::string(first->second) +
                            "; on one host the two would overwrite each other");
    }
  }

  void check_route_names() {
    std::map<std::string_view, Place> seen;
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      const RouteDocument& route = document_.routes[index];
      const auto [first, is_new] = seen.emplace(route.name, route.name_place);
      if (is_new) continue;
      diagnostics_.error(route.name_place, item_path("routes", index) + ".name",
                         document_.quote(route.name_place, route.name) + " is the name of the route" +
                             in_line(first->second) + " too");
    }
  }

  void check_forwarded_claims() {
    const std::string request_id = base::to_lower(document_.request_id_header);
    for (std::size_t index = 0; index < document_.routes.size(); ++index) {
      for (const ForwardedClaim& claim : document_.routes[index].forward_claims) {
        if (base::to_lower(claim.header) != request_id) continue;
        diagnostics_.error(claim.place,
                           item_path("routes", index) + ".forward_claims." + shown(claim.claim, 64),
                           document_.quote(claim.place, claim.header) + " carries the request id already");
      }
    }
  }

  // Behind a trusted proxy TLS may well have ended there.
  void warn_of_plain_tokens() {
    if (!document_.trusted_proxies.empty()) return;
    const bool takes_tokens = std::any_of(document_.routes.begin(), document_.routes.end(),
                                          [](const RouteDocument& route) { return !route.jwt.empty(); });
    if (!takes_tokens) return;
    for (std::size_t index = 0; index < document_.listeners.size(); ++index) {
      const ListenerDocument& listener = document_.listeners[index];
      const bool is_unread = listener.place.line > 0 && listener.address_place.line == 0;
      if (is_unread || listener.tls || listener.redirect_to_https || is_loopback(listener.host)) continue;
      diagnostics_.warn(listener.address_place, item_path("listeners", index) + ".address",
                        "tokens cross the network readable: the listener has no tls, and routes use jwt");
    }
  }

  void warn_of_full_detail() {
    if (!document_.error_pages.full_detail) return;
    const bool local =
        std::all_of(document_.listeners.begin(), document_.listeners.end(),
                    [](const ListenerDocument& listener) { return is_loopback(listener.host); });
    if (!local)
      diagnostics_.warn(document_.error_pages.detail_place, "error_pages.detail",
                        "full tells strangers what lies behind the gateway: a listener is not on loopback");
  }

  const Document& document_;
  Diagnostics& diagnostics_;
};

}  // namespace

void validate(const Document& document, Diagnostics& diagnostics) {
  Validation(document, diagnostics).run();
  warn_of_loops(document, diagnostics);
  validate_routes(document, diagnostics);
  validate_websocket(document, diagnostics);
}

}  // namespace postern::config
