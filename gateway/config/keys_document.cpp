#include "config/keys_document.h"

#include <algorithm>

#include "config/addresses.h"
#include "config/keys_basic_auth.h"
#include "config/keys_compression.h"
#include "config/keys_headers.h"
#include "config/keys_jwt.h"
#include "config/keys_limits.h"
#include "config/keys_listeners.h"
#include "config/keys_origins.h"
#include "config/keys_process.h"
#include "config/keys_rate_limits.h"
#include "config/keys_revocations.h"
#include "config/keys_routes.h"
#include "config/keys_upstreams.h"
#include "config/keys_websocket.h"

namespace postern::config {
namespace {

// The name of a header field, or `false` for none.
struct RequestIdField {
  void read_into(const Value& value, std::string& field) const {
    const auto text = value.text();
    if (!text || *text == "true") return;
    if (*text == "false")
      field.clear();
    else
      set(field, value.parsed(parse_settable_header));
  }
  std::string words() const { return "header name or false"; }
  std::string shown(const std::string& field) const { return field; }
  std::string json_schema() const {
    return any_of({R"({"type":"boolean"})", string_schema("[A-Za-z0-9!#$%&'*+.^_`|~-]+")});
  }
};

// Parameters that carry tokens are never logged, even if the file does not name them.
void redact_token_parameters(const Fields&, Document& document) {
  std::vector<std::string>& redact = document.log.redact;
  const auto add = [&redact](const policy::JwtSource& place) {
    const bool is_new = std::find(redact.begin(), redact.end(), place.name) == redact.end();
    const bool in_query =
        place.kind == policy::JwtSource::Kind::query || place.kind == policy::JwtSource::Kind::ticket;
    if (in_query && is_new) redact.push_back(place.name);
  };
  for (const JwtDocument& jwt : document.jwt)
    for (const TokenSource& source : jwt.from) add(source);
  for (const RouteDocument& route : document.routes) add(route.forward_token.place);
}

}  // namespace

const Keys<Document>& document_keys() {
  static const auto keys =
      Keys<Document>("document")
          .key("workers", &Document::workers, number(1, 1024, automatic),
               "The number of worker threads, each with an event loop of its own; auto is one per CPU core.")
          .needs_restart()
          .key("trusted_proxies", &Document::trusted_proxies, trusted_blocks(),
               "The proxies in front of the gateway, such as load balancers, whose X-Forwarded-* and "
               "Forwarded fields and request id are believed. Such fields of all other clients are "
               "replaced.")
          .example("[\"10.0.0.0/8\", \"::1\"]")
          .key("forwarded", &Document::forwarded,
               words<ForwardedMode>({{"x_forwarded", ForwardedMode::x_forwarded},
                                     {"rfc7239", ForwardedMode::rfc7239},
                                     {"both", ForwardedMode::both},
                                     {"off", ForwardedMode::off}}),
               "Which header fields tell endpoints who made a request: x_forwarded sends X-Forwarded-For, "
               "-Proto, -Host and -Port, rfc7239 sends Forwarded, both sends all of them, off none. When a "
               "trusted proxy sends both kinds, X-Forwarded-* counts with x_forwarded and off, and "
               "Forwarded with rfc7239 and both.")
          .key("paths", &Document::strict_paths, strict_paths(),
               "With unchanged, a route that rewrites nothing sends the client's path to the endpoint byte "
               "for byte; a path is refused with 400 only where servers read it in ways that lead to "
               "different routes (an encoded slash, a backslash, a doubled slash, a parameter behind "
               "\";\", dot segments, bytes encoded twice). With strict, a path is normalised before it is "
               "sent on, and refused with 400 when it has an encoded slash, a backslash, a \";\" or a byte "
               "that must be escaped.")
          .key("via", &Document::via, boolean(),
               "Whether a Via header field is added to requests and responses.")
          .key("request_id", &Document::request_id_header, RequestIdField(),
               "The header field that carries the request id to the endpoint and back to the client. An id "
               "that a trusted proxy sends is kept; every other request gets a new one. With false, "
               "requests have no id.")
          .key("request_headers", &Document::request_headers, map(request_header_keys),
               "Rules for the header fields of requests to endpoints, on every route. The rules of a route "
               "are applied after the rules for all routes.")
          .by_default("none")
          .key("response_headers", &Document::response_headers, map(response_header_keys),
               "Rules for the header fields of every response to a client, including the gateway's own "
               "answers and errors.")
          .by_default("none")
          .key("error_pages", &Document::error_pages, ErrorPages(),
               "The bodies of the gateway's own error responses: JSON, an HTML page or plain text, "
               "whichever the Accept field of the request prefers. Responses of endpoints are not changed.")
          .key("listeners", itself<Document>, Listeners(),
               "The addresses on which the gateway accepts client connections.")
          .required()
          .key("hosts", &Document::hosts,
               list_of("list of host names",
                       text("host name", parse_route_host, "[^/:@ ]+|\\[[0-9a-fA-F:.]+\\]")),
               "The host names of this gateway, in addition to those in match.host of the routes; "
               "\"*.example.com\" stands for all names below example.com. Over plain HTTP, a route with "
               "origins takes a page for same-origin only if the page's host is one of them, since anybody "
               "can point a name at this machine (DNS rebinding). Over TLS, and for localhost and IP "
               "addresses, no entry is needed.")
          .example("[app.example.com]")
          .key("origins", &Document::origins, named(origin_keys),
               "Named lists of web origins that routes use. One list controls CORS, WebSocket handshakes "
               "and the gateway's own answers.")
          .example("dashboard")
          .key("basic_auth", &Document::basic_auth, named(basic_auth_keys),
               "Named lists of users for Basic authentication (RFC 7617), which routes use. A password is "
               "checked beside the workers, and once: the answer is kept for 10 minutes. A client address "
               "may try 20 different wrong passwords, and 10 more a minute; beyond them it is answered with "
               "429. A change of the list, also of its file, ends the WebSockets and event streams of its "
               "routes at a reload.")
          .example("staging")
          .key("jwt", &Document::jwt, named(jwt_keys),
               "Named rules for checking JSON Web Tokens (JWT), which routes use.")
          .example("clerk")
          .key("rate_limits", &Document::rate_limits, named(rate_limit_keys, max_rate_limits),
               "Named rate limits, at most 64, which routes and WebSockets use.")
          .example("public")
          .key("upstreams", &Document::upstreams, named(upstream_keys),
               "The applications behind the gateway, by name. Each is a group of endpoints.")
          .example("api")
          .key("compression", &Document::compression, Compression(),
               "Compresses responses for clients that accept it (Accept-Encoding). Never compressed are "
               "event streams, ranges, responses that are encoded already and those with Cache-Control: "
               "no-transform. A page that repeats what a request says beside a secret reveals the secret "
               "by its compressed length (BREACH): leave such routes out.")
          .key("event_streams", &Document::streams, map(stream_keys),
               "Rules for event streams (server-sent events, text/event-stream without a length) on all "
               "routes, unless a route sets its own. No idle timeout ends an event stream but "
               "timeouts.stream_idle of its upstream.")
          .key("websocket", &Document::websocket, map(socket_keys),
               "Rules for the WebSockets of all routes, unless a route sets its own.")
          .key("routes", itself<Document>, Routes(),
               "The routes, which decide where each request goes. The most specific match wins, whatever "
               "the order of the file: first by host (a name, then the longest wildcard, then any), then "
               "by path (exact, then the longest prefix), then the route with more conditions, then one "
               "that names methods, then the one that comes first.")
          .required()
          .key("resolver", &Document::resolver, map(resolver_keys),
               "How the host names of endpoints are resolved (DNS).")
          .by_default("the system's settings")
          .key("log", &Document::log, map(log_keys), "What is logged, in which format, and where.")
          .key("limits", &Document::limits, map(limit_keys),
               "The size and time limits for clients. A listener, and then a route, may set its own.")
          .read_first()
          .key("admin", &Document::admin, map(admin_keys),
               "A listener for the operator alone: GET /metrics has metrics for Prometheus, GET /status "
               "reports the current state in JSON, and GET /healthz is for a load balancer.")
          .key(
              "revocations", &Document::revocations, map(revocation_keys).or_boolean(),
              "Lets the admin listener revoke tokens before they expire, with POST /revoke and `postern "
              "revoke`; true is short for a map without entries. At most 1,048,576 revocations are in "
              "effect, in 64 MiB, and none is forgotten before its time: beyond them a revocation is refused "
              "and logged. They are kept across reloads, and end with the process.")
          .commented_out()
          .check(redact_token_parameters);
  return keys;
}

}  // namespace postern::config
