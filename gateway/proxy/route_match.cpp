#include "proxy/route_match.h"

#include <string>

#include <tl/expected.hpp>

#include "base/error.h"
#include "http/websocket_handshake.h"
#include "policy/cors.h"
#include "policy/origin.h"
#include "routing/agreement.h"
#include "routing/table.h"

namespace postern::proxy {

using base::Cause;
using base::Result;
using base::Stage;
using http::FieldId;

namespace {

class RouteMatch {
 public:
  RouteMatch(const Snapshot& snapshot, http::RequestHead& request, RequestFacts& facts)
      : snapshot_(snapshot), request_(request), facts_(facts) {
    const auto authority = http::read_authority(facts.authority);
    if (authority) host_ = authority->host;
  }

  // The match may have no route. The error is a sentence for the client.
  tl::expected<routing::Match, std::string> find() {
    if (request_.target == "*") return match_reading("/");
    http::Target& target = facts_.target;
    if (!target.odd) {
      routing::Match match = match_reading(target.path);
      if (match.route && match.route->strict_paths)  // the strict rules apply to the query too
        if (const auto read = http::read_strict_target(request_.target, target); !read)
          return tl::unexpected(std::string(read.error()));
      return match;
    }
    if (snapshot_.strict_paths) {
      tl::expected<routing::Match, std::string> match = match_strict_path();
      if (!match || match->route) return match;
    }
    tl::expected<routing::Match, std::string> match = routing::match_every_reading(
        target.raw_path, [this](std::string_view reading) { return match_reading(reading); });
    if (match && match->route && match->route->strict_paths)
      return tl::unexpected(
          std::string("the route takes strict paths, and this one is written in another way"));
    return match;
  }

 private:
  routing::Match match_reading(std::string_view path) const {
    const ClientIdentity& client = facts_.client;
    routing::Address address{.host = host_,
                             .path = path,
                             .method = routing::method_to_match(request_),
                             .client = &client.address,
                             .headers = &request_.headers,
                             .query = facts_.target.query,
                             .is_preflight = policy::is_preflight(request_)};
    routing::Match match = snapshot_.routes.match(address);
    // A preflight belongs to the route that will get the request it announces, if that route answers
    // preflights. Otherwise it is an OPTIONS request like any other, and must not pass by another method's
    // route. The same holds if it comes from a page of the request's own origin, for which no browser sends a
    // preflight.
    if (address.is_preflight) {
      const bool is_answered =
          match.route && match.route->answers_preflights &&
          !policy::is_same_origin(request_.headers.get(FieldId::origin), client.tls, client.authority);
      if (!is_answered) {
        address.method = request_.method_text;
        address.is_preflight = false;
        match = snapshot_.routes.match(address);
      }
    }
    return match;
  }

  // Returns no route, and the target unchanged, when the path does not belong to a strict route. Otherwise
  // the target is normalised.
  tl::expected<routing::Match, std::string> match_strict_path() {
    http::Target strict;
    const tl::expected<void, std::string_view> read = http::read_strict_target(request_.target, strict);
    // A path that cannot be normalised belongs to no route. A strict route refuses it if it matches the path
    // as received, or the closest normal form.
    const routing::Match match = match_reading(read ? strict.path : facts_.target.path);
    if (!match.route || !match.route->strict_paths) return routing::Match();
    if (!read) return tl::unexpected(std::string(read.error()));
    // Dot segments that lead from one route's paths to another's: an endpoint that resolves them differently
    // would serve the one path under the rules of the other.
    if (!strict.climbed_from.empty() && match_reading(strict.climbed_from).route != match.route)
      return tl::unexpected(std::string("dot segments lead out of a route's path"));
    (void)http::read_strict_target(request_.target, facts_.target);
    return match;
  }

  const Snapshot& snapshot_;
  http::RequestHead& request_;
  RequestFacts& facts_;
  std::string_view host_{};  // empty: none was sent, or no valid one
};

}  // namespace

Result<std::optional<http::LocalResponse>> find_route(ExchangeState& exchange) {
  http::RequestHead& request = exchange.stream.request();
  RouteMatch reading(exchange.snapshot(), request, exchange.facts);
  const tl::expected<routing::Match, std::string> match = reading.find();
  if (!match) return base::fail(exchange.failed(Cause::bad_request, Stage::routing, match.error()));
  exchange.route = match->route;
  if (match->route) {
    exchange.context->route = match->route->name;
    exchange.context->body_size_max = exchange.limits().body_size;
    if (request.upgrade != http::Upgrade::websocket) return std::nullopt;
    const tl::expected<void, std::string_view> handshake = http::check_websocket_request(request);
    if (!handshake)
      return base::fail(exchange.failed(Cause::upgrade_required, Stage::routing, handshake.error()));
    return std::nullopt;
  }
  if (!match->path_matched_other_method)
    return base::fail(exchange.failed(Cause::no_route, Stage::routing, {}));
  http::LocalResponse response = http::refusal(Cause::method_not_allowed, "allowed: " + match->allow);
  response.headers.emplace_back("Allow", match->allow);
  return response;
}

Result<void> need_normal_path(ExchangeState& exchange, std::string_view what) {
  const std::string_view irregular = exchange.facts.target.irregular;
  if (irregular.empty()) return {};
  return base::fail(exchange.failed(Cause::bad_request, Stage::routing,
                                    "the route " + std::string(what) +
                                        ", for which a path must have one form, and " +
                                        std::string(irregular)));
}

}  // namespace postern::proxy
