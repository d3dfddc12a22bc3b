#include "base/error.h"

#include <array>

namespace postern::base {
namespace {

using enum Side;
using enum Retry;
using enum Severity;

constexpr auto error_table = std::to_array<ErrorTraits>({
    {Cause::client_closed, "client_closed", client, 499, never, info,
     "The client closed the connection before it was done.",
     "Nothing to do here; look at the client if it did not mean to leave."},
    {Cause::client_timed_out, "client_timed_out", client, 408, never, info,
     "The client did not send, or did not take, bytes within the time limit.",
     "Check the client's network, or raise limits.idle_timeout or limits.request_head_timeout."},
    {Cause::client_too_slow, "client_too_slow", client, 408, never, info,
     "The client sent, or took, a body more slowly than the limit allows.",
     "Check the client's network; if it is that slow, lower limits.request_body_rate or "
     "limits.response_body_rate."},
    {Cause::client_silent, "client_silent", client, 408, never, info,
     "The client of a WebSocket no longer answers pings.",
     "Nothing to do here when its machine sleeps or lost its network; else see websocket.pong_timeout."},
    {Cause::client_not_reading, "client_not_reading", client, 408, never, info,
     "The client of a WebSocket does not take its messages.",
     "Look at the client; or let websocket.slow_reader drop messages, or raise websocket.buffer."},
    {Cause::client_frame_invalid, "client_frame_invalid", client, 400, never, warn,
     "The client sent what is no WebSocket frame, or not in this place.",
     "Correct the client; the rule that was broken is named."},
    {Cause::client_message_refused, "client_message_refused", client, 400, never, info,
     "The client sent a message that the route's rules do not allow.",
     "The rule is named as it stands in the websocket section of the route."},
    {Cause::bad_request, "bad_request", client, 400, never, info,
     "The request is not well-formed HTTP, or two readers could understand it differently.",
     "Correct the client; the log line's detail names the rule that was broken."},
    {Cause::head_too_large, "head_too_large", client, 431, never, info,
     "The request's header fields are larger than the limit.",
     "Send fewer or smaller cookies and fields, or raise limits.head_size or limits.header_fields."},
    {Cause::target_too_long, "target_too_long", client, 414, never, info,
     "The request target is longer than the limit.", "Shorten the address, or raise limits.target_size."},
    {Cause::body_too_large, "body_too_large", client, 413, never, info,
     "The request body is larger than the limit.",
     "Send less, or raise limits.body_size or the route's body_size."},
    {Cause::unsupported_version, "unsupported_version", client, 505, never, info,
     "The request's HTTP version is not served here.", "Use HTTP/1.1."},
    {Cause::expectation_failed, "expectation_failed", client, 417, never, info,
     "The Expect field asks for something other than 100-continue.", "Remove the Expect field."},
    {Cause::upgrade_required, "upgrade_required", client, 426, never, info,
     "The upgrade request is not a valid WebSocket version 13 handshake.",
     "Use a WebSocket client of RFC 6455; check that a proxy in front passes Upgrade and Connection."},
    {Cause::tls_expected, "tls_expected", client, 400, never, info, "Plain HTTP was sent to a TLS port.",
     "Use https:// or wss:// for this port."},
    {Cause::tls_unexpected, "tls_unexpected", client, 400, never, info,
     "A TLS handshake was sent to a plain HTTP port.",
     "Use http:// or ws:// for this port, or give its listener a tls section."},
    {Cause::tls_handshake_failed, "tls_handshake_failed", client, 400, never, info,
     "The TLS handshake with the client failed.",
     "The detail says what the client offers and what was missing; a certificate that it does not trust, a "
     "client certificate that is missing or refused, an old TLS version or a client that speaks HTTP/2 alone "
     "are "
     "usual."},
    {Cause::proxy_header_invalid, "proxy_header_invalid", client, 400, never, warn,
     "The connection does not begin with a PROXY protocol header, and its listener asks for one.",
     "Let only the load balancer reach this listener, with its PROXY protocol on; see proxy_protocol."},
    {Cause::no_route, "no_route", client, 404, never, info,
     "No route matches the request's host, path and method.", "Check the address, or add a route for it."},
    {Cause::method_not_allowed, "method_not_allowed", client, 405, never, info,
     "A route matches the address, but not with this method.",
     "Use one of the methods in Allow, or add the method to the route."},
    {Cause::connect_not_served, "connect_not_served", client, 405, never, info,
     "The client asks with CONNECT for a tunnel to another host; this gateway is no forward proxy.",
     "Take the gateway's address out of the client's proxy settings (HTTPS_PROXY and the like); ask for its "
     "sites directly."},
    {Cause::rate_limited, "rate_limited", client, 429, never, info,
     "The client sends more requests than its rate limit allows.",
     "Wait as long as Retry-After says; if the limit is too small, raise the rate_limit named in the "
     "detail."},
    {Cause::too_many_connections, "too_many_connections", client, 429, never, warn,
     "The client's address has as many connections open as it may.",
     "Reuse connections, or raise limits.connections_per_client."},
    {Cause::too_many_sockets, "too_many_sockets", client, 429, never, warn,
     "As many WebSockets are open as websocket.sockets of the route allows.",
     "Close those that are not needed, or raise the limit named in the detail."},
    {Cause::too_many_streams, "too_many_streams", client, 429, never, warn,
     "As many event streams are open as event_streams.open of the route allows.",
     "Close those that are not needed, or raise the limit named in the detail."},
    {Cause::file_not_found, "file_not_found", client, 404, never, info,
     "There is no such file in the route's folder.", "Check the address, and what the folder holds."},
    {Cause::range_not_satisfiable, "range_not_satisfiable", client, 416, never, info,
     "The range that was asked for lies outside the file.",
     "Ask for a range within the size that Content-Range names."},
    {Cause::origin_refused, "origin_refused", client, 403, never, warn,
     "The request's Origin is not on the route's origin list.",
     "If the page is yours, add its origin to the list named in the detail."},
    {Cause::cross_site_refused, "cross_site_refused", client, 403, never, warn,
     "The request would change something with the visitor's cookies, and does not come from a page that may.",
     "If the page is yours, add its origin to the list named in the detail; links from other sites should "
     "lead to what only reads (GET)."},
    {Cause::address_refused, "address_refused", client, 403, never, info,
     "The route does not take requests from the client's address.",
     "If the client may use it, change allow or deny of the route; the detail says which."},
    {Cause::misdirected_request, "misdirected_request", client, 421, never, info,
     "The request came by a connection that is not for its host: there, clients are asked for certificates.",
     "Let the client open a connection of its own for this host, with its name in SNI; browsers do it by "
     "themselves."},
    {Cause::client_certificate_missing, "client_certificate_missing", client, 403, never, info,
     "The route needs a client certificate, and the client has shown none.",
     "Give the client a certificate of an authority in client_certificates.ca of the listener, and let it "
     "use "
     "that listener."},
    {Cause::client_certificate_refused, "client_certificate_refused", client, 403, never, info,
     "The client's certificate is genuine, but it is not one that the route takes, or a reload has taken it "
     "away.",
     "If the client may use the route, add the subject or the name in the detail to its client_certificate; "
     "if "
     "its certificate was revoked, give it a new one."},
    {Cause::credentials_missing, "credentials_missing", client, 401, never, info,
     "The route needs a user name and a password, and the request carries none.",
     "Log in with a user of the list named in the detail."},
    {Cause::credentials_malformed, "credentials_malformed", client, 401, never, info,
     "The user name and the password are not written as Basic authentication (RFC 7617) has them.",
     "Correct the client: Authorization: Basic, and user:password in Base64."},
    {Cause::credentials_refused, "credentials_refused", client, 401, never, info,
     "The user name or the password is not right.",
     "Log in again; a new hash for basic_auth is made by: postern hash."},
    {Cause::too_many_passwords, "too_many_passwords", client, 429, never, warn,
     "The client's address has tried too many wrong passwords.",
     "Wait as long as Retry-After says; if all clients seem to have one address, see trusted_proxies."},
    {Cause::auth_refused, "auth_refused", client, 401, never, info,
     "The authentication server of the route did not let the request pass.",
     "Log in; the detail has the status that the authentication server answered with."},
    {Cause::token_missing, "token_missing", client, 401, never, info,
     "The route needs a token and the request carries none.",
     "Send the token in one of the places listed under jwt.from."},
    {Cause::token_malformed, "token_malformed", client, 401, never, info,
     "The token is not a well-formed signed JWT.", "Send the token unchanged, as it was issued."},
    {Cause::token_expired, "token_expired", client, 401, never, info, "The token has expired.",
     "Refresh the token and try again."},
    {Cause::token_revoked, "token_revoked", client, 401, never, info,
     "The token was revoked: its user was logged out, or it was named by a revocation.",
     "Log in again; GET /revocations of the admin listener says what is revoked, and until when."},
    {Cause::token_not_yet_valid, "token_not_yet_valid", client, 401, never, info,
     "The token is not valid yet.", "Compare the issuer's clock with this machine's; see jwt.leeway."},
    {Cause::token_signature, "token_signature", client, 401, never, warn,
     "The token's signature does not fit the key.",
     "Check that issuer and gateway use the same key; see jwt.keys or jwt.secret."},
    {Cause::token_algorithm, "token_algorithm", client, 401, never, warn,
     "The token's algorithm is not the one of the key it names.",
     "Sign with one of jwt.algorithms, or correct that list."},
    {Cause::token_key_unknown, "token_key_unknown", client, 401, never, warn,
     "The token names a key that the gateway does not have.",
     "Add the issuer's current public keys to jwt.keys."},
    {Cause::token_claims, "token_claims", client, 403, never, info,
     "The token is genuine, but its claims do not satisfy the route.",
     "The detail names the claim; check issuer, audience and required claims."},
    {Cause::ticket_refused, "ticket_refused", client, 401, never, info,
     "The ticket was used before, is too old, or was never issued.",
     "Get a new ticket for each connection, from the route that issues them."},
    {Cause::claims_refused, "claims_refused", client, 403, never, info,
     "The token is valid, but its claims do not permit this request.",
     "The detail names the rule of the route's required_claims; give the user what it asks for, or change "
     "it."},
    {Cause::logout_refused, "logout_refused", client, 400, never, warn,
     "A provider's logout request was refused.",
     "The detail says what is wrong with its logout token; see backchannel_logout of the route."},
    {Cause::upstream_unresolved, "upstream_unresolved", upstream, 502, if_unsent, error,
     "The endpoint's name could not be resolved.", "Check the name in upstreams, and the machine's DNS."},
    {Cause::upstream_refused, "upstream_refused", upstream, 502, if_unsent, error,
     "The endpoint refused the connection.",
     "Is the backend running, and on this port? The detail has every address tried."},
    {Cause::upstream_unreachable, "upstream_unreachable", upstream, 502, if_unsent, error,
     "The endpoint could not be reached.", "Check the address, the network and firewalls."},
    {Cause::upstream_tls_failed, "upstream_tls_failed", upstream, 502, if_unsent, error,
     "The TLS handshake with the endpoint failed.",
     "Check the endpoint's certificate; see the upstream's ca and server_name, and tls if it asks for a "
     "client "
     "certificate; if it speaks plain HTTP, write http://."},
    {Cause::upstream_closed, "upstream_closed", upstream, 502, if_idempotent, error,
     "The endpoint closed the connection before it was done.",
     "Look at the backend's own log for a crash or a restart at this time; if it speaks TLS, write "
     "https://."},
    {Cause::upstream_timed_out, "upstream_timed_out", upstream, 504, if_unsent, error,
     "The endpoint did not answer, or fell silent, within the time limit.",
     "Look at the backend, or raise the upstream's timeouts.connect, timeouts.response or timeouts.idle; "
     "the stage says which one passed."},
    {Cause::upstream_bad_response, "upstream_bad_response", upstream, 502, never, error,
     "The endpoint's response is not well-formed HTTP.",
     "Check that the endpoint speaks HTTP/1.1 on this port; the detail names what was wrong."},
    {Cause::upstream_head_too_large, "upstream_head_too_large", upstream, 502, never, error,
     "The head of the endpoint's response, or its trailers, are larger than the limit.",
     "Let the backend send fewer or smaller fields and cookies, or raise head_size or header_fields under "
     "limits of the upstream."},
    {Cause::upstream_bad_handshake, "upstream_bad_handshake", upstream, 502, never, error,
     "The endpoint's 101 answer does not fit the upgrade that was asked for.",
     "Check the backend's WebSocket server; the detail names the field."},
    {Cause::upstream_upgrade_unanswered, "upstream_upgrade_unanswered", upstream, 504, if_unsent, error,
     "The endpoint was reached, but did not answer the upgrade to a WebSocket in time.",
     "Check that the backend serves WebSockets on this path and port and is not blocked, or raise "
     "websocket.handshake_timeout."},
    {Cause::upstream_silent, "upstream_silent", upstream, 504, never, error,
     "The endpoint of a WebSocket no longer answers pings.",
     "Is the backend's event loop blocked, or its machine gone? See websocket.pong_timeout."},
    {Cause::upstream_stream_silent, "upstream_stream_silent", upstream, 504, never, error,
     "The endpoint of an open stream sent nothing within the time limit.",
     "Let the backend send an event or a comment now and then, or raise the upstream's "
     "timeouts.stream_idle."},
    {Cause::upstream_frame_invalid, "upstream_frame_invalid", upstream, 502, never, error,
     "The endpoint sent what is no WebSocket frame, or not in this place.",
     "Look at the backend's WebSocket server; the rule that was broken is named."},
    {Cause::upstream_message_refused, "upstream_message_refused", upstream, 502, never, warn,
     "The endpoint sent a message that the route's rules do not allow.",
     "See websocket.from_upstream of the route; the rule is named."},
    {Cause::no_endpoint, "no_endpoint", gateway, 503, never, error,
     "No endpoint of the upstream can take the request.", "Check the upstream's endpoints."},
    {Cause::upstream_at_limit, "upstream_at_limit", gateway, 503, never, warn,
     "Every endpoint of the upstream has as many requests as it may.",
     "Add endpoints, or raise the limit named in the detail."},
    {Cause::hold_expired, "hold_expired", gateway, 503, never, error,
     "No endpoint of the upstream came up while the request was held.",
     "Start the backend, or look at why its health checks fail; the upstream's hold says how long is "
     "waited."},
    {Cause::maintenance, "maintenance", gateway, 503, never, info, "The route is closed for maintenance.",
     "Try again later."},
    {Cause::keys_unavailable, "keys_unavailable", gateway, 503, never, warn,
     "The keys that tokens are checked with could not be fetched from their provider.",
     "Look for jwt_keys_failed in the log, which says what the provider answered; see jwt.*.keys."},
    {Cause::revocations_full, "revocations_full", gateway, 503, never, error,
     "As many revocations are in effect as the gateway remembers, so no further one was taken.",
     "Change the key that signs the tokens, which ends all of them, or revoke less for a shorter time."},
    {Cause::password_checks_full, "password_checks_full", gateway, 503, never, warn,
     "As many passwords wait to be checked as the gateway lets wait.",
     "Try again; if it lasts, look in the log at who sends so many, or make hashes with a lower cost."},
    {Cause::tickets_full, "tickets_full", gateway, 503, never, warn,
     "As many tickets are out as the gateway remembers.",
     "Try again when some of them are too old; look in the log at who asks for so many."},
    {Cause::auth_unavailable, "auth_unavailable", gateway, 503, never, error,
     "The authentication server of the route could not be asked.",
     "Start it, or correct its address in forward_auth; the detail says what was tried."},
    {Cause::auth_timed_out, "auth_timed_out", gateway, 504, never, error,
     "The authentication server of the route did not answer within the time limit.",
     "Look at the authentication server, or raise forward_auth.timeout."},
    {Cause::auth_bad_answer, "auth_bad_answer", gateway, 502, never, error,
     "The authentication server of the route gave an answer that decides nothing.",
     "See the detail: a status of 500 or above, an answer beyond forward_auth.answer_size, or no HTTP."},
    {Cause::auth_waits_full, "auth_waits_full", gateway, 503, never, warn,
     "As many requests wait for the authentication server as the gateway lets wait.",
     "Look at why the authentication server is slow, or let its answers be kept (forward_auth.cache)."},
    {Cause::file_unreadable, "file_unreadable", gateway, 500, never, error,
     "A file or folder of the route could not be read.",
     "See the detail; often the gateway's user lacks the right to read it."},
    {Cause::timed_out, "timed_out", gateway, 504, never, warn, "A time limit of the gateway passed.",
     "The stage in the log line says which; raise its limit if it is too short."},
    {Cause::shutting_down, "shutting_down", gateway, 503, never, info, "The gateway is shutting down.",
     "Try again; another instance, or the next one, will answer."},
    {Cause::route_changed, "route_changed", gateway, 503, never, info,
     "A reload changed or removed the route of the WebSocket or event stream, or took its endpoint away.",
     "Nothing to do: clients come back to the new configuration, at the pace of limits.tunnel_drain."},
    {Cause::max_age_reached, "max_age_reached", gateway, 503, never, info,
     "The WebSocket or event stream was open for as long as the route allows.",
     "Nothing to do here, its client comes back; see websocket.max_age and event_streams.max_age."},
    {Cause::overloaded, "overloaded", gateway, 503, never, warn, "The gateway is at one of its limits.",
     "Raise the limit named in the detail, or add capacity."},
    {Cause::loop, "loop", gateway, 508, never, error,
     "A request came back to the gateway through the upstream that it was sent to.",
     "Let the upstream's endpoints, and what stands behind them, lead to the application and not to the "
     "gateway."},
    {Cause::internal, "internal", gateway, 500, never, error, "The gateway failed in a way it should not.",
     "Please report this with the log line."},
});

constexpr bool in_order() {
  for (size_t i = 0; i < error_table.size(); ++i)
    if (error_table[i].cause != static_cast<Cause>(i)) return false;
  return error_table.size() == cause_count;
}
static_assert(in_order(), "every cause has its row, in the order of the enum");

constexpr auto stage_labels = std::to_array<std::string_view>(
    {"accept", "tls_handshake", "request_head", "routing", "policy", "resolve", "connect", "upstream_tls",
     "request_body", "response_head", "response_body", "tunnel", "drain"});
static_assert(stage_labels.size() == stage_count);

}  // namespace

const ErrorTraits& traits(Cause cause) { return error_table[static_cast<size_t>(cause)]; }

std::string_view label(Stage stage) { return stage_labels[static_cast<size_t>(stage)]; }

std::string_view label(Side side) {
  switch (side) {
    case client: return "client";
    case upstream: return "upstream";
    case gateway: return "gateway";
  }
  return "gateway";
}

}  // namespace postern::base
