#include "config/schema.h"

#include <array>

namespace postern::config {
namespace {

using enum Shape;

// Descriptions of rules for header fields, which hold on all routes or on one.
constexpr std::string_view request_headers_remove =
    "The header fields that are removed from a request before it goes to an endpoint. \"_\" and \"-\" count "
    "as equal in their names.";
constexpr std::string_view request_headers_set =
    "The header fields that a request to an endpoint gets in place of whatever the client sent under their "
    "names. Values may hold {client}, {host}, {path}, {query}, {uri}, {method}, {scheme}, {request_id}, "
    "{route}, {upstream} and {claim.NAME}; a value that is empty when filled in sends no field.";
constexpr std::string_view request_headers_add =
    "The header fields that are added to a request to an endpoint, beside any that the client sent under "
    "their names. Values may hold placeholders such as {client} and {claim.NAME}.";
constexpr std::string_view response_headers_remove =
    "The header fields that are removed from a response before it goes to the client.";
constexpr std::string_view response_headers_set =
    "The header fields that a response gets in place of whatever the endpoint sent under their names. "
    "Values may hold {client}, {host}, {path}, {query}, {uri}, {method}, {scheme}, {request_id}, {route}, "
    "{upstream}, {endpoint} and {claim.NAME}; a value that is empty when filled in sends no field.";
constexpr std::string_view response_headers_add =
    "The header fields that are added to a response, beside any that the endpoint sent under their names. "
    "Values may hold placeholders such as {request_id} and {endpoint}.";

// Descriptions of limits, which a listener, and most of them a route, may set as well.
constexpr std::string_view head_size =
    "The largest head of a request: the request line and all header fields together. A larger one is "
    "answered with 431.";
constexpr std::string_view target_size =
    "The longest target of a request: its path and query. A longer one is answered with 414.";
constexpr std::string_view header_fields =
    "The maximum number of header fields in a request. A request with more is answered with 431.";
constexpr std::string_view requests_per_connection =
    "The maximum number of requests on one connection. The last response says Connection: close, and the "
    "connection is closed; with none, there is no limit.";
constexpr std::string_view connections_per_client =
    "The maximum number of connections of one client, over all workers; a client is an address, or the /64 "
    "of an IPv6 address. One more is answered with 429 and closed, or closed at once on a TLS listener. "
    "With none, there is no limit; addresses in trusted_proxies have none, and behind proxy_protocol the "
    "client that the header names is counted.";
constexpr std::string_view tls_handshake_timeout =
    "How long the TLS handshake of a new connection may take before the connection is closed.";
constexpr std::string_view request_head_timeout =
    "How long the head of a request may take, from its first byte to its last header field, before it is "
    "answered with 408.";
constexpr std::string_view keepalive_timeout =
    "How long a connection may be idle between two requests before it is closed (keep-alive timeout).";
constexpr std::string_view body_size =
    "The largest request body. A larger one is answered with 413; with none, there is no limit, which costs "
    "no memory since bodies are streamed.";
constexpr std::string_view request_timeout =
    "How long a request may take from its head to the last byte of its body before it is answered with 408. "
    "With none, there is no limit.";
constexpr std::string_view idle_timeout =
    "How long a client may send no byte of a request body, or take no byte of a response body (idle "
    "timeout). A request is then answered with 408, and the connection of a response is reset. What the "
    "client's system has acknowledged counts as taken. A client that keeps response_body_rate may stand "
    "still for longer, by the time that 64KiB (a step of its receive window) take at that rate, but at most "
    "by five times this value.";
constexpr std::string_view request_body_rate =
    "The lowest rate at which a client must send a request body, on the average over the time that it was "
    "waited for; the first idle_timeout of that time does not count. A slower request is answered with 408; "
    "with none, there is no such limit.";
constexpr std::string_view response_body_rate =
    "The lowest rate at which a client must take a response body, on the average over the time that it was "
    "waited for; the first idle_timeout of that time does not count, nor does time in which the backend is "
    "slow. For a slower client the connection is reset; with none, there is no such limit.";
constexpr std::string_view tunnel_idle_timeout =
    "How long a WebSocket may carry no byte, answers to pings included, before it is closed with the close "
    "code close_codes.idle (1001). With pings on, a WebSocket that lives is never idle, so this limit "
    "matters only where websocket.ping_interval is none or longer.";

constexpr auto table = std::to_array<SchemaKey>({
    {"workers", value, "number or auto", "auto",
     "The number of worker threads, each with an event loop of its own; auto is one per CPU core. A change "
     "needs a restart.",
     "auto"},
    {"trusted_proxies", value, "list of CIDR blocks or addresses", "[]",
     "The proxies in front of the gateway, such as load balancers, whose X-Forwarded-* and Forwarded fields "
     "and request id are believed. Such fields of all other clients are replaced.",
     "[\"10.0.0.0/8\", \"::1\"]"},
    {"forwarded", value, "x_forwarded, rfc7239, both or off", "x_forwarded",
     "Which header fields tell endpoints who made a request: x_forwarded sends X-Forwarded-For, -Proto, "
     "-Host and -Port, rfc7239 sends Forwarded, both sends all of them, off none. When a trusted proxy "
     "sends both kinds, X-Forwarded-* counts with x_forwarded and off, and Forwarded with rfc7239 and both.",
     "x_forwarded"},
    {"paths", value, "unchanged or strict", "unchanged",
     "With unchanged, a route that rewrites nothing sends the client's path to the endpoint byte for byte; "
     "a path is refused with 400 only where servers read it in ways that lead to different routes (an "
     "encoded slash, a backslash, a doubled slash, a parameter behind \";\", dot segments, bytes encoded "
     "twice). With strict, a path is normalised before it is sent on, and refused with 400 when it has an "
     "encoded slash, a backslash, a \";\" or a byte that must be escaped.",
     "unchanged"},
    {"via", value, "true or false", "false", "Whether a Via header field is added to requests and responses.",
     "false"},
    {"request_id", value, "header name or false", "X-Request-Id",
     "The header field that carries the request id to the endpoint and back to the client. An id that a "
     "trusted proxy sends is kept; every other request gets a new one. With false, requests have no id.",
     "X-Request-Id"},

    {"request_headers", section, "map", "none",
     "Rules for the header fields of requests to endpoints, on every route. The rules of a route are "
     "applied after the rules for all routes.",
     ""},
    {"request_headers.remove", value, "list of header names", "[]", request_headers_remove, "[X-Debug]"},
    {"request_headers.set", value, "map of header name to text with placeholders", "none",
     request_headers_set, "{ X-Real-IP: \"{client}\" }"},
    {"request_headers.add", value, "map of header name to text with placeholders", "none",
     request_headers_add, "{ X-Note: seen }"},
    {"response_headers", section, "map", "none",
     "Rules for the header fields of every response to a client, including the gateway's own answers and "
     "errors.",
     ""},
    {"response_headers.remove", value, "list of header names", "[]", response_headers_remove,
     "[Server, X-Powered-By]"},
    {"response_headers.set", value, "map of header name to text with placeholders", "none",
     response_headers_set, "{ Strict-Transport-Security: max-age=31536000 }"},
    {"response_headers.add", value, "map of header name to text with placeholders", "none",
     response_headers_add, "{ Link: \"</app.css>; rel=preload\" }"},

    {"error_pages", section, "map", "the built-in pages",
     "The bodies of the gateway's own error responses: JSON, an HTML page or plain text, whichever the "
     "Accept field of the request prefers. Responses of endpoints are not changed.",
     ""},
    {"error_pages.detail", value, "safe or full", "safe",
     "How much the error responses of the gateway tell clients. With full, clients also get the detail and "
     "the remedy of failures that are not their fault, which name endpoints behind the gateway: use it on a "
     "development machine only.",
     "safe"},
    {"error_pages.404", value, "file or list of files", "none",
     "Your own page for error responses with one status; the key is any status from 400 to 599. The file "
     "has at most 64KiB, and its extension (.html, .json or .txt) says for which clients it is. {status}, "
     "{reason}, {error}, {message}, {remedy}, {detail}, {request_id}, {host} and {path} are filled in, "
     "escaped.",
     "[pages/404.html, pages/404.json]", true},
    {"error_pages.5xx", value, "file or list of files", "none",
     "Your own page for error responses with any status from 500 to 599; the key 4xx is for 400 to 499. A "
     "page for a single status goes before it. The file has at most 64KiB, and its extension (.html, .json "
     "or .txt) says for which clients it is.",
     "pages/5xx.html", true},

    {"listeners", list, "list", "required", "The addresses on which the gateway accepts client connections.",
     ""},
    {"listeners[].address", value, "address", "required",
     "The address and port to listen on. \":443\" is every address of the machine; others are "
     "\"127.0.0.1:443\", \"[::1]:443\" and \"localhost:443\", which is 127.0.0.1 and, where the machine has "
     "IPv6, [::1]. With port 0 the system chooses the port.",
     "\":443\""},
    {"listeners[].tls", section, "map", "none",
     "Terminates TLS on this listener. Without it, the listener speaks plain HTTP.", ""},
    {"listeners[].tls.certificate", value, "file", "required without certificates",
     "The PEM file with the certificate chain of this listener, the server's own certificate first. A "
     "relative path starts at the folder of the configuration file.",
     "site.pem"},
    {"listeners[].tls.key", value, "file", "required without certificates",
     "The PEM file with the private key of the certificate. A relative path starts at the folder of the "
     "configuration file.",
     "site.key"},
    {"listeners[].tls.certificates", list, "list", "none",
     "Several certificates for one listener, in place of a single certificate and key. One is chosen by the "
     "server name (SNI) and the key types that the client offers; the first is the default.",
     "", true},
    {"listeners[].tls.certificates[].certificate", value, "file", "required",
     "The PEM file with a certificate chain, the server's own certificate first. A relative path starts at "
     "the folder of the configuration file.",
     "a.pem", true},
    {"listeners[].tls.certificates[].key", value, "file", "required",
     "The PEM file with the private key of the certificate beside it. A relative path starts at the folder "
     "of the configuration file.",
     "a.key", true},
    {"listeners[].tls.min_version", value, "\"1.2\" or \"1.3\"", "\"1.2\"",
     "The oldest version of TLS that clients may use.", "\"1.2\""},
    {"listeners[].tls.ciphers", value, "OpenSSL cipher list", "the built-in list",
     "The cipher suites for TLS 1.2, in OpenSSL's cipher list format. TLS 1.3 has its own suites, which "
     "this key does not change.",
     "\"ECDHE+AESGCM:ECDHE+CHACHA20\"", true},
    {"listeners[].redirect", section, "https or map", "none",
     "Answers every request on a plain HTTP listener with a redirect (308) to https. `redirect: https` is "
     "short for { to: https }.",
     "", true},
    {"listeners[].redirect.to", value, "https", "required",
     "The scheme that clients are redirected to; https is the only one.", "https", true},
    {"listeners[].redirect.except", value, "list of paths", "[]",
     "The paths that are not redirected to https, such as those of ACME challenges. Requests for them, and "
     "for what lies below them, go to the routes.",
     "[/.well-known/acme-challenge]", true},
    {"listeners[].limits", section, "map", "the top-level limits",
     "The size and time limits of this listener, where they differ from the top-level limits.", "", true},
    {"listeners[].limits.head_size", value, "size", "limits.head_size", head_size, "32KiB", true},
    {"listeners[].limits.target_size", value, "size", "limits.target_size", target_size, "8KiB", true},
    {"listeners[].limits.header_fields", value, "number", "limits.header_fields", header_fields, "100", true},
    {"listeners[].limits.requests_per_connection", value, "number or none", "limits.requests_per_connection",
     requests_per_connection, "10000", true},
    {"listeners[].limits.connections_per_client", value, "number or none", "limits.connections_per_client",
     connections_per_client, "2000", true},
    {"listeners[].limits.tls_handshake_timeout", value, "duration", "limits.tls_handshake_timeout",
     tls_handshake_timeout, "10s", true},
    {"listeners[].limits.request_head_timeout", value, "duration", "limits.request_head_timeout",
     request_head_timeout, "15s", true},
    {"listeners[].limits.keepalive_timeout", value, "duration", "limits.keepalive_timeout", keepalive_timeout,
     "75s", true},
    {"listeners[].limits.body_size", value, "size or none", "limits.body_size", body_size, "none", true},
    {"listeners[].limits.request_timeout", value, "duration or none", "limits.request_timeout",
     request_timeout, "none", true},
    {"listeners[].limits.idle_timeout", value, "duration", "limits.idle_timeout", idle_timeout, "60s", true},
    {"listeners[].limits.request_body_rate", value, "bytes per second, or none", "limits.request_body_rate",
     request_body_rate, "240B/s", true},
    {"listeners[].limits.response_body_rate", value, "bytes per second, or none", "limits.response_body_rate",
     response_body_rate, "240B/s", true},
    {"listeners[].limits.tunnel_idle_timeout", value, "duration", "limits.tunnel_idle_timeout",
     tunnel_idle_timeout, "1h", true},
    {"listeners[].proxy_protocol", section, "map", "none",
     "Reads a PROXY protocol header, v1 or v2, which a load balancer in front sends before a connection's "
     "own bytes (also before TLS). It names the client, whose address is then logged and sent in "
     "X-Forwarded-For. If a v2 header says that the client used TLS (PP2_TYPE_SSL), the scheme is https, "
     "unless a trusted proxy says otherwise.",
     ""},
    {"listeners[].proxy_protocol.trust", value, "list of CIDR blocks or addresses", "required",
     "The load balancers whose connections must begin with a PROXY protocol header; one that does not is "
     "closed. No header is believed from any other address: such a connection is served as it comes, and a "
     "header on it is a bad request.",
     "[\"10.0.0.0/24\"]"},
    {"listeners[].proxy_protocol.timeout", value, "duration, at most 1m", "5s",
     "How long the PROXY protocol header of a new connection may take before the connection is closed.",
     "5s"},

    {"hosts", value, "list of host names", "[]",
     "The host names of this gateway, in addition to those in match.host of the routes; \"*.example.com\" "
     "stands for all names below example.com. Over plain HTTP, a route with origins takes a page for "
     "same-origin only if the page's host is one of them, since anybody can point a name at this machine "
     "(DNS rebinding). Over TLS, and for localhost and IP addresses, no entry is needed.",
     "[app.example.com]"},
    {"origins", named, "map of names", "none",
     "Named lists of web origins that routes use. One list controls CORS, WebSocket handshakes and the "
     "gateway's own answers.",
     "dashboard"},
    {"origins.*.allow", value, "list of origins", "required",
     "The web origins on the list: \"https://app.example.com\", \"https://*.example.com\" for all "
     "subdomains, { pattern: ... } with an RE2 expression for the whole origin, or \"null\" (in quotes) for "
     "sandboxed pages and local files. A request of any other origin is refused with 403.",
     "[\"https://app.example.com\", { pattern: \"https://pr-[0-9]+\\\\.example\\\\.com\" }]"},
    {"origins.*.credentials", value, "true or false", "false",
     "Whether pages of the listed origins may send cookies and Authorization with their CORS requests "
     "(Access-Control-Allow-Credentials).",
     "true"},
    {"origins.*.methods", value, "list of methods", "[GET, HEAD, POST, PUT, PATCH, DELETE]",
     "The methods that the answer to a CORS preflight allows, as far as the route takes them.",
     "[GET, HEAD, POST, PUT, PATCH, DELETE]"},
    {"origins.*.headers", value, "list of header names", "those that the preflight asks for",
     "The request header fields that the answer to a CORS preflight allows.",
     "[Authorization, Content-Type]"},
    {"origins.*.expose", value, "list of header names", "[]",
     "The response header fields that the scripts of a page may read (Access-Control-Expose-Headers).",
     "[X-Request-Id]"},
    {"origins.*.max_age", value, "duration, at most 24h", "10m",
     "How long a browser may cache the answer to a CORS preflight (Access-Control-Max-Age).", "10m"},
    {"origins.*.navigations", value, "pass or refuse", "pass",
     "Whether a navigation from a page whose origin is not on the list, such as a submitted form, passes or "
     "is refused with 403. A navigation (Sec-Fetch-Mode: navigate) is no CORS request, and the page does "
     "not see the response. A WebSocket never passes this way.",
     "pass"},
    {"origins.*.require", value, "true or false", "false",
     "Whether a WebSocket upgrade without an Origin field is refused with 403.", "false"},

    {"jwt", named, "map of names", "none",
     "Named rules for checking JSON Web Tokens (JWT), which routes use.", "clerk"},
    {"jwt.*.issuer", value, "text", "not checked",
     "The value that the iss claim of a token must have. A token with another one is refused with 403.",
     "https://clerk.example.com"},
    {"jwt.*.audience", value, "text or list of texts", "not checked",
     "The value that the aud claim of a token must hold; of a list, one is enough. A token without it is "
     "refused with 403.",
     "dashboard"},
    {"jwt.*.keys", value, "file", "required without secret",
     "The file with the public keys: a JWKS (JSON) or PEM. It is read again at every reload. When a key was "
     "removed or changed, the WebSockets and event streams of its routes are ended; a key that is added "
     "ends none.",
     "keys/jwks.json"},
    {"jwt.*.secret", value, "text", "required without keys",
     "The shared secret for HS256, HS384 and HS512, best taken from the environment. It is never printed.",
     "${JWT_SECRET}", true},
    {"jwt.*.algorithms", value, "list of algorithms", "required",
     "The signature algorithms that are accepted, of HS256, HS384, HS512, RS256, RS384, RS512, PS256, "
     "PS384, PS512, ES256, ES384, ES512 and EdDSA. A token with another one is refused with 401.",
     "[RS256]"},
    {"jwt.*.from", value, "list of places", "[header]",
     "Where a request may carry its token, in the order in which the places are searched: header "
     "(Authorization: Bearer), { header: NAME }, { cookie: NAME }, { query: NAME }, subprotocol "
     "(Sec-WebSocket-Protocol).",
     "[header, { cookie: __session }, { query: token }, subprotocol]"},
    {"jwt.*.leeway", value, "duration, at most 10m", "60s",
     "How far the clocks of the issuer and of the gateway may differ when exp, nbf and iat of a token are "
     "checked.",
     "60s"},
    {"jwt.*.required_claims", value, "map of claim to value", "none",
     "The claims that a token must have: a value, a list of values of which one must fit, or present for "
     "any value. A token without them is refused with 403.",
     "{ email_verified: true, role: [admin, editor], sub: present }"},
    {"jwt.*.require_expiry", value, "true or false", "true",
     "Whether a token without an exp claim is refused with 403.", "true"},

    {"rate_limits", named, "map of names", "none",
     "Named rate limits, at most 64, which routes and WebSockets use.", "public"},
    {"rate_limits.*.rate", value, "requests per time", "required",
     "The rate at which requests may come once the burst is used up: 100/s, 10/m or 1000/h. A request "
     "beyond it is answered with 429.",
     "100/s"},
    {"rate_limits.*.burst", value, "number", "the number in rate",
     "The number of requests that may come at once. It is exact over all workers; a reload that changes "
     "nothing about the limit keeps its counts.",
     "50"},
    {"rate_limits.*.by", value, "client_address, route, { header: NAME } or { claim: NAME }",
     "client_address",
     "Who gets a count of its own (a token bucket): each client address (an IPv6 client is its /64), each "
     "route, each value of a request header field, or each value of a claim of the verified token. A "
     "request without the header field or claim counts for its client address. Clients choose their header "
     "fields, so use a limit by client_address beside one by header.",
     "client_address"},

    {"upstreams", named, "map of names", "none",
     "The applications behind the gateway, by name. Each is a group of endpoints.", "api"},
    {"upstreams.*.endpoints", list, "list", "required",
     "The endpoints of the upstream, as URLs, or as maps where more is to be said about one: "
     "[\"http://127.0.0.1:3001\", { url: \"http://127.0.0.1:3002\", weight: 3 }].",
     ""},
    {"upstreams.*.endpoints[].url", value, "URL", "required",
     "The URL of the endpoint, without a path: http:// or https:// (or ws:// and wss://, which mean the "
     "same). unix:/run/app.sock is plain HTTP over a Unix socket; a relative path starts at the folder of "
     "the configuration file. srv+http://_http._tcp.api.internal (or srv+https://) is a service whose DNS "
     "SRV records name the targets, by priority and weight. demo: is the application built into the binary.",
     "\"https://api.internal:8443\""},
    {"upstreams.*.endpoints[].weight", value, "number, at most 1000", "1",
     "The share of the requests that this endpoint gets, relative to the weights of the other endpoints.",
     "1"},
    {"upstreams.*.endpoints[].backup", value, "true or false", "false",
     "Whether the endpoint is a backup, which gets requests only while none of the other endpoints is "
     "available. An endpoint that is at its max_requests still counts as available.",
     "false"},
    {"upstreams.*.endpoints[].max_requests", value, "number", "none",
     "The maximum number of requests and WebSockets that the endpoint has at once, over all workers. When "
     "every endpoint is at its limit, a request waits in the queue of the upstream, if there is one, or is "
     "answered with 503 and Retry-After.",
     "1000"},
    {"upstreams.*.balance", value,
     "round_robin, least_connections, power_of_two_choices, random, { hash: ... } or { learn: ... }",
     "round_robin",
     "How an endpoint is chosen (load balancing); every way respects weights. least_connections counts "
     "requests and WebSockets over all workers. { hash: client_address }, { hash: { header: NAME } }, { "
     "hash: { cookie: NAME } } and { hash: { query: NAME } } send equal values to one endpoint (consistent "
     "hashing); an endpoint that joins or leaves moves its own share of the values only, and a request "
     "without a value is sent round robin. { learn: { response_header: NAME, request_header: NAME, "
     "otherwise: round_robin, values: 100000 } } remembers which endpoint gave a value in a response header "
     "field, such as Mcp-Session-Id, and sends requests with that value to it, over all workers and "
     "reloads; without request_header it is response_header. A value is forgotten when its endpoint answers "
     "404, or answers a DELETE with a status below 400; when more values than `values` are known, the one "
     "that was used longest ago is forgotten. A request without a known value is balanced as `otherwise` "
     "says.",
     "round_robin"},
    {"upstreams.*.slow_start", value, "duration, at most 1h", "0s",
     "How long the weight of an endpoint takes to grow from little to full after it came up or was added by "
     "a reload. With 0s, its weight is full at once.",
     "0s"},
    {"upstreams.*.queue", section, "map", "none",
     "Lets requests wait while every endpoint is at its max_requests; without it they are answered with 503 "
     "at once. On each worker, clients are served in turn, one request each, and the requests of one client "
     "in the order in which they came; a client is an address, or the /64 of an IPv6 address. A place that "
     "becomes free on another worker is noticed within 20 ms.",
     ""},
    {"upstreams.*.queue.size", value, "number", "100",
     "The maximum number of requests that wait at once, over all workers. One more is answered with 503 at "
     "once, unless another client has more waiting requests on the same worker: then the latest request of "
     "that client is answered with 503 and makes room.",
     "100"},
    {"upstreams.*.queue.timeout", value, "duration, at most 1h", "5s",
     "How long a request waits in the queue for an endpoint before it is answered with 503.", "5s"},
    {"upstreams.*.sticky", section, "map", "none",
     "Sticky sessions: a signed cookie keeps a client at the endpoint that answered it first. When that "
     "endpoint is not available, another one is chosen and the cookie changes; while it is only at its "
     "max_requests, another one answers and the cookie stays. Endpoints do not see the cookie.",
     "", true},
    {"upstreams.*.sticky.secret", value, "text of at least 32 bytes", "required",
     "The secret that signs the sticky session cookie, equal on every instance of the gateway. Take it from "
     "the environment; openssl rand -hex 32 makes one. It is never printed.",
     "${STICKY_SECRET}", true},
    {"upstreams.*.sticky.cookie", value, "cookie name", "postern_route",
     "The name of the sticky session cookie. Upstreams that share a host need different names or paths.",
     "postern_route", true},
    {"upstreams.*.sticky.ttl", value, "duration, 1s to 8760h", "1h",
     "How long an unused sticky session lasts. A request in the second half of that time renews the cookie.",
     "1h", true},
    {"upstreams.*.sticky.path", value, "path", "/",
     "The Path attribute of the sticky session cookie: browsers send it for paths below this one.", "/",
     true},
    {"upstreams.*.sticky.secure", value, "auto, true or false", "auto",
     "Whether browsers send the sticky session cookie over https only (the Secure attribute). With auto, "
     "that depends on whether the client came over https.",
     "auto", true},
    {"upstreams.*.sticky.same_site", value, "lax, strict or none", "lax",
     "The SameSite attribute of the sticky session cookie, which decides which requests from other sites "
     "carry it. With none, the cookie needs https.",
     "lax", true},
    {"upstreams.*.ca", value, "file", "the system's certificates",
     "The PEM file with the certificate authorities (CA) that https endpoints are verified with.",
     "internal-ca.pem"},
    {"upstreams.*.insecure", value, "true or false", "false",
     "Whether https endpoints are used without verifying their certificates. Use it on a development "
     "machine only; the configuration check warns of it.",
     "false"},
    {"upstreams.*.server_name", value, "host name", "the endpoint's host",
     "The name that is sent to https endpoints (SNI), and that their certificates must have.",
     "api.internal"},
    {"upstreams.*.timeouts", section, "map", "the defaults of its keys",
     "The time limits of one attempt at an endpoint.", ""},
    {"upstreams.*.timeouts.connect", value, "duration", "5s",
     "How long each step of a new connection to an endpoint may take: looking up its name, connecting (to "
     "all addresses of the name together), and the TLS handshake. Then the attempt has failed; unless a "
     "retry succeeds, the answer is 502 for the lookup and 504 for the rest.",
     "5s"},
    {"upstreams.*.timeouts.response", value, "duration", "60s",
     "How long an endpoint may take from the end of the request to the head of its response. Then the "
     "attempt has failed; unless a retry succeeds, the answer is 504.",
     "60s"},
    {"upstreams.*.timeouts.idle", value, "duration", "60s",
     "How long an endpoint may send no byte of a response body, or take no byte of a request body (idle "
     "timeout). Then a request is answered with 504, and a response that has begun is cut off.",
     "60s"},
    {"upstreams.*.timeouts.stream_idle", value, "duration or none", "none",
     "How long a response that stays open may be silent before it is cut off, in place of timeouts.idle: an "
     "event stream, or another response without a length once it has been open for 10s. With none, it may "
     "be silent for as long as both sides live, which TCP keep-alive checks.",
     "none"},
    {"upstreams.*.timeouts.keepalive", value, "duration", "55s",
     "How long an unused connection to an endpoint is kept open for reuse. A value below the application's "
     "own keep-alive timeout avoids races; where the application states its own (Keep-Alive: timeout=5), "
     "the connection is closed one second before that.",
     "55s"},
    {"upstreams.*.limits", section, "map", "the defaults of its keys",
     "The limits for the head of an endpoint's response. A larger one is answered with 502.", ""},
    {"upstreams.*.limits.head_size", value, "size, 1KiB to 1MiB", "64KiB",
     "The largest head of an endpoint's response: the status line and all header fields together. A larger "
     "one is answered with 502.",
     "64KiB"},
    {"upstreams.*.limits.header_fields", value, "number, at most 10000", "256",
     "The maximum number of header fields in an endpoint's response. A response with more is answered with "
     "502.",
     "256"},
    {"upstreams.*.proxy_protocol", value, "v1 or v2", "none",
     "The version of the PROXY protocol header with which every connection to an endpoint begins, before "
     "TLS. It names the client, so each connection carries one request (or WebSocket) only. Without this "
     "key, no header is sent.",
     "v2", true},
    {"upstreams.*.keepalive_connections", value, "number", "512",
     "The maximum number of unused connections that are kept open for reuse, per endpoint and worker. With "
     "0, every request opens a new connection.",
     "512"},
    {"upstreams.*.retries", section, "number or map", "the defaults of its keys",
     "Retries a failed request at other endpoints where nothing can be lost by it. `retries: 2` is short "
     "for { attempts: 2 }, and `retries: 0` turns retries off.",
     ""},
    {"upstreams.*.retries.attempts", value, "number, at most 10", "2",
     "The maximum number of retries after the first attempt. With 0, there are none.", "2"},
    {"upstreams.*.retries.on", value, "list of failures", "[connect, reset]",
     "The failures after which a request is retried: connect (no connection was made, and nothing sent), "
     "and for idempotent methods reset (the connection broke before the response), timeout (no response "
     "head in time), invalid_response, and status_502 or any other status from 400 to 599.",
     "[connect, reset]"},
    {"upstreams.*.retries.non_idempotent", value, "true or false", "false",
     "Whether POST, PATCH and other methods that are not idempotent are retried, too, after the request was "
     "sent. Their effect may then happen twice.",
     "false"},
    {"upstreams.*.retries.body_size", value, "size, at most 1MiB, or none", "64KiB",
     "The largest request body that is kept until the response begins, so that the request can be retried; "
     "all bodies together take at most 16MiB per upstream and worker. A request with a larger body is "
     "retried only where no connection was made. With none, no body is kept.",
     "64KiB"},
    {"upstreams.*.retries.budget", value, "percentage", "20%",
     "The maximum share of retries among the requests of the last ten seconds, per worker (retry budget). "
     "It keeps an outage from multiplying the load.",
     "20%"},
    {"upstreams.*.retries.budget_minimum", value, "number", "10",
     "The number of retries per second that are allowed on top of the percentage of the retry budget, per "
     "worker.",
     "10"},
    {"upstreams.*.health", section, "map", "none",
     "Active health checks: every endpoint is checked at an interval, once for all workers. An endpoint "
     "that is down gets requests only when no other is available, and none at all where the upstream has "
     "hold.",
     ""},
    {"upstreams.*.health.path", value, "path", "required without tcp",
     "The path that a health check requests, with a query if need be.", "/healthz"},
    {"upstreams.*.health.tcp", value, "true or false", "false",
     "Whether a health check only opens a connection, with the TLS handshake for https, and sends no "
     "request.",
     "true", true},
    {"upstreams.*.health.method", value, "GET or HEAD", "GET", "The HTTP method of a health check's request.",
     "GET"},
    {"upstreams.*.health.host", value, "host name", "the endpoint's host",
     "The host that a health check sends in the Host field.", "api.internal"},
    {"upstreams.*.health.status", value, "list of statuses and ranges", "[200-399]",
     "The response statuses with which a health check passes.", "[200-399]"},
    {"upstreams.*.health.interval", value, "duration", "5s",
     "The time between two health checks of an endpoint, plus or minus a tenth. While the endpoint is down, "
     "or its last check was against its state, it is at most 1s.",
     "5s"},
    {"upstreams.*.health.timeout", value, "duration", "2s",
     "How long a whole health check may take before it counts as failed.", "2s"},
    {"upstreams.*.health.healthy", value, "number", "2",
     "The number of passed health checks in a row that bring an endpoint up again.", "2"},
    {"upstreams.*.health.unhealthy", value, "number", "3",
     "The number of failed health checks in a row that take an endpoint down.", "3"},
    {"upstreams.*.health.start", value, "up or down", "up",
     "The state of a new endpoint before its first health check. With down, it comes up with the first "
     "check that passes.",
     "up"},
    {"upstreams.*.eject", section, "map or none", "the defaults of its keys",
     "Ejects an endpoint whose requests fail (circuit breaker, outlier detection): for a time it gets no "
     "requests while another endpoint is available. Each worker judges by its own traffic. With none, no "
     "endpoint is ejected.",
     ""},
    {"upstreams.*.eject.failures", value, "number", "5",
     "The number of failed requests in a row that eject an endpoint.", "5"},
    {"upstreams.*.eject.within", value, "duration", "30s",
     "The time within which the failures in a row must happen to eject an endpoint, counted from the first "
     "of them.",
     "30s"},
    {"upstreams.*.eject.time", value, "duration", "10s",
     "How long an endpoint is ejected the first time; each further ejection takes twice as long as the one "
     "before it. After that time one request is a trial, and a good answer brings the endpoint back.",
     "10s"},
    {"upstreams.*.eject.max", value, "duration", "5m",
     "The longest time for which an endpoint is ejected, however often it was ejected before.", "5m"},
    {"upstreams.*.eject.on", value, "list of failures", "[connect, reset, timeout, invalid_response]",
     "The failures that count for the ejection of an endpoint: connect (no connection was made), reset (the "
     "connection broke before the response), timeout (no response head in time), invalid_response, and "
     "status_502 or any other status from 400 to 599.",
     "[connect, reset, timeout, invalid_response]"},
    {"upstreams.*.hold", section, "duration, map or none", "none",
     "Lets a request that finds no endpoint wait for one instead of failing at once, for example while the "
     "application restarts. `hold: 10s` is short for { time: 10s }; choose less than the clients' own "
     "timeouts (10s suits browsers). With hold on, an endpoint that is down is never tried: the request can "
     "wait for its check instead. A request that waits keeps the endpoints that it came to: a reload that "
     "names better ones helps later requests only.",
     ""},
    {"upstreams.*.hold.time", value, "duration, at most 5m", "10s",
     "How long a request waits for an endpoint before it is answered with 503.", "10s"},
    {"upstreams.*.hold.page_time", value, "duration, at most 5m", "900ms",
     "How long a WebSocket upgrade from a page waits for an endpoint, where the gateway has several "
     "upstreams and the page has not just lost a WebSocket. A browser opens one WebSocket to a host at a "
     "time, so one that waits holds up the page's WebSockets to other upstreams. It is never longer than "
     "hold.time. The time that an upgrade of a client has waited counts for the next ones: a client waits "
     "once until the upstream is back.",
     "900ms"},
    {"upstreams.*.hold.requests", value, "number", "1000",
     "The maximum number of requests that wait at once, per worker. One more is answered with 503 at once, "
     "unless another client has more waiting requests: then the latest request of that client is answered "
     "with 503 and makes room.",
     "1000"},
    {"upstreams.*.host", value, "preserve, upstream or a host name", "preserve",
     "The Host field that endpoints get: preserve keeps the client's, upstream sends the host of the "
     "endpoint, and any other value is sent as it is.",
     "preserve"},

    {"compression", section, "true, false or map", "false",
     "Compresses responses for clients that accept it (Accept-Encoding). Never compressed are event "
     "streams, ranges, responses that are encoded already and those with Cache-Control: no-transform. A "
     "page that repeats what a request says beside a secret reveals the secret by its compressed length "
     "(BREACH): leave such routes out.",
     ""},
    {"compression.algorithms", value, "list of zstd, br, gzip", "[zstd, br, gzip]",
     "The compression algorithms, best first. The first of the list is taken where a client accepts several "
     "alike.",
     "[zstd, br, gzip]"},
    {"compression.types", value, "list of media types", "text, scripts, JSON, XML, SVG, fonts, WASM",
     "The media types that are compressed, in place of the built-in list; \"text/*\" stands for all text "
     "types.",
     "[\"text/*\", application/json, application/javascript, image/svg+xml]", true},
    {"compression.min_size", value, "size", "1KiB",
     "The smallest response body that is compressed. A body whose length is not known in advance is "
     "compressed whatever its size.",
     "1KiB"},
    {"compression.level", section, "map", "the defaults of its keys",
     "The compression level of each algorithm, from 1 (fast) to 9 (small).", ""},
    {"compression.level.gzip", value, "number, 1 to 9", "5",
     "The compression level of gzip, from 1 (fast) to 9 (small).", "5"},
    {"compression.level.br", value, "number, 1 to 9", "4",
     "The compression level of brotli, from 1 (fast) to 9 (small).", "4"},
    {"compression.level.zstd", value, "number, 1 to 9", "3",
     "The compression level of zstd, from 1 (fast) to 9 (small).", "3"},

    {"event_streams", section, "map", "the defaults of its keys",
     "Rules for event streams (server-sent events, text/event-stream without a length) on all routes, "
     "unless a route sets its own. No idle timeout ends an event stream but timeouts.stream_idle of its "
     "upstream.",
     ""},
    {"event_streams.comment_interval", value, "duration or none", "none",
     "How long an event stream may send nothing to its client before the gateway sends a comment line, "
     "between two events (a heartbeat). It finds dead clients, and proxies in between do not take the "
     "stream for idle; pages do not see comments. With none, no comments are sent.",
     "none"},
    {"event_streams.on_token_expiry", value, "close or keep", "close",
     "What happens to an event stream when its token expires: close ends it between two events, keep leaves "
     "it open.",
     "close"},
    {"event_streams.open", section, "map", "none",
     "How many event streams may be open at once on a route, in the whole process. One more is answered "
     "with 429.",
     ""},
    {"event_streams.open.total", value, "number or none", "none",
     "The maximum number of event streams that are open at once on a route, from all clients together. One "
     "more is answered with 429; with none, there is no limit.",
     "none"},
    {"event_streams.open.per_client", value, "number or none", "none",
     "The maximum number of event streams that one client has open at once on a route; a client is an "
     "address, or the /64 of an IPv6 address. One more is answered with 429; with none, there is no limit.",
     "none"},
    {"event_streams.open.per_subject", value, "number or none", "none",
     "The maximum number of event streams that are open at once on a route with tokens of one subject (the "
     "sub claim); the route needs jwt. One more is answered with 429; with none, there is no limit.",
     "none"},

    {"websocket", section, "map", "the defaults of its keys",
     "Rules for the WebSockets of all routes, unless a route sets its own.", ""},
    {"websocket.mode", value, "tunnel, walk or inspect", "the least that the other keys need",
     "How much of WebSocket traffic is read: tunnel passes bytes on and knows pings and Close frames only, "
     "walk reads and checks the headers of frames, inspect reads and checks whole messages and sends them "
     "on as new frames.",
     "tunnel", true},
    {"websocket.refuse", value, "auto, status or close", "auto",
     "How a WebSocket upgrade is refused. With auto, a page whose token or claims are refused gets a "
     "WebSocket that closes at once with a close code and a reason, since browsers hide the status of a "
     "refused upgrade from pages; every other refusal is an HTTP status, so that clients back off as they "
     "do without a gateway. With status, every refusal is an HTTP status. With close, every refusal but "
     "that of an origin is a close code. Clients of Engine.IO, Vite, SignalR and Phoenix always get the "
     "status, since they take an open WebSocket for success.",
     "auto"},
    {"websocket.handshake_timeout", value, "duration or none", "10s",
     "How long an endpoint that was reached may take to answer a WebSocket upgrade before it is answered "
     "with 504. With none, only timeouts.response of the upstream limits it.",
     "10s"},
    {"websocket.ping_interval", value, "duration or none", "25s",
     "How long a side of a WebSocket (client or endpoint) may be silent before it gets a ping. With none, "
     "no pings are sent, and a dead side is found by limits.tunnel_idle_timeout.",
     "25s"},
    {"websocket.pong_timeout", value, "duration", "20s",
     "How long a side of a WebSocket may take to answer a ping before it counts as lost. The other side "
     "then gets the close code close_codes.silent.",
     "20s"},
    {"websocket.on_token_expiry", value, "close or keep", "close",
     "What happens to an open WebSocket when its token expires: close ends it with the close code "
     "close_codes.token_expired, keep leaves it open.",
     "close"},
    {"websocket.heartbeat", section, "map or none", "none",
     "A heartbeat that pages can see, since they see no pings: the client gets a text message when its "
     "endpoint has sent nothing for some time. With none, no heartbeat is sent.",
     "", true},
    {"websocket.heartbeat.interval", value, "duration", "25s",
     "How long an endpoint may send no message to the client before the client gets a heartbeat message.",
     "25s", true},
    {"websocket.heartbeat.message", value, "text", "{\"type\":\"heartbeat\"}",
     "The text of the heartbeat message, at most 4096 bytes.", "'{\"type\":\"heartbeat\"}'", true},
    {"websocket.from_client", section, "map", "the defaults of its keys",
     "Rules for the messages that clients send over a WebSocket.", ""},
    {"websocket.from_client.messages", value, "any, text, binary or none", "any",
     "The kind of messages that clients may send: any, text, binary, or none at all. A message of the wrong "
     "kind closes the WebSocket with close_codes.wrong_kind (1003), and any message where none is allowed "
     "with close_codes.violation (1008).",
     "any"},
    {"websocket.from_client.message_size", value, "size or none", "1MiB, where frames are read",
     "The largest message in bytes, after decompression where messages are read (mode inspect) and as it is "
     "sent elsewhere. A larger one closes the WebSocket with close_codes.too_large (1009). With none, there "
     "is no limit, or 64MiB where messages are read.",
     "1MiB"},
    {"websocket.from_client.message_timeout", value, "duration or none", "60s",
     "How long a message may take from its first frame to its end, where messages are read (mode inspect) "
     "and so kept until they are whole. A slower one closes the WebSocket with close_codes.idle (1001).",
     "60s"},
    {"websocket.from_client.fragments", value, "number or none", "none",
     "The maximum number of frames that one message comes in. A message with more closes the WebSocket with "
     "close_codes.violation (1008).",
     "none"},
    {"websocket.from_client.rate", value, "messages per time, or none", "none",
     "The rate of messages on each WebSocket (rate limit), such as 20/s. Pings and pongs do not count as "
     "messages; on_rate decides what happens to a message beyond the rate.",
     "none"},
    {"websocket.from_client.burst", value, "number", "what rate allows in a second",
     "The number of messages that may come at once on a WebSocket with a rate.", "10", true},
    {"websocket.from_client.byte_rate", value, "bytes per second, or none", "none",
     "The rate of bytes on each WebSocket (rate limit), such as 64KiB/s. Frames count with their headers, "
     "pings and pongs as well, and where messages are read a compressed one counts as it is expanded; the "
     "gateway's own pings and the answers to them do not count. on_rate decides what happens beyond the "
     "rate.",
     "none"},
    {"websocket.from_client.byte_burst", value, "size", "what byte_rate allows in a second",
     "The number of bytes that may come at once on a WebSocket with a byte_rate.", "64KiB", true},
    {"websocket.from_client.on_rate", value, "close, drop or slow", "close",
     "What happens to a message beyond a rate limit: close ends the WebSocket with close_codes.rate (1013), "
     "drop discards the message (and ends the WebSocket where a part of it has passed already), slow stops "
     "reading until the rate allows it (backpressure).",
     "close"},
    {"websocket.from_client.types", value, "list of strings, or none", "none",
     "The types of messages that pass: only JSON text messages whose type_field holds one of the listed "
     "strings. A message that cannot be read as JSON does not pass; on_type decides what happens to it. "
     "With none, every type passes.",
     "none"},
    {"websocket.from_client.type_field", value, "path of a JSON field", "/type",
     "The JSON field that holds the type of a message: /type, or a path such as /data/kind for a nested "
     "field.",
     "/type"},
    {"websocket.from_client.first_passes", value, "true or false", "false",
     "Whether the first message of a WebSocket passes whatever its type, as long as it is JSON text.",
     "false"},
    {"websocket.from_client.on_type", value, "close or drop", "drop",
     "What happens to a message whose type is not allowed: drop discards it, close ends the WebSocket with "
     "close_codes.violation (1008).",
     "drop"},
    {"websocket.from_upstream", value, "map", "no limits, but 16MiB for a message where frames are read",
     "Rules for the messages that endpoints send over a WebSocket: a map with the keys of from_client.",
     "{ message_size: 16MiB }"},
    {"websocket.message_limit", value, "name, list of names, or none", "none",
     "The rate_limits that the messages of clients count against, shared by all WebSockets of one client or "
     "user, whichever the rate limit counts by. from_client.on_rate decides what happens to a message "
     "beyond a limit.",
     "none"},
    {"websocket.byte_limit", value, "name, list of names, or none", "none",
     "The rate_limits that the bytes of clients count against, shared by all WebSockets of one client or "
     "user; such a limit counts KiB. Bytes count as for from_client.byte_rate, and from_client.on_rate "
     "decides what happens beyond a limit.",
     "none"},
    {"websocket.slow_reader", value, "pause, drop_oldest, keep_latest or close", "pause",
     "What happens when a client takes its messages too slowly (backpressure): pause makes the endpoint "
     "wait, drop_oldest discards the oldest messages that wait, keep_latest also replaces a message that "
     "waits by a newer one of its kind, close ends the WebSocket with close_codes.slow_reader (1013).",
     "pause"},
    {"websocket.latest_field", value, "path of a JSON field", "/type",
     "The JSON field by which slow_reader: keep_latest tells kinds of messages apart: of messages with one "
     "value, only the latest waits.",
     "/type"},
    {"websocket.buffer", value, "size", "64KiB",
     "The memory that messages waiting for a slow client may take on each WebSocket; with slow_reader: "
     "pause it is at least 64KiB. A small message takes about 200 bytes.",
     "64KiB"},
    {"websocket.compression", value, "true or false", "true",
     "Whether messages are compressed (permessage-deflate) for clients that offer it, where the gateway "
     "reads messages (mode inspect). In other modes the client and the endpoint agree on compression "
     "themselves, but there is none where a message_size, byte_rate or byte_limit is set, or where on_rate "
     "is drop.",
     "true"},
    {"websocket.admission", section, "map or none", "none",
     "Limits how fast new WebSockets are let in on a route, in the whole process: after a restart all "
     "clients come back at once. Those that come faster wait for their turn; one whose turn would come too "
     "late is refused (503, or close code 1013). A client that waits already may take further places in the "
     "first half of the line only; the other half is for clients that have none. With none, there is no "
     "limit.",
     "", true},
    {"websocket.admission.rate", value, "WebSockets per time", "required",
     "The maximum rate at which new WebSockets are let in on a route, such as 100/s.", "100/s", true},
    {"websocket.admission.burst", value, "number", "what rate allows in a second",
     "The number of new WebSockets that are let in at once before admission.rate limits them.", "100", true},
    {"websocket.admission.wait", value, "duration", "10s",
     "The longest time that a new WebSocket waits for its turn. One that would have to wait longer is "
     "refused at once (503, or close code 1013).",
     "10s", true},
    {"websocket.sockets", section, "map", "none",
     "How many WebSockets may be open at once on a route, in the whole process. One more is refused (429, "
     "or close code 4429).",
     ""},
    {"websocket.sockets.total", value, "number or none", "none",
     "The maximum number of WebSockets that are open at once on a route, from all clients together. One "
     "more is refused (429, or close code 4429); with none, there is no limit.",
     "none"},
    {"websocket.sockets.per_client", value, "number or none", "none",
     "The maximum number of WebSockets that one client has open at once on a route; a client is an address, "
     "or the /64 of an IPv6 address. One more is refused (429, or close code 4429); with none, there is no "
     "limit.",
     "none"},
    {"websocket.sockets.per_subject", value, "number or none", "none",
     "The maximum number of WebSockets that are open at once on a route with tokens of one subject (the sub "
     "claim); the route needs jwt. One more is refused (429, or close code 4429); with none, there is no "
     "limit.",
     "none"},
    {"websocket.close_codes", section, "map", "the defaults of its keys",
     "The close codes that the gateway sends in Close frames, by reason. Clients differ in the codes after "
     "which they reconnect.",
     ""},
    {"websocket.close_codes.unauthorized", value, "number", "4401",
     "The close code of a refused upgrade whose token is missing or not valid (status 401).", "4401"},
    {"websocket.close_codes.refused_expired", value, "number", "the code of unauthorized",
     "The close code of a refused upgrade whose token has expired. Choose a code after which clients "
     "reconnect if they would fetch a new token, but take the code of unauthorized for final.",
     "1012", true},
    {"websocket.close_codes.forbidden", value, "number", "4403",
     "The close code of a refused upgrade that is forbidden (status 403), for example by the claims of its "
     "token.",
     "4403"},
    {"websocket.close_codes.not_found", value, "number", "4404",
     "The close code of a refused upgrade for which there is no route, or no WebSocket (status 404).",
     "4404"},
    {"websocket.close_codes.too_many", value, "number", "4429",
     "The close code of a refused upgrade that exceeds a rate limit or a maximum number of WebSockets "
     "(status 429).",
     "4429"},
    {"websocket.close_codes.unavailable", value, "number", "1013",
     "The close code of a refused upgrade for which no endpoint is available now (status 500 or above).",
     "1013"},
    {"websocket.close_codes.token_expired", value, "number", "1012",
     "The close code for an open WebSocket whose token has expired.", "1012"},
    {"websocket.close_codes.reload", value, "number", "1012",
     "The close code for an open WebSocket when a reload changed or removed its route, or took its endpoint "
     "away.",
     "1012"},
    {"websocket.close_codes.shutdown", value, "number", "1001",
     "The close code for an open WebSocket when the gateway shuts down.", "1001"},
    {"websocket.close_codes.backend_lost", value, "number", "1014",
     "The close code for a client whose endpoint went away without a Close frame, or broke the rules.",
     "1014"},
    {"websocket.close_codes.silent", value, "number", "1011",
     "The close code for one side of a WebSocket when the other no longer answers pings.", "1011"},
    {"websocket.close_codes.idle", value, "number", "1001",
     "The close code for a WebSocket on which nothing moved for too long, or whose message took too long to "
     "arrive.",
     "1001"},
    {"websocket.close_codes.rate", value, "number", "1013",
     "The close code for a side that sends more messages or bytes than a rate limit allows.", "1013"},
    {"websocket.close_codes.violation", value, "number", "1008",
     "The close code for a side that sends a message which the rules do not allow.", "1008"},
    {"websocket.close_codes.too_large", value, "number", "1009",
     "The close code for a side that sends a message which is too large.", "1009"},
    {"websocket.close_codes.wrong_kind", value, "number", "1003",
     "The close code for a side that sends text where only binary is allowed, or the reverse.", "1003"},
    {"websocket.close_codes.slow_reader", value, "number", "1013",
     "The close code for a client that takes its messages too slowly.", "1013"},

    {"routes", list, "list", "required",
     "The routes, which decide where each request goes. The most specific match wins, whatever the order of "
     "the file: first by host (a name, then the longest wildcard, then any), then by path (exact, then the "
     "longest prefix), then the route with more conditions, then one that names methods, then the one that "
     "comes first.",
     ""},
    {"routes[].name", value, "text", "routes[N]", "The name of the route in logs and metrics.", "socket"},
    {"routes[].match", section, "map", "every request",
     "What a request must match for the route to be taken.", ""},
    {"routes[].match.host", value, "host name or list of host names", "any",
     "The hosts that the route takes: app.example.com, or \"*.example.com\" for all subdomains. A host "
     "outranks every path: where a route with this host takes a path, no route without it does.",
     "app.example.com"},
    {"routes[].match.path", value, "path or list of paths", "/",
     "The path prefixes that the route takes; a prefix ends at a segment, so /ws (or /ws/) takes /ws and "
     "/ws/x, but not /wsfoo. A path that is written with an escape which its character does not need takes "
     "both spellings: /c%2B%2B also takes /c++.",
     "/ws"},
    {"routes[].match.exact", value, "path or list of paths", "none",
     "The exact paths that the route takes, and nothing below them. It is written in place of match.path.",
     "/login", true},
    {"routes[].match.methods", value, "list of methods", "any",
     "The methods that the route takes. A request that fits no route only because of its method is answered "
     "with 405.",
     "[GET, POST]"},
    {"routes[].match.pattern", value, "RE2 expression or list of RE2 expressions", "none",
     "An RE2 expression that the whole path must fit; of a list, one must. Without match.path, the folder "
     "that the expression begins with letter by letter counts as its path: \"/users/[0-9]+\" ranks as path: "
     "/users does. It is a condition, as headers, query, cookies, client and not are: where one does not "
     "fit, the next route is looked for. Clients send what they like, so conditions keep nobody out; jwt, "
     "origins, allow and deny do.",
     "\"/users/[0-9]+\"", true},
    {"routes[].match.headers", value, "map of header name to value", "none",
     "The header fields that a request must have: with a value (or one of a list), present for any value, { "
     "prefix: TEXT }, or { pattern: RE2 } for the whole value. Of several fields of one name, one must fit. "
     "A CORS preflight counts as having the fields that its Access-Control-Request-Headers names, with any "
     "value, and no cookies.",
     "{ X-Version: \"2\" }", true},
    {"routes[].match.query", value, "map of parameter to value", "none",
     "The query parameters that a request must have: with a value (or one of a list), present for any "
     "value, { prefix: TEXT }, or { pattern: RE2 } for the whole value. They are compared without their "
     "percent encoding.",
     "{ debug: present }", true},
    {"routes[].match.cookies", value, "map of cookie name to value", "none",
     "The cookies that a request must have: with a value (or one of a list), present for any value, { "
     "prefix: TEXT }, or { pattern: RE2 } for the whole value.",
     "{ beta: \"1\" }", true},
    {"routes[].match.client", value, "CIDR block or address, or list of them", "any",
     "The CIDR blocks that the client's address must be in. Behind trusted_proxies, the address that they "
     "report counts.",
     "[\"10.0.0.0/8\"]", true},
    {"routes[].match.not", section, "map", "none",
     "The conditions of which none may fit, with the keys of match: a request that fits one is not for this "
     "route.",
     "", true},
    {"routes[].match.not.host", value, "host name or list of host names", "none",
     "The hosts that the route does not take.", "admin.example.com", true},
    {"routes[].match.not.path", value, "path or list of paths", "none",
     "The path prefixes that the route does not take; what lies below them is excluded as well.", "/internal",
     true},
    {"routes[].match.not.exact", value, "path or list of paths", "none",
     "The exact paths that the route does not take.", "/login", true},
    {"routes[].match.not.pattern", value, "RE2 expression or list of RE2 expressions", "none",
     "An RE2 expression for paths that the route does not take; it must fit the whole path.", "'/.*\\.php'",
     true},
    {"routes[].match.not.headers", value, "map of header name to value", "none",
     "The header fields that exclude a request from the route: with a value (or one of a list), present for "
     "any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.",
     "{ User-Agent: { prefix: curl/ } }", true},
    {"routes[].match.not.query", value, "map of parameter to value", "none",
     "The query parameters that exclude a request from the route: with a value (or one of a list), present "
     "for any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.",
     "{ preview: present }", true},
    {"routes[].match.not.cookies", value, "map of cookie name to value", "none",
     "The cookies that exclude a request from the route: with a value (or one of a list), present for any "
     "value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.",
     "{ session: present }", true},
    {"routes[].match.not.client", value, "CIDR block or address, or list of them", "none",
     "The client addresses from which the route does not take requests.", "[\"192.0.2.0/24\"]", true},
    {"routes[].paths", value, "unchanged or strict", "the top-level paths",
     "How the paths of this route are handled, in place of the top-level paths. With unchanged, the "
     "client's path goes to the endpoint byte for byte, and is refused with 400 only where servers read it "
     "in ways that lead to different routes. With strict, it is normalised, and refused with 400 when it "
     "has an encoded slash, a backslash, a \";\" or a byte that must be escaped.",
     "strict"},
    {"routes[].allow", value, "list of CIDR blocks or addresses", "all",
     "The client addresses that the route serves; all others are answered with 403. Behind trusted_proxies, "
     "the address that they report counts.",
     "[\"10.0.0.0/8\"]", true},
    {"routes[].deny", value, "list of CIDR blocks or addresses", "[]",
     "The client addresses that are answered with 403, even where allow lists them. Behind trusted_proxies, "
     "the address that they report counts.",
     "[\"10.9.0.0/16\"]", true},
    {"routes[].upstream", value, "name or URL", "required without files, respond, redirect and maintenance",
     "The upstream that gets the requests of the route: a name of upstreams, or the URL of an endpoint, "
     "such as http://127.0.0.1:3000.",
     "api"},
    {"routes[].files", section, "folder or map", "none",
     "Serves static files from a folder to GET and HEAD requests, in place of an upstream; the whole path "
     "is looked up below the folder. `files: ./dist` is short for { root: ./dist }. Ranges and conditional "
     "requests are supported; a folder is answered with its index, or with 404. Nothing outside the folder "
     "is served, by no path and no symbolic link.",
     "", true},
    {"routes[].files.root", value, "folder", "required",
     "The folder whose files are served. A relative path starts at the folder of the configuration file.",
     "./dist", true},
    {"routes[].files.index", value, "file name", "index.html",
     "The file in a folder that is served for the folder itself.", "index.html", true},
    {"routes[].files.cache", value, "map of path to text", "{ \"*.html\": no-cache }",
     "The Cache-Control field of served files, by path: \"/assets/*\", \"*.js\", \"/exact\" or \"*\". The "
     "first that fits counts.",
     "{ \"/assets/*\": \"public, max-age=31536000, immutable\" }", true},
    {"routes[].files.precompressed", value, "true or false", "false",
     "Whether NAME.br, NAME.zst or NAME.gz beside a file NAME is sent in its place to clients that accept "
     "it.",
     "true", true},
    {"routes[].files.hidden", value, "true or false", "false",
     "Whether files and folders whose names begin with a dot are served. With false, only /.well-known is.",
     "false", true},
    {"routes[].spa", section, "true, false or map", "false",
     "Serves the index of files for a single-page application (SPA fallback) when a browser goes to a page "
     "for which there is no file. It never does so for a name with an extension, or for a request that does "
     "not ask for text/html.",
     "", true},
    {"routes[].spa.except", value, "list of paths", "[/api, /ws, /socket.io]",
     "The path prefixes below which a missing file stays a 404 in a single-page application.",
     "[/api, /ws, /socket.io]", true},
    {"routes[].respond", section, "map", "none",
     "Answers requests of every method with a fixed response, in place of an upstream.", "", true},
    {"routes[].respond.status", value, "number, 200 to 599", "200", "The HTTP status of the fixed response.",
     "200", true},
    {"routes[].respond.body", value, "text, at most 64KiB", "none",
     "The body of the fixed response. It may have several lines: `body: |` and the lines below it, indented.",
     "ok", true},
    {"routes[].respond.body_file", value, "file, at most 64KiB", "none",
     "The file with the body of the fixed response, in place of respond.body. It is read at the start and "
     "at each reload.",
     "security.txt", true},
    {"routes[].respond.content_type", value, "media type", "text/plain; charset=utf-8",
     "The media type of the fixed response's body. Without it, a body_file has the type that its extension "
     "says.",
     "application/json", true},
    {"routes[].respond.headers", value, "map of header name to text", "none",
     "Further header fields of the fixed response.", "{ Cache-Control: no-store }", true},
    {"routes[].redirect", section, "map", "none",
     "Redirects clients to another address, in place of an upstream.", "", true},
    {"routes[].redirect.to", value, "URL or path with placeholders", "required",
     "The URL or path that clients are redirected to. {uri} is path and query; others are {path}, {query}, "
     "{host}, {scheme}, {client}, {method}, {request_id}, {route} and {claim.NAME}. A path gets the prefix "
     "that a trusted proxy reports (X-Forwarded-Prefix) in front.",
     "\"https://new.example.com{uri}\"", true},
    {"routes[].redirect.status", value, "301, 302, 303, 307 or 308", "307",
     "The HTTP status of the redirect. Browsers remember 301 and 308; 307 and 308 keep the method.", "307",
     true},
    {"routes[].maintenance", section, "true or map", "none",
     "Answers every request of the route with 503 (maintenance mode), whatever else the route says. "
     "`maintenance: true` is short for a map without entries.",
     "", true},
    {"routes[].maintenance.message", value, "text", "the built-in sentence",
     "The message that clients get during maintenance.", "\"Back at noon.\"", true},
    {"routes[].maintenance.retry_after", value, "duration", "60s",
     "The time after which clients may try again during maintenance, sent as Retry-After.", "10m", true},
    {"routes[].maintenance.allow", value, "list of CIDR blocks or addresses", "[]",
     "The client addresses that the route serves as usual during maintenance.", "[\"10.0.0.0/8\"]", true},
    {"routes[].rewrite", section, "map", "none",
     "Changes the path on its way to the upstream, by one of strip_prefix, add_prefix, replace_prefix and "
     "pattern; the query stays. Such a route sends normalised paths, and refuses a path that has no normal "
     "form (an encoded slash, a backslash) with 400.",
     "", true},
    {"routes[].rewrite.strip_prefix", value, "path", "none",
     "The prefix that is removed from the path: with /api, /api/x becomes /x. It is sent to endpoints in "
     "X-Forwarded-Prefix.",
     "/api", true},
    {"routes[].rewrite.add_prefix", value, "path", "none",
     "The prefix that is put in front of the path: with /v2, /x becomes /v2/x.", "/v2", true},
    {"routes[].rewrite.replace_prefix", value, "path", "none",
     "The prefix that replaces match.path of the route: with match.path /old and replace_prefix /new, "
     "/old/x becomes /new/x.",
     "/new", true},
    {"routes[].rewrite.pattern", value, "RE2 expression", "none",
     "An RE2 expression whose first match in the path is replaced by rewrite.to. If it has \\? in it, it is "
     "matched against path and query.",
     "\"^/old/(.*)$\"", true},
    {"routes[].rewrite.to", value, "text with \\1 to \\9", "required with pattern",
     "The text that replaces the match of rewrite.pattern; \\1 to \\9 are its groups.", "'/new/\\1'", true},
    {"routes[].host", value, "preserve, upstream or a host name", "the host key of the upstream",
     "The Host field that endpoints get for this route: preserve keeps the client's, upstream sends the "
     "host of the endpoint, and any other value is sent as it is.",
     "upstream", true},
    {"routes[].rewrite_location", value, "true or false", "true",
     "Whether Location, Content-Location and Refresh fields that lead to the endpoint's address are "
     "rewritten to lead to the gateway's; a stripped prefix is put back.",
     "true", true},
    {"routes[].cookies", section, "map", "none",
     "Rewrites the cookies that endpoints set (Set-Cookie), so that browsers take them from the gateway.", "",
     true},
    {"routes[].cookies.domain", value, "remove, a domain, or a map of domains", "unchanged",
     "The new Domain attribute of cookies, for all that have one or by the domain that they have; \"*\" is "
     "for all others.",
     "{ internal.example: app.example.com, \"*\": remove }", true},
    {"routes[].cookies.path", value, "remove, a path, or a map of paths", "unchanged",
     "The new Path attribute of cookies that have one; in a map, a prefix is replaced by another.",
     "{ /: /app }", true},
    {"routes[].cookies.secure", value, "keep, add or drop", "keep",
     "Whether the Secure attribute of cookies is kept, added or dropped.", "add", true},
    {"routes[].cookies.http_only", value, "keep, add or drop", "keep",
     "Whether the HttpOnly attribute of cookies is kept, added or dropped.", "keep", true},
    {"routes[].cookies.same_site", value, "keep, lax, strict, none or drop", "keep",
     "Whether the SameSite attribute of cookies is kept, dropped, or set to lax, strict or none.", "lax",
     true},
    {"routes[].request_headers", section, "map", "none",
     "Rules for the header fields of this route's requests to endpoints, applied after the rules for all "
     "routes.",
     "", true},
    {"routes[].request_headers.remove", value, "list of header names", "[]", request_headers_remove,
     "[X-Debug]", true},
    {"routes[].request_headers.set", value, "map of header name to text with placeholders", "none",
     request_headers_set, "{ X-Real-IP: \"{client}\" }", true},
    {"routes[].request_headers.add", value, "map of header name to text with placeholders", "none",
     request_headers_add, "{ X-Note: seen }", true},
    {"routes[].response_headers", section, "map", "none",
     "Rules for the header fields of this route's responses to clients, applied after the rules for all "
     "routes.",
     "", true},
    {"routes[].response_headers.remove", value, "list of header names", "[]", response_headers_remove,
     "[Server, X-Powered-By]", true},
    {"routes[].response_headers.set", value, "map of header name to text with placeholders", "none",
     response_headers_set, "{ Strict-Transport-Security: max-age=31536000 }", true},
    {"routes[].response_headers.add", value, "map of header name to text with placeholders", "none",
     response_headers_add, "{ Link: \"</app.css>; rel=preload\" }", true},
    {"routes[].origins", value, "name", "none",
     "The name of the list of origins that controls CORS and WebSocket handshakes on this route. Without "
     "it, no origin is checked, and CORS is left to the application.",
     "dashboard"},
    {"routes[].jwt", section, "name or map", "none",
     "Requires a valid JSON Web Token (JWT) on this route, checked by the rules of that name under the "
     "top-level jwt. `jwt: clerk` is short for { use: clerk, required: true }.",
     ""},
    {"routes[].jwt.use", value, "name", "required",
     "The name of the rules under the top-level jwt that check the token.", "clerk"},
    {"routes[].jwt.required", value, "true or false", "true",
     "Whether a request without a token is refused with 401. With false it passes; a token that is not "
     "valid is refused in any case.",
     "true"},
    {"routes[].forward_claims", value, "map of claim to header name", "none",
     "The claims of the verified token that are sent to the endpoint, each in a header field. A client can "
     "never send such a field itself.",
     "{ sub: X-User-Id, email: X-User-Email }"},
    {"routes[].rate_limit", value, "name or list of names", "none",
     "The rate_limits that requests of this route count against. A request beyond a limit is answered with "
     "429 and Retry-After; RateLimit and RateLimit-Policy tell every client how much is left. CORS "
     "preflights do not count.",
     "public"},
    {"routes[].compression", value, "true, false or map", "the top-level compression",
     "Compression of this route's responses: false turns it off, true turns it on, and a map with the keys "
     "of compression changes only those that it names.",
     "false", true},
    {"routes[].websocket", value, "map", "the top-level websocket",
     "Rules for the WebSockets of this route: a map with the keys of the top-level websocket, which changes "
     "only those that it names.",
     "", true},
    {"routes[].event_streams", value, "map", "the top-level event_streams",
     "Rules for the event streams of this route: a map with the keys of the top-level event_streams, which "
     "changes only those that it names.",
     "", true},
    {"routes[].limits", section, "map", "the limits of the listener",
     "The size and time limits of this route, where they differ from those of the listener.", "", true},
    {"routes[].limits.body_size", value, "size or none", "the listener's body_size", body_size, "none", true},
    {"routes[].limits.request_timeout", value, "duration or none", "the listener's request_timeout",
     request_timeout, "none", true},
    {"routes[].limits.idle_timeout", value, "duration", "the listener's idle_timeout", idle_timeout, "60s",
     true},
    {"routes[].limits.request_body_rate", value, "bytes per second, or none",
     "the listener's request_body_rate", request_body_rate, "240B/s", true},
    {"routes[].limits.response_body_rate", value, "bytes per second, or none",
     "the listener's response_body_rate", response_body_rate, "240B/s", true},
    {"routes[].limits.tunnel_idle_timeout", value, "duration", "the listener's tunnel_idle_timeout",
     tunnel_idle_timeout, "1h", true},
    {"routes[].body_size", value, "size or none", "limits.body_size",
     "The largest request body on this route, short for limits.body_size of the route. A larger one is "
     "answered with 413; with none, there is no limit.",
     "10MiB"},

    {"resolver", section, "map", "the system's settings",
     "How the host names of endpoints are resolved (DNS).", ""},
    {"resolver.nameservers", value, "list of addresses", "the servers in resolv.conf",
     "The DNS servers to ask, in this order, instead of the servers in resolv.conf. The port is 53 where "
     "none is written.",
     "[\"10.0.0.53\", \"10.0.1.53:5353\"]", true},
    {"resolver.timeout", value, "duration, at most 30s", "2s",
     "How long a DNS server may take to answer before it, or the next one, is asked again. An answer is "
     "used for its TTL, at least 1s and at most 5m; while no server answers, the old answer is used for up "
     "to 1h more.",
     "2s"},

    {"log", section, "map", "the defaults of its keys", "What is logged, in which format, and where.", ""},
    {"log.format", value, "json or text", "json",
     "The format of the log, with one line per event: json is for programs, text for people. A change needs "
     "a restart.",
     "json"},
    {"log.level", value, "debug, info, warn or error", "info",
     "The lowest level of the events that are logged. The access log does not depend on it: log.access "
     "alone decides about lines for requests, WebSockets and event streams.",
     "info"},
    {"log.access", value, "true or false", "true",
     "Whether the access log is written: one line for each request, and two (start and end) for each "
     "WebSocket, event stream and other response that stays open. With false, only failures are logged.",
     "true"},
    {"log.output", value, "stdout or file", "stdout",
     "Where the log is written: stdout, or a file. A file is opened again on SIGUSR1, for log rotation.",
     "stdout"},
    {"log.redact", value, "list of query parameters", "[]",
     "Further query parameters whose values are never logged. A name in brackets or behind a dot counts as "
     "well (user[token]). Never logged are: token, jwt, api_key, key, secret, password, pwd, pass, auth, "
     "authorization, bearer, code, code_verifier, sig, signature, hmac, otp, SAMLResponse, every name with "
     "password, passwd, passphrase, secret or signature in it, every name that ends in token, credential, "
     "apikey, private_key or assertion, and those from which a jwt section takes its token.",
     "[]"},

    {"limits", section, "map", "the defaults of its keys",
     "The size and time limits for clients. A listener, and then a route, may set its own.", ""},
    {"limits.head_size", value, "size", "32KiB", head_size, "32KiB"},
    {"limits.target_size", value, "size", "8KiB", target_size, "8KiB"},
    {"limits.header_fields", value, "number", "100", header_fields, "100"},
    {"limits.requests_per_connection", value, "number or none", "10000", requests_per_connection, "10000"},
    {"limits.connections_per_client", value, "number or none", "2000", connections_per_client, "2000"},
    {"limits.tls_handshake_timeout", value, "duration", "10s", tls_handshake_timeout, "10s"},
    {"limits.request_head_timeout", value, "duration", "15s", request_head_timeout, "15s"},
    {"limits.keepalive_timeout", value, "duration", "75s", keepalive_timeout, "75s"},
    {"limits.body_size", value, "size or none", "none", body_size, "none"},
    {"limits.request_timeout", value, "duration or none", "none", request_timeout, "none"},
    {"limits.idle_timeout", value, "duration", "60s", idle_timeout, "60s"},
    {"limits.request_body_rate", value, "bytes per second, or none", "240B/s", request_body_rate, "240B/s"},
    {"limits.response_body_rate", value, "bytes per second, or none", "240B/s", response_body_rate, "240B/s"},
    {"limits.tunnel_idle_timeout", value, "duration", "1h", tunnel_idle_timeout, "1h"},
    {"limits.connections", value, "number", "20000",
     "The maximum number of client connections of the whole process. One more is answered with 503 and "
     "closed, or closed at once on a TLS listener.",
     "20000"},
    {"limits.drain_timeout", value, "duration", "30s",
     "How long requests and WebSockets may take to end in a shutdown (drain) before they are cut off.",
     "30s"},
    {"limits.tunnel_drain", section, "map", "the defaults of its keys",
     "How fast WebSockets are closed (close code 1012) and event streams ended (between two events) when a "
     "reload changes or removes their route or takes their endpoint away, and in a shutdown (close code "
     "1001). A route has changed when its own keys have, or its origins or jwt (or a key of it is gone), or "
     "the websocket or event_streams rules in force on it, or the rate_limits that its message_limit and "
     "byte_limit name. A change that is for new WebSockets only closes none: rate_limit, and of websocket "
     "refuse, handshake_timeout, admission, sockets and the close_codes of refusals.",
     ""},
    {"limits.tunnel_drain.rate", value, "percentage", "2%",
     "The share of the WebSockets and event streams to be ended that is ended per second. It is raised "
     "where minimum or within needs more.",
     "2%"},
    {"limits.tunnel_drain.minimum", value, "number", "10",
     "The least number of WebSockets and event streams that are ended per second, in the whole process.",
     "10"},
    {"limits.tunnel_drain.within", value, "duration", "60s",
     "The time within which all WebSockets and event streams to be ended get their close, however small "
     "rate and minimum are. In a shutdown it is at most half of drain_timeout.",
     "60s"},

    {"admin", section, "map", "none",
     "A listener for the operator alone: GET /metrics has metrics for Prometheus, GET /status reports the "
     "current state in JSON, and GET /healthz is for a load balancer.",
     ""},
    {"admin.address", value, "address", "required",
     "The address of the admin listener, such as \"127.0.0.1:9901\". \"unix:/run/postern/admin.sock\" is a "
     "Unix socket that only Postern's own user may connect to.",
     "\"127.0.0.1:9901\""},
    {"admin.public", value, "true or false", "false",
     "Whether the admin listener may have an address that other machines can reach, and answers requests "
     "for any Host. It asks for no password.",
     "false"},
});

}  // namespace

std::span<const SchemaKey> schema() { return table; }

std::string_view key_name(const SchemaKey& key) {
  return key.path.substr(key.path.rfind('.') + 1);  // npos + 1 is 0
}

bool is_inside(const SchemaKey& key, std::string_view parent) {
  const std::size_t dot = key.path.rfind('.');
  return (dot == std::string_view::npos ? std::string_view() : key.path.substr(0, dot)) == parent;
}

std::vector<std::string_view> keys_inside(std::string_view parent) {
  std::vector<std::string_view> names;
  for (const SchemaKey& key : schema()) {
    if (is_inside(key, parent)) names.push_back(key_name(key));
  }
  return names;
}

}  // namespace postern::config
