#include "config/keys_routes.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/fingerprint.h"
#include "config/keys_actions.h"
#include "config/keys_basic_auth.h"
#include "config/keys_certificates.h"
#include "config/keys_claims.h"
#include "config/keys_compression.h"
#include "config/keys_forward_auth.h"
#include "config/keys_headers.h"
#include "config/keys_limits.h"
#include "config/keys_listeners.h"
#include "config/keys_logout.h"
#include "config/keys_match.h"
#include "config/keys_renewal.h"
#include "config/keys_rewriting.h"
#include "config/keys_token_refresh.h"
#include "config/keys_upstreams.h"
#include "config/keys_websocket.h"
#include "config/text.h"
#include "config/token_places.h"
#include "policy/jwt_providers.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_routes = 10'000;
constexpr std::size_t most_providers = policy::JwtProviders::most;

std::optional<std::string> read_route_name(const Value& value) {
  auto name = value.parsed(parse_name);
  if (name == "none") value.complain("\"none\" is what metrics call requests of no route");
  return name;
}

auto route_name() {
  return custom(
      read_route_name, "text",
      R"({"type":["string","number","boolean"],"pattern":"^[A-Za-z0-9._-]{1,64}$|\\$\\{","not":{"const":"none"}})");
}

// Reads the addresses of clients.
std::optional<std::vector<std::string>> read_clients(const Value& value) {
  std::vector<std::string> blocks;
  const auto items = value.items_or_one();
  if (value.is_list() && items.empty()) value.complain("is empty; leave it out");
  for (const Value& item : items)
    if (auto block = item.parsed(parse_cidr)) blocks.push_back(std::move(*block));
  return blocks;
}

auto clients() {
  return custom(read_clients, "list of CIDR blocks or addresses",
                any_of({string_schema(cidr_pattern), list_schema(string_schema(cidr_pattern), 1, 1000)}),
                "[]");
}

std::optional<std::vector<std::pair<std::string, SourceLocation>>> read_names(const Value& value) {
  std::vector<std::pair<std::string, SourceLocation>> names;
  for (const Value& item : value.items_or_one())
    if (const auto name = item.text()) names.emplace_back(*name, item.location());
  return names;
}

std::optional<std::vector<std::pair<std::string, SourceLocation>>> read_providers(const Value& value) {
  auto names = read_names(value);
  if (value.is_list() && value.items().empty()) value.complain("is empty; leave jwt out");
  if (names->size() > most_providers)
    value.complain("names more than " + std::to_string(most_providers) + " sections");
  for (auto one = names->begin(); one != names->end(); ++one)
    if (std::any_of(names->begin(), one, [&](const auto& other) { return other.first == one->first; }))
      value.complain("names " + quoted(one->first) + " twice");
  return names;
}

auto provider_names() {
  return custom(read_providers, "name or list of names",
                any_of({scalar_schema(), list_schema(scalar_schema(), 1, most_providers)}), "none");
}

const Keys<RouteDocument>& jwt_reference_keys() {
  static const auto keys =
      Keys<RouteDocument>("jwt_reference")
          .key("use", &RouteDocument::jwt, provider_names(),
               "The name of the rules under the top-level jwt that check the token. Or a list of at most 8 "
               "names: "
               "a token that one of them accepts is enough. Each looks into the places of its own from.")
          .required()
          .example("clerk")
          .key("required", &RouteDocument::jwt_required, boolean(),
               "Whether a request without a token is refused with 401. With false it passes; a token that "
               "is not valid is refused in any case.")
          .key("forward_as", &RouteDocument::forward_token, token_forwarding(),
               "What becomes of the token that was verified. keep: it stays where it was, except in "
               "Sec-WebSocket-Protocol. strip: the endpoint gets none. Or the place where the endpoint "
               "expects it, in place of what the client sent there: header (Authorization: Bearer), "
               "{ header: NAME }, { header: NAME, scheme: WORD }, { cookie: NAME }, { query: NAME }, "
               "subprotocol (Sec-WebSocket-Protocol: bearer, TOKEN; a request that opens no WebSocket keeps "
               "its token).")
          .folded()
          .example("keep")
          .key("refresh", &RouteDocument::token_refresh, map(token_refresh_keys),
               "Exchanges an expired token while a WebSocket or an event stream (Accept: text/event-stream) "
               "is opened: when a token of the request is refused for its age and nothing else, the "
               "application's refresh endpoint is asked with the refresh cookie of the request, and the "
               "fresh token, which must be one of the same provider and user, goes on where the expired one "
               "was. Handshakes that come with the same cookie within ten seconds share one call, and the "
               "cookies that the answer sets go to the client of each, by the rules of cookies of this "
               "route. If there is no fresh token, the request is refused as before. Give the route "
               "origins: a cookie comes with the pages of every site.")
          .by_default("none")
          .commented_out()
          .key("report_only", &RouteDocument::jwt_report_only, boolean(),
               "Whether requests without a token, or with one that is not valid or not enough, pass as they "
               "came. They are logged (would_refuse) and counted (postern_would_refuse_total), and nothing "
               "waits for keys or ends with a token. The fields of forward_claims come from valid tokens "
               "only.");
  return keys;
}

std::optional<std::vector<ForwardedClaim>> read_forwarded_claims(const Value& value) {
  std::vector<ForwardedClaim> claims;
  for (const auto& [key, entry] : value.entries()) {
    auto header = entry.parsed(parse_settable_header);
    if (!header) continue;
    for (const ForwardedClaim& other : claims) {
      if (!base::equal_as_variable(other.header, *header)) continue;
      entry.complain(entry.quote() + " takes another claim in line " + std::to_string(other.location.line) +
                     " already");
      break;
    }
    claims.push_back(ForwardedClaim{key.text, std::move(*header), entry.location()});
  }
  return claims;
}

auto forwarded_claims() {
  return custom(read_forwarded_claims, "map of claim to header name",
                entries_schema(string_schema("[A-Za-z0-9!#$%&'*+.^_`|~-]+")), "none");
}

auto rate_limit_names() {
  return custom(read_names, "name or list of names",
                any_of({scalar_schema(), list_schema(scalar_schema(), 0, 1000)}), "none");
}

// A short form of limits.body_size of the route.
struct RouteBodySize : BodySize {
  void read_into(const Value& value, routing::RouteLimits& limits) const {
    if (limits.body_size) value.complain("stands in limits as well; a route has one of the two");
    if (const auto bytes = read(value)) limits.body_size = *bytes;
  }
  std::string shown(const routing::RouteLimits&) const { return {}; }
};

const SocketKeys<RouteDocument>& route_keys();

void begin_route(const Value& value, RouteDocument& route) {
  route.name = value.path();
  route.location = value.location();
  // Left out are keys that apply only to new sockets, and maps that have a fingerprint of their own
  // (Holds::by_key).
  std::vector<std::string_view> but;
  for (const KeyRow& row : route_keys().rows())
    if (row.holds != Holds::open) but.push_back(row.name);
  route.fingerprint = fingerprint(value.node(), but);
}

void check_route(const Fields& fields, RouteDocument& route) {
  const bool match_is_good = !fields.take("match") || fields.is_good("match");
  route.match_read = fields.is_map() && !fields.is_misspelt("match") && match_is_good;
  check_actions(fields, route);
  check_rewriting(fields, route);
  check_claim_rules(fields, route);
  const std::optional<Value> address_rules = fields.take("address_rules");
  if (address_rules && !fields.take("allow") && !fields.take("deny"))
    address_rules->complain("has no effect without allow and deny");
  if (address_rules && route.any_access && route.address_rules_report_only && !fields.take("deny"))
    address_rules->complain("has no effect: under access: any, allow lets in and refuses nobody");
}

const SocketKeys<RouteDocument>& route_keys() {
  static const auto keys =
      SocketKeys<RouteDocument>("route")
          .begin(begin_route)
          .key("name", &RouteDocument::name, route_name(), "The name of the route in logs and metrics.",
               Holds::new_only)
          .by_default("routes[N]")
          .example("socket")
          .located(&RouteDocument::name_location)
          .key("match", itself<RouteDocument>, Match(),
               "What a request must match for the route to be taken.", Holds::open)
          .key("paths", &RouteDocument::strict_paths, strict_paths(),
               "How the paths of this route are handled, in place of the top-level paths. With unchanged, "
               "the client's path goes to the endpoint byte for byte, and is refused with 400 only where "
               "servers read it in ways that lead to different routes. With strict, it is normalised, and "
               "refused with 400 when it has an encoded slash, a backslash, a \";\" or a byte that must be "
               "escaped.",
               Holds::open)
          .by_default("the top-level paths")
          .example("strict")
          .key("allow", &RouteDocument::allow, clients(),
               "The client addresses that the route serves; all others are answered with 403. Behind "
               "trusted_proxies, the address that they report counts.",
               Holds::open)
          .by_default("all")
          .example("[\"10.0.0.0/8\"]")
          .commented_out()
          .key("deny", &RouteDocument::deny, clients(),
               "The client addresses that are answered with 403, even where allow lists them. Behind "
               "trusted_proxies, the address that they report counts.",
               Holds::open)
          .example("[\"10.9.0.0/16\"]")
          .commented_out()
          .key("address_rules", &RouteDocument::address_rules_report_only,
               words<bool>({{"refuse", false}, {"report_only", true}}),
               "What becomes of a request that allow or deny refuses: it is answered with 403, or passes "
               "and "
               "is only logged (would_refuse) and counted (postern_would_refuse_total).",
               Holds::open)
          .commented_out()
          .key("upstream", itself<RouteDocument>, UpstreamReference(),
               "The upstream that gets the requests of the route: a name of upstreams, or the URL of an "
               "endpoint, such as http://127.0.0.1:3000.",
               Holds::open)
          .by_default("required without files, respond, redirect and maintenance")
          .example("api")
          .key("files", &RouteDocument::files, map(files_keys).short_for("root").in_words("folder or map"),
               "Serves static files from a folder to GET and HEAD requests, in place of an upstream; the "
               "whole path is looked up below the folder. `files: ./dist` is short for { root: ./dist }. "
               "Ranges and conditional requests are supported; a folder is answered with its index, or "
               "with 404. Nothing outside the folder is served, by no path and no symbolic link.",
               Holds::open)
          .commented_out()
          .key("spa", itself<RouteDocument>, SinglePageKind(),
               "Serves the index of files for a single-page application (SPA fallback) when a browser goes "
               "to a page for which there is no file. It never does so for a name with an extension, or "
               "for a request that does not ask for text/html.",
               Holds::open)
          .commented_out()
          .key("respond", &RouteDocument::respond, map(respond_keys),
               "Answers requests of every method with a fixed response, in place of an upstream.",
               Holds::open)
          .commented_out()
          .key("ticket", &RouteDocument::ticket, duration(1s, 5min),
               "The route answers POST with a ticket for the token of the request, as JSON: "
               "{\"ticket\":\"...\",\"expires_in\":30}. A ticket is good once, for so long, on every worker, "
               "in the "
               "query parameter that { ticket: NAME } in jwt.*.from names: a page puts it into the URL of a "
               "WebSocket or an event stream, where a token itself would stand in every log.",
               Holds::open)
          .by_default("none")
          .example("30s")
          .commented_out()
          .located(&RouteDocument::ticket_location)
          .key(
              "renew", &RouteDocument::renew, boolean(),
              "The route answers POST by taking the token of the request for what its session has open (the "
              "WebSockets and event streams that were opened with a token of the same section of jwt, iss, "
              "sub, and sid if there is one), on every worker: they end with the new token, and not with the "
              "older one. The answer is JSON: {\"renewed\":2,\"expires_at\":1790000000}. A client may name "
              "one of "
              "them only, in the field Postern-Connection: the request id that the answer to its upgrade "
              "had. "
              "What a rule of required_claims reads must be the same in both tokens, and so must what "
              "forward_claims forwards.",
              Holds::open)
          .by_default("false")
          .example("true")
          .commented_out()
          .located(&RouteDocument::renew_location)
          .key("redirect", &RouteDocument::redirect, map(redirect_keys),
               "Redirects clients to another address, in place of an upstream.", Holds::open)
          .commented_out()
          .key("backchannel_logout", &RouteDocument::backchannel_logout, map(backchannel_logout_keys),
               "Takes the logout tokens of a provider (OpenID Connect Back-Channel Logout), in place of an "
               "upstream: what hangs on the session (sid) that one names ends within a second, on every "
               "worker, and its tokens are refused; without sid the same happens to all tokens of the user "
               "(sub) that were issued until then. Register the address of the route at the provider.",
               Holds::open)
          .commented_out()
          .key("maintenance", &RouteDocument::maintenance,
               map(maintenance_keys).or_boolean().in_words("true or map"),
               "Answers every request of the route with 503 (maintenance mode), whatever else the route "
               "says. `maintenance: true` is short for a map without entries.",
               Holds::open)
          .by_default("none")
          .commented_out()
          .key("rewrite", &RouteDocument::rewrite, map(rewrite_keys),
               "Changes the path on its way to the upstream, by one of strip_prefix, add_prefix, "
               "replace_prefix and pattern; the query stays. Such a route sends normalised paths, and "
               "refuses a path that has no normal form (an encoded slash, a backslash) with 400.",
               Holds::open)
          .commented_out()
          .key("host", &RouteDocument::host_sent, HostSent(),
               "The Host field that endpoints get for this route: preserve keeps the client's, upstream "
               "sends the host of the endpoint, and any other value is sent as it is.",
               Holds::open)
          .by_default("the host key of the upstream")
          .example("upstream")
          .commented_out()
          .key("rewrite_location", &RouteDocument::rewrite_location, boolean(),
               "Whether Location, Content-Location and Refresh fields that lead to the endpoint's address "
               "are rewritten to lead to the gateway's; a stripped prefix is put back.",
               Holds::open)
          .commented_out()
          .key("cookies", &RouteDocument::cookies, map(cookie_keys),
               "Rewrites the cookies that endpoints set (Set-Cookie), so that browsers take them from the "
               "gateway.",
               Holds::open)
          .commented_out()
          .key("request_headers", &RouteDocument::request_headers, map(request_header_keys),
               "Rules for the header fields of this route's requests to endpoints, applied after the rules "
               "for all routes.",
               Holds::open)
          .by_default("none")
          .commented_out()
          .key("response_headers", &RouteDocument::response_headers, map(response_header_keys),
               "Rules for the header fields of this route's responses to clients, applied after the rules "
               "for all routes.",
               Holds::open)
          .by_default("none")
          .commented_out()
          .key("origins", &RouteDocument::origins, text("name"),
               "The name of the list of origins that controls CORS and WebSocket handshakes on this route. "
               "Without it, no origin is checked, and CORS is left to the application.",
               Holds::open)
          .example("dashboard")
          .located(&RouteDocument::origins_location)
          .key(
              "client_certificate", &RouteDocument::certificate,
              map(client_certificate_keys).short_for("mode").in_words("required, wanted or map"),
              "Requires a certificate of the client, which a listener with client_certificates has verified. "
              "`client_certificate: required` is short for { mode: required }.",
              Holds::open)
          .by_default("none")
          .commented_out()
          .key("basic_auth", &RouteDocument::basic_auth,
               map(basic_auth_use_keys).short_for("use").in_words("name or map"),
               "Requires a user and a password (Basic authentication) of the list of that name under the "
               "top-level basic_auth. `basic_auth: staging` is short for { use: staging }.",
               Holds::open)
          .by_default("none")
          .key("forward_auth", &RouteDocument::forward_auth,
               map(forward_auth_keys).short_for("url").in_words("URL or map"),
               "Asks another server about each request, as auth_request of nginx, forwardAuth of Traefik and "
               "forward_auth of Caddy do, for example oauth2-proxy, Authelia or authentik. An answer of 2xx "
               "lets the request pass; another one below 500 goes to the client, with its status, Location, "
               "Set-Cookie and body. While the server cannot be asked, no request passes. A WebSocket or an "
               "event stream is asked about once, when it is opened. The server gets X-Forwarded-Method, "
               "-Proto, -Host, -Uri and -For, and X-Original-Method, -URL and -URI. Where it decides by the "
               "path, set paths: strict on the route. `forward_auth: http://127.0.0.1:4180/oauth2/auth` is "
               "short for { url: ... }.",
               Holds::open)
          .by_default("none")
          .key("access", &RouteDocument::any_access, words<bool>({{"all", false}, {"any", true}}),
               "Whether a client needs all of allow, client_certificate, basic_auth, jwt and forward_auth of "
               "the "
               "route, as far as they are there, or any one of them is enough. What deny lists stays out in "
               "both cases.",
               Holds::open)
          .example("any")
          .located(&RouteDocument::access_location)
          .key("jwt", itself<RouteDocument>,
               map(jwt_reference_keys).short_for_list("use").in_words("name, list of names or map"),
               "Requires a valid JSON Web Token (JWT) on this route, checked by the rules of that name "
               "under the top-level jwt, or by one of several. `jwt: clerk` is short for { use: clerk, "
               "required: true }, and `jwt: [clerk, machines]` for the same with both.",
               Holds::open)
          .by_default("none")
          .key(
              "required_claims", &RouteDocument::required_claims, RouteClaims(),
              "What the claims of the verified token must be on this route; otherwise the request is "
              "answered "
              "with 403 and the name of the rule. Either a map, such as { scope: jobs:write }, or a list of "
              "rules with names and methods. In the map, each entry must hold: a claim has a value, or one "
              "of "
              "a list, or any (present), or { all: [...] }, { pattern: ... }, { at_least: 1, at_most: 5 }. A "
              "claim that is a list has each of its elements as a value, scope and scp also each of their "
              "words. Names lead into objects with dots (realm_access.roles). any and all stand before lists "
              "of such maps, not before one of which no entry may hold. A value may be {path.NAME}, {host}, "
              "{host.NAME} or {query.NAME} of the request, or have it in it; where a request does not have "
              "it, "
              "or has it twice, the comparison permits nothing. A request that a rule is for needs a token, "
              "even where jwt has required: false.",
              Holds::open)
          .by_default("none")
          .key("logout", &RouteDocument::logout_paths,
               list_or_one("path or list of paths", text("path", parse_route_path, "/.*"),
                           "is empty; leave it out"),
               "The paths by which clients log out at the application. When the endpoint has answered one "
               "with "
               "2xx or 3xx, what the session of its token (sid, or else the token itself by jti) holds "
               "elsewhere ends within a second: WebSockets, event streams, and further requests.",
               Holds::new_only)
          .by_default("none")
          .example("/api/auth/logout")
          .commented_out()
          .key("refresh_calls", &RouteDocument::refresh_calls, map(refresh_calls_keys),
               "Where clients get a new token from the application. When the endpoint has answered such a "
               "request with 2xx, the token of its answer is taken for what its session has open, as with "
               "renew: so WebSockets and event streams live on without a change to client or backend.",
               Holds::new_only)
          .by_default("none")
          .commented_out()
          .key("forward_claims", &RouteDocument::forward_claims, forwarded_claims(),
               "The claims of the verified token that are sent to the endpoint, each in a header field. A "
               "client can never send such a field itself.",
               Holds::open)
          .example("{ sub: X-User-Id, email: X-User-Email }")
          .key("rate_limit", &RouteDocument::rate_limits, rate_limit_names(),
               "The rate_limits that requests of this route count against. A request beyond a limit is "
               "answered with 429 and Retry-After; RateLimit and RateLimit-Policy tell every client how "
               "much is left. CORS preflights do not count.",
               Holds::new_only)
          .example("public")
          .key("compression", &RouteDocument::compression, Compression(),
               "Compression of this route's responses: false turns it off, true turns it on, and a map "
               "with the keys of compression changes only those that it names.",
               Holds::open)
          .by_default("the top-level compression")
          .folded()
          .example("false")
          .commented_out()
          .key("websocket", &RouteDocument::websocket, map(socket_keys),
               "Rules for the WebSockets of this route: a map with the keys of the top-level websocket, "
               "which changes only those that it names.",
               Holds::by_key)
          .by_default("the top-level websocket")
          .folded()
          .example("")
          .commented_out()
          .key("event_streams", &RouteDocument::streams, map(stream_keys),
               "Rules for the event streams of this route: a map with the keys of the top-level "
               "event_streams, which changes only those that it names.",
               Holds::by_key)
          .by_default("the top-level event_streams")
          .folded()
          .example("")
          .commented_out()
          .key("limits", &RouteDocument::limits, map(route_limit_keys),
               "The size and time limits of this route, where they differ from those of the listener.",
               Holds::open)
          .by_default("the limits of the listener")
          .commented_out()
          .inherits("the listener's ")
          .key("body_size", &RouteDocument::limits, RouteBodySize(),
               "The largest request body on this route, short for limits.body_size of the route. A larger "
               "one is answered with 413; with none, there is no limit.",
               Holds::open)
          .by_default("limits.body_size")
          .example("10MiB")
          .at_most_one_of(
              {"upstream", "files", "respond", "redirect", "ticket", "renew", "backchannel_logout"},
              "stands beside {}; a route has one action")
          .at_least_one_of({"upstream", "files", "respond", "redirect", "ticket", "renew",
                            "backchannel_logout", "maintenance"},
                           "has no action: upstream, files, respond or redirect")
          .needs("spa", "files", "needs files: it is their index that answers")
          .needs("ticket", "jwt", "needs jwt: a ticket stands for a token that was verified")
          .needs("renew", "jwt", "needs jwt: it is a verified token that renews")
          .needs("refresh_calls", "upstream", "needs upstream: it is the application that gives out tokens")
          .needs("required_claims", "jwt", "needs jwt: without a verified token there are no claims")
          .needs("forward_claims", "jwt", "needs jwt: without a verified token there are no claims")
          .needs("logout", "jwt", "needs jwt: without a verified token there is no session to end")
          .check(check_route);
  return keys;
}

// `upstream: http://127.0.0.1:3000` in a route, or the URL of its forward_auth or refresh: an upstream of one
// endpoint, named by its URL and added once.
void add_upstream(const std::optional<EndpointUrl>& endpoint, Document& document) {
  if (!endpoint) return;
  const EndpointUrl& url = *endpoint;
  const bool is_known = std::any_of(document.upstreams.begin(), document.upstreams.end(),
                                    [&](const UpstreamDocument& other) { return other.name == url.text; });
  if (is_known) return;
  UpstreamDocument upstream;
  upstream.name = url.text;
  upstream.location = url.location;
  upstream.endpoints.push_back(url);
  document.upstreams.push_back(std::move(upstream));
}

}  // namespace

Words<bool> strict_paths() { return words<bool>({{"unchanged", false}, {"strict", true}}); }

void Routes::read_into(const Value& value, Document& document) const {
  const auto items = value.items(max_routes);
  if (value.is_list() && items.empty()) value.complain("is empty; every request would be answered with 404");
  for (const Value& item : items) {
    RouteDocument route;
    route.compression = document.compression;
    route.websocket = document.websocket;
    route.streams = document.streams;
    route_keys().read(item, &route);
    add_upstream(route.endpoint, document);
    if (route.forward_auth) add_upstream(route.forward_auth->endpoint, document);
    if (route.token_refresh) add_upstream(route.token_refresh->endpoint, document);
    document.routes.push_back(std::move(route));
  }
}

std::string Routes::json_schema() const { return list_schema(section_schema(route_keys()), 1, max_routes); }

const Section* Routes::section() const { return &route_keys(); }

}  // namespace postern::config
