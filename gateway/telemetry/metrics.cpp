#include "telemetry/metrics.h"

#include <algorithm>

#include "base/error.h"

namespace postern::telemetry {
namespace {

using enum Kind;

constexpr auto process_rows = std::to_array<NumberRow<Count>>({
    {Count::connections_accepted, "postern_connections_accepted_total", "", counter,
     "Client connections that were accepted."},
    {Count::connections_open, "postern_http_connections_open", "", gauge,
     "Client connections that speak TLS or HTTP now; tunnels are counted apart."},
    {Count::tunnels_opened, "postern_tunnels_opened_total", "", counter, "Tunnels that were opened."},
    {Count::tunnels_open, "postern_tunnels_open", "", gauge, "Tunnels that are open now."},
    {Count::tunnel_bytes_from_clients, "postern_tunnel_bytes_total", "direction=\"from_client\"", counter,
     "Bytes that went on through tunnels, as the other side gets them; what was dropped is not among them."},
    {Count::tunnel_bytes_to_clients, "postern_tunnel_bytes_total", "direction=\"to_client\"", counter, ""},
    {Count::messages_dropped, "postern_websocket_messages_dropped_total", "", counter,
     "Messages that a rule, or a client that does not read, made the gateway drop."},
    {Count::sockets_refusing, "postern_websocket_refusals_open", "", gauge,
     "Upgrades that were taken only to tell a page by a Close frame why they are refused."},
    {Count::tokens_renewed, "postern_tokens_renewed_total", "", counter,
     "WebSockets and event streams that got a newer token of their session, each time."},
    {Count::streams_opened, "postern_streams_opened_total", "", counter,
     "Event streams, and other answers without a length that stayed open."},
    {Count::streams_open, "postern_streams_open", "", gauge,
     "Of these, how many are open now, on all routes, those that a reload removed included."},
});

constexpr auto route_rows = std::to_array<NumberRow<RouteCount>>({
    {RouteCount::requests_without_status, "postern_requests_total", "class=\"none\"", counter,
     "Requests by route and class of the status that the client got, or for which a Close frame stood; none: "
     "it left before there was one."},
    {RouteCount::requests_1xx, "postern_requests_total", "class=\"1xx\"", counter, ""},
    {RouteCount::requests_2xx, "postern_requests_total", "class=\"2xx\"", counter, ""},
    {RouteCount::requests_3xx, "postern_requests_total", "class=\"3xx\"", counter, ""},
    {RouteCount::requests_4xx, "postern_requests_total", "class=\"4xx\"", counter, ""},
    {RouteCount::requests_5xx, "postern_requests_total", "class=\"5xx\"", counter, ""},
    {RouteCount::request_body_bytes, "postern_request_body_bytes_total", "", counter,
     "Bytes of request bodies that were passed on."},
    {RouteCount::response_body_bytes, "postern_response_body_bytes_total", "", counter,
     "Bytes of response bodies, the gateway's own answers included."},
    {RouteCount::sockets_open, "postern_websocket_open", "", gauge,
     "WebSockets of the route that are open now."},
    {RouteCount::sockets_silent, "postern_websocket_silent_sockets", "", gauge,
     "Open sockets that heard their endpoint five minutes ago or earlier, of routes on which nothing has "
     "come since."},
    {RouteCount::streams_open, "postern_route_streams_open", "", gauge,
     "Event streams of the route, and other answers without a length, that are open now."},
    {RouteCount::would_refuse_origins, "postern_would_refuse_total", "rule=\"origins\"", counter,
     "Requests that passed although a rule with report_only would have refused them, by route and rule."},
    {RouteCount::would_refuse_csrf, "postern_would_refuse_total", "rule=\"csrf\"", counter, ""},
    {RouteCount::would_refuse_address_rules, "postern_would_refuse_total", "rule=\"address_rules\"", counter,
     ""},
    {RouteCount::would_refuse_rate_limit, "postern_would_refuse_total", "rule=\"rate_limit\"", counter, ""},
    {RouteCount::would_refuse_jwt, "postern_would_refuse_total", "rule=\"jwt\"", counter, ""},
    {RouteCount::would_refuse_required_claims, "postern_would_refuse_total", "rule=\"required_claims\"",
     counter, ""},
    {RouteCount::auth_passed, "postern_forward_auth_total", "outcome=\"passed\"", counter,
     "Requests that forward_auth has judged, by route and outcome; failed: the authentication server gave no "
     "usable answer."},
    {RouteCount::auth_refused, "postern_forward_auth_total", "outcome=\"refused\"", counter, ""},
    {RouteCount::auth_failed, "postern_forward_auth_total", "outcome=\"failed\"", counter, ""},
    {RouteCount::auth_cached, "postern_forward_auth_cached_total", "", counter,
     "Requests that forward_auth has judged by an answer that was kept (forward_auth.cache)."},
    {RouteCount::refresh_done, "postern_token_refresh_total", "outcome=\"refreshed\"", counter,
     "Handshakes with an expired token and a refresh cookie, by route and outcome; refused: the refresh "
     "endpoint answered without 2xx; failed: it gave no answer, or no token that could be used."},
    {RouteCount::refresh_refused, "postern_token_refresh_total", "outcome=\"refused\"", counter, ""},
    {RouteCount::refresh_failed, "postern_token_refresh_total", "outcome=\"failed\"", counter, ""},
});

constexpr auto upstream_rows = std::to_array<NumberRow<UpstreamCount>>({
    {UpstreamCount::attempts, "postern_upstream_attempts_total", "", counter,
     "Tries to have a request answered by an endpoint of the upstream."},
    {UpstreamCount::retries, "postern_upstream_retries_total", "", counter,
     "Tries after the first one of a request."},
});

constexpr auto endpoint_rows = std::to_array<NumberRow<EndpointCount>>({
    {EndpointCount::attempts, "postern_endpoint_attempts_total", "", counter,
     "Tries to have a request answered by the endpoint."},
    {EndpointCount::failures, "postern_endpoint_failures_total", "", counter,
     "Tries that the endpoint is to blame for: no connection, no response, or none in time."},
    {EndpointCount::both_lengths, "postern_endpoint_deviations_total", "kind=\"both_lengths\"", counter,
     "Responses of the endpoint that differ from HTTP and were sent on, written anew, by kind."},
    {EndpointCount::repeated_length, "postern_endpoint_deviations_total", "kind=\"repeated_length\"", counter,
     ""},
    {EndpointCount::repeated_chunked, "postern_endpoint_deviations_total", "kind=\"repeated_chunked\"",
     counter, ""},
    {EndpointCount::chunked_in_http_1_0, "postern_endpoint_deviations_total", "kind=\"chunked_in_http_1_0\"",
     counter, ""},
    {EndpointCount::line_feed, "postern_endpoint_deviations_total", "kind=\"line_feed\"", counter, ""},
    {EndpointCount::folded_field, "postern_endpoint_deviations_total", "kind=\"folded_field\"", counter, ""},
    {EndpointCount::space_before_colon, "postern_endpoint_deviations_total", "kind=\"space_before_colon\"",
     counter, ""},
    {EndpointCount::padded_chunk_size, "postern_endpoint_deviations_total", "kind=\"padded_chunk_size\"",
     counter, ""},
});

constexpr auto provider_rows = std::to_array<NumberRow<ProviderCount>>({
    {ProviderCount::accepted, "postern_jwt_tokens_total", "outcome=\"accepted\"", counter,
     "Requests of routes with a jwt section, by what became of their token: accepted, or why it was "
     "refused."},
    {ProviderCount::token_missing, "postern_jwt_tokens_total", "outcome=\"token_missing\"", counter, ""},
    {ProviderCount::token_malformed, "postern_jwt_tokens_total", "outcome=\"token_malformed\"", counter, ""},
    {ProviderCount::token_expired, "postern_jwt_tokens_total", "outcome=\"token_expired\"", counter, ""},
    {ProviderCount::token_not_yet_valid, "postern_jwt_tokens_total", "outcome=\"token_not_yet_valid\"",
     counter, ""},
    {ProviderCount::token_signature, "postern_jwt_tokens_total", "outcome=\"token_signature\"", counter, ""},
    {ProviderCount::token_algorithm, "postern_jwt_tokens_total", "outcome=\"token_algorithm\"", counter, ""},
    {ProviderCount::token_key_unknown, "postern_jwt_tokens_total", "outcome=\"token_key_unknown\"", counter,
     ""},
    {ProviderCount::token_claims, "postern_jwt_tokens_total", "outcome=\"token_claims\"", counter, ""},
    {ProviderCount::claims_refused, "postern_jwt_tokens_total", "outcome=\"claims_refused\"", counter, ""},
    {ProviderCount::keys_unavailable, "postern_jwt_tokens_total", "outcome=\"keys_unavailable\"", counter,
     ""},
    {ProviderCount::other, "postern_jwt_tokens_total", "outcome=\"other\"", counter, ""},
});

// Checks that every enumerator has its row, in their order.
template <class Name, size_t size>
constexpr bool in_order(const std::array<NumberRow<Name>, size>& table) {
  for (size_t i = 0; i < size; ++i)
    if (static_cast<size_t>(table[i].number) != i) return false;
  return size == static_cast<size_t>(Name::end);
}
static_assert(in_order(process_rows) && in_order(route_rows));
static_assert(in_order(upstream_rows) && in_order(endpoint_rows) && in_order(provider_rows));

ProviderCount outcome_of(base::Cause refused) {
  switch (refused) {
    case base::Cause::token_missing: return ProviderCount::token_missing;
    case base::Cause::token_malformed: return ProviderCount::token_malformed;
    case base::Cause::token_expired: return ProviderCount::token_expired;
    case base::Cause::token_not_yet_valid: return ProviderCount::token_not_yet_valid;
    case base::Cause::token_signature: return ProviderCount::token_signature;
    case base::Cause::token_algorithm: return ProviderCount::token_algorithm;
    case base::Cause::token_key_unknown: return ProviderCount::token_key_unknown;
    case base::Cause::token_claims: return ProviderCount::token_claims;
    case base::Cause::claims_refused: return ProviderCount::claims_refused;
    case base::Cause::keys_unavailable: return ProviderCount::keys_unavailable;
    default: break;
  }
  return ProviderCount::other;
}

// The series called `name` in `kept`: taken from `before` if it has one, otherwise new.
template <class Map>
typename Map::mapped_type keep(const Map& before, Map& kept, const typename Map::key_type& name) {
  typename Map::mapped_type& series = kept[name];
  if (series) return series;
  const auto known = before.find(name);
  series = known != before.end() ? known->second : Map::mapped_type::make();
  return series;
}

template <class From, class To>
void copy(const From& from, To& to) {
  for (const auto& [name, series] : from) to.emplace(name, *series);
}

template <class Key, class T>
void add_all(const std::map<Key, T>& from, std::map<Key, T>& to) {
  for (const auto& [name, series] : from) to[name].add(series);
}

}  // namespace

std::span<const NumberRow<Count>> rows(Count) { return process_rows; }
std::span<const NumberRow<RouteCount>> rows(RouteCount) { return route_rows; }
std::span<const NumberRow<UpstreamCount>> rows(UpstreamCount) { return upstream_rows; }
std::span<const NumberRow<EndpointCount>> rows(EndpointCount) { return endpoint_rows; }
std::span<const NumberRow<ProviderCount>> rows(ProviderCount) { return provider_rows; }

void ProviderSeries::token(std::optional<base::Cause> refused) {
  add(refused ? outcome_of(*refused) : ProviderCount::accepted);
}

void SocketEndings::closed(std::string_view route, base::Side by, uint16_t code, std::string_view cause) {
  add(route, {by, code, cause}, 1);
}

void SocketEndings::add(std::string_view route, Kind kind, uint64_t count) {
  const auto known = routes_.find(route);
  Counts& counts = known != routes_.end() ? known->second : routes_[std::string(route)];
  if (counts.size() >= kinds_max && counts.find(kind) == counts.end()) kind.code = 0;
  counts[kind] += count;
}

void SocketEndings::add(const SocketEndings& other) {
  for (const auto& [route, counts] : other.routes_)
    for (const auto& [kind, count] : counts) add(route, kind, count);
}

void SocketEndings::keep(const std::vector<std::string>& routes) {
  for (auto at = routes_.begin(); at != routes_.end();)
    at = std::find(routes.begin(), routes.end(), at->first) == routes.end() ? routes_.erase(at)
                                                                            : std::next(at);
}

void RouteSeries::exchange(uint16_t status, base::Duration duration, uint64_t request_bytes,
                           uint64_t response_bytes) {
  const auto first = static_cast<size_t>(RouteCount::requests_without_status);
  const size_t status_class = status < 100 || status > 599 ? 0 : status / 100;
  add(static_cast<RouteCount>(first + status_class));
  add(RouteCount::request_body_bytes, request_bytes);
  add(RouteCount::response_body_bytes, response_bytes);
  durations.record(duration);
}

void EndpointState::add(const EndpointState& other) {
  up += other.up;
  ejected += other.ejected;
  unreachable += other.unreachable;
  unhealthy += other.unhealthy;
  passed_over_for = std::max(passed_over_for, other.passed_over_for);
  in_flight += other.in_flight;
  connections_idle += other.connections_idle;
}

void Totals::add(const Totals& other) {
  process.add(other.process);
  failures.add(other.failures);
  sockets.add(other.sockets);
  add_all(other.routes, routes);
  add_all(other.upstreams, upstreams);
  add_all(other.endpoints, endpoints);
  add_all(other.endpoint_states, endpoint_states);
  add_all(other.providers, providers);
}

Series Metrics::adopt(const SeriesNames& names) {
  Series series;
  decltype(routes_) routes;
  decltype(upstreams_) upstreams;
  decltype(endpoints_) endpoints;
  decltype(providers_) providers;
  for (const std::string& name : names.routes) series.routes.push_back(keep(routes_, routes, name));
  for (const SeriesNames::Upstream& upstream : names.upstreams) {
    Series::Upstream& added = series.upstreams.emplace_back();
    added.all = keep(upstreams_, upstreams, upstream.name);
    for (const std::string& endpoint : upstream.endpoints)
      added.endpoints.push_back(keep(endpoints_, endpoints, Totals::Endpoint(upstream.name, endpoint)));
  }
  for (const std::string& name : names.providers)
    series.providers.push_back(keep(providers_, providers, name));
  sockets.keep(names.routes);
  routes_ = std::move(routes);
  upstreams_ = std::move(upstreams);
  endpoints_ = std::move(endpoints);
  providers_ = std::move(providers);
  return series;
}

RouteSeries* Metrics::route(std::string_view name) {
  const auto known = routes_.find(name);
  return known == routes_.end() ? nullptr : &*known->second;
}

Totals Metrics::totals() const {
  Totals totals;
  totals.process = process;
  totals.failures = failures;
  totals.sockets = sockets;
  copy(routes_, totals.routes);
  totals.routes.emplace("", unrouted);
  copy(upstreams_, totals.upstreams);
  copy(endpoints_, totals.endpoints);
  copy(providers_, totals.providers);
  totals.endpoint_states = endpoint_states;
  return totals;
}

}  // namespace postern::telemetry
