#include "config/foreign_keys.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.h"
#include "config/schema.h"

namespace postern::config {
namespace {

constexpr std::string_view to_backend = "the backend of a route is written upstream: http://localhost:3000";
constexpr std::string_view to_match =
    "what a route is for is written match: { host: app.example.com, path: /api }";
constexpr std::string_view to_listener =
    "where clients connect is written listeners: [{ address: \":8080\" }]";
constexpr std::string_view to_endpoints =
    "the servers of an upstream are written endpoints: [\"http://10.0.0.11:3001\"]";
constexpr std::string_view to_url = "where an endpoint is reached is written url: \"http://10.0.0.11:3001\"";
constexpr std::string_view to_keys = "keys are written keys: https://... (or discover, or a file)";
constexpr std::string_view to_tls = "certificates are written tls: { certificate: site.pem, key: site.key }";
constexpr std::string_view to_client_certificates =
    "clients are asked for certificates by tls: { client_certificates: { ca: ca.pem, mode: required } } of a "
    "listener";
constexpr std::string_view to_own_certificate =
    "the certificate for endpoints is written upstreams.NAME.tls: { certificate: a.pem, key: a.key }";
constexpr std::string_view no_acme =
    "certificates are not fetched by Postern yet; let certbot write them, name them in tls, and send SIGHUP "
    "after "
    "each renewal";
constexpr std::string_view to_basic_auth =
    "users are written basic_auth: { NAME: { users: { alice: HASH } } }, with hashes of `postern hash`, and "
    "basic_auth: NAME on the route";
constexpr std::string_view to_forward_auth =
    "it is written forward_auth: { url: \"http://127.0.0.1:4180/oauth2/auth\" } on the route";
constexpr std::string_view to_answer_fields =
    "fields of the answer for the endpoint are written answer_headers: [Remote-User]";
constexpr std::string_view no_http2 =
    "HTTP/2, HTTP/3 and gRPC are not spoken yet, only HTTP/1.1 and WebSockets; leave it out";
constexpr std::string_view no_code = "functions and plug-ins do not exist here; leave it out";
constexpr std::string_view to_request_fields =
    "fields are written request_headers: { set: { X-Name: value } }";
constexpr std::string_view to_response_fields =
    "fields are written response_headers: { set: { X-Name: value } }";
constexpr std::string_view to_files = "a folder is served by files: /srv/app";
constexpr std::string_view to_rewrite = "paths are changed by rewrite: { strip_prefix: /api } on the route";
constexpr std::string_view to_timeouts =
    "time limits of a backend are upstreams.NAME.timeouts, those of clients are limits";
constexpr std::string_view to_balance =
    "it is written balance: least_connections, or { hash: client_address }";
constexpr std::string_view to_health = "it is written upstreams.NAME.health: { path: /healthz }";
constexpr std::string_view to_origins =
    "CORS is written origins: { NAME: { allow: [\"https://app.example.com\"] } }, and origins: NAME on the "
    "route";
constexpr std::string_view to_admin =
    "numbers for Prometheus are at /metrics of admin: { address: \"127.0.0.1:9901\" }";
constexpr std::string_view to_eject = "it is written upstreams.NAME.eject: { failures: 5 }";
constexpr std::string_view to_system = "the system says as whom a service runs; see packaging/systemd";

// Ordered by name for the reader; the search does not rely on it.
constexpr auto table = std::to_array<ForeignKey>({
    {"accesslog", "log", "it is written log: { access: true, output: access.log }"},
    {"acme", "", no_acme},
    {"addheader", "response_headers", to_response_fields},
    {"address", "url", to_url},
    {"alias", "files", to_files},
    {"allowheaders", "headers", to_origins},
    {"allowcredentials", "credentials", "it is written credentials: true"},
    {"allowmethods", "methods", "it is written methods: [GET, POST]"},
    {"alloworigin", "allow", to_origins},
    {"alloworigins", "allow", to_origins},
    {"apiversion", "",
     "this looks like a manifest of Kubernetes; a file of Postern has listeners, upstreams and routes"},
    {"apps", "", "this looks like Caddy's JSON; a file of Postern has listeners, upstreams and routes"},
    {"authbasic", "basic_auth", to_basic_auth},
    {"authbasicuserfile", "file", "a file of users is written basic_auth: { NAME: { file: site.users } }"},
    {"authrequest", "forward_auth", to_forward_auth},
    {"authrequestheaders", "request_headers", "it is written request_headers: [Cookie, Authorization]"},
    {"authresponseheaders", "answer_headers", to_answer_fields},
    {"autohttps", "", no_acme},
    {"backend", "upstream", to_backend},
    {"backends", "upstreams",
     "backends are written upstreams: { api: { endpoints: [\"http://10.0.0.11:3001\"] } }"},
    {"basicauth", "basic_auth", to_basic_auth},
    {"bind", "address", to_listener},
    {"bypass", "", no_code},
    {"cert", "certificate", to_tls},
    {"clientauth", "client_certificates", to_client_certificates},
    {"certfile", "certificate", to_tls},
    {"certificatesresolvers", "", no_acme},
    {"certresolver", "", no_acme},
    {"changeorigin", "host", "to send the endpoint's own name, write host: upstream on the route"},
    {"clientmaxbodysize", "body_size",
     "it is written limits: { body_size: 10MiB }; by default there is no limit"},
    {"clusters", "upstreams",
     "they are written upstreams: { api: { endpoints: [\"http://10.0.0.11:3001\"] } }"},
    {"configure", "", no_code},
    {"code", "status", "it is written status: 301"},
    {"cookiedomainrewrite", "cookies", "it is written cookies: { domain: example.com } on the route"},
    {"cookiepathrewrite", "cookies", "it is written cookies: { path: { /old: /new } } on the route"},
    {"copyheaders", "answer_headers", to_answer_fields},
    {"cors", "origins", to_origins},
    {"defaultbackend", "routes", "a route without match takes what no other takes"},
    {"domain", "host", "hosts of a match are written host: app.example.com"},
    {"domains", "host", "hosts of a match are written host: [app.example.com, www.example.com]"},
    {"email", "", no_acme},
    {"encode", "compression", "it is written compression: true"},
    {"entrypoints", "listeners", to_listener},
    {"errorpage", "error_pages", "it is written error_pages: { 404: pages/404.html }"},
    {"exposeheaders", "expose", "it is written expose: [X-Total]"},
    {"failtimeout", "eject", to_eject},
    {"file", "output", "it is written output: access.log"},
    {"fileserver", "files", to_files},
    {"forwardauth", "forward_auth", to_forward_auth},
    {"frontends", "routes", "they are written listeners and routes"},
    {"fullchain", "certificate", to_tls},
    {"grpc", "", no_http2},
    {"gzip", "compression", "it is written compression: true"},
    {"h2c", "", no_http2},
    {"handle", "match", to_match},
    {"handlepath", "match", "it is written match: { path: /api } and rewrite: { strip_prefix: /api }"},
    {"handler", "", "what a route does is written upstream, files, respond or redirect"},
    {"handlers", "", "what a route does is written upstream, files, respond or redirect"},
    {"headerdown", "response_headers", to_response_fields},
    {"headerup", "request_headers", to_request_fields},
    {"healthcheck", "health", to_health},
    {"healthuri", "health", to_health},
    {"host", "url", to_url},
    {"hosts", "match", to_match},
    {"http", "", "this looks like Traefik's; a file of Postern has listeners, upstreams and routes"},
    {"http2", "", no_http2},
    {"http3", "", no_http2},
    {"import", "", "a configuration is one file; there is no import"},
    {"include", "", "a configuration is one file; there is no include"},
    {"iphash", "balance", to_balance},
    {"jwksuri", "keys", to_keys},
    {"jwksurl", "keys", to_keys},
    {"leastconn", "balance", to_balance},
    {"letsencrypt", "", no_acme},
    {"lbpolicy", "balance", to_balance},
    {"limitreq", "rate_limit",
     "rates are written rate_limits: { NAME: { rate: 10/s } }, and rate_limit: NAME on the route"},
    {"limitconn", "limits", "it is written limits: { connections_per_client: 100 }"},
    {"listen", "address", to_listener},
    {"loadbalance", "balance", to_balance},
    {"loadbalancer", "endpoints", to_endpoints},
    {"location", "match", to_match},
    {"locations", "routes", "they are written routes: [{ match: { path: /api }, upstream: api }]"},
    {"loglevel", "log", "it is written log: { level: info }"},
    {"maxfails", "eject", to_eject},
    {"matchers", "match", to_match},
    {"metrics", "admin", to_admin},
    {"middlewares", "", "there are no chains of them; what a route does is written on the route itself"},
    {"passhostheader", "host", "it is written host: preserve, which is the default"},
    {"pathrewrite", "rewrite", to_rewrite},
    {"pathprefix", "path", to_match},
    {"permanent", "status", "it is written status: 308 (or 307 for a while)"},
    {"pidfile", "", to_system},
    {"plugins", "", no_code},
    {"port", "address", to_listener},
    {"port", "url", to_url},
    {"prefix", "path", "what a path begins with is written path: /api"},
    {"privatekey", "key", to_tls},
    {"privkey", "key", to_tls},
    {"prometheus", "admin", to_admin},
    {"providers", "", "this looks like Traefik's; a file of Postern has listeners, upstreams and routes"},
    {"proxy", "routes",
     "each of its paths is a route: routes: [{ match: { path: /api }, upstream: http://localhost:3000 }]"},
    {"proxybuffering", "", "nothing is held back here, responses go on as they come; leave it out"},
    {"proxybuffersize", "", "the size of heads is written limits: { head_size: 32KiB }"},
    {"proxyconnecttimeout", "timeouts", "it is written upstreams.NAME.timeouts: { connect: 5s }"},
    {"proxyhttpversion", "",
     "endpoints are spoken to in HTTP/1.1, with connections that are kept; leave it out"},
    {"proxypass", "upstream", to_backend},
    {"proxyreadtimeout", "timeouts", "it is written upstreams.NAME.timeouts: { response: 60s, idle: 60s }"},
    {"proxyredirect", "rewrite_location",
     "Location of an endpoint leads back to the gateway by itself; rewrite_location: false stops it"},
    {"proxysendtimeout", "timeouts", "it is written upstreams.NAME.timeouts: { idle: 60s }"},
    {"proxysetheader", "request_headers", to_request_fields},
    {"proxysslcertificate", "tls", to_own_certificate},
    {"proxysslverify", "insecure", "endpoints are verified; upstreams.NAME.insecure: true believes any"},
    {"proxytimeout", "timeouts", to_timeouts},
    {"read", "response", "what an endpoint may take to answer is response, a pause in its answer idle"},
    {"redir", "redirect", "it is written redirect: { to: \"https://example.com{uri}\" }"},
    {"regex", "pattern", "an expression for a whole path is written pattern: \"/users/[0-9]+\""},
    {"regexp", "pattern", "an expression for a whole path is written pattern: \"/users/[0-9]+\""},
    {"replaceprefix", "rewrite",
     "paths are changed by rewrite: { replace_prefix: /v1, to: /v2 } on the route"},
    {"return", "respond", "it is written respond: { status: 200, body: ok }, or redirect: { to: /new }"},
    {"reverseproxy", "upstream", to_backend},
    {"root", "files", to_files},
    {"routers", "routes", "they are written routes: [{ match: { host: app.example.com }, upstream: api }]"},
    {"rule", "match", to_match},
    {"secure", "insecure", "to believe any certificate of an endpoint, write upstreams.NAME.insecure: true"},
    {"selfhandleresponse", "", no_code},
    {"server", "listeners",
     "a server is written as a listener and routes with match: { host: app.example.com }"},
    {"serveralias", "match", to_match},
    {"satisfy", "access", "it is written access: any on the route"},
    {"servername", "match", to_match},
    {"servers", "endpoints", to_endpoints},
    {"service", "upstream", "the backend of a route is written upstream: NAME, of upstreams"},
    {"services", "upstreams",
     "they are written upstreams: { api: { endpoints: [\"http://10.0.0.11:3001\"] } }"},
    {"ssl", "tls", to_tls},
    {"sslcertificate", "tls", to_tls},
    {"sslcertificatekey", "tls", to_tls},
    {"sslciphers", "tls", "it is written tls: { ciphers: \"...\" }, and is seldom needed"},
    {"sslclientcertificate", "client_certificates", to_client_certificates},
    {"sslcrl", "client_certificates", "it is written client_certificates: { ca: ca.pem, crl: ca.crl }"},
    {"sslprotocols", "tls", "it is written tls: { min_version: \"1.2\" }"},
    {"sslverifyclient", "client_certificates", to_client_certificates},
    {"staticresources", "", "this looks like Envoy's; a file of Postern has listeners, upstreams and routes"},
    {"stripprefix", "rewrite", to_rewrite},
    {"target", "upstream", to_backend},
    {"timeout", "timeouts", to_timeouts},
    {"to", "upstream", to_backend},
    {"tryfiles", "spa", "for an application of one page, write spa: true beside files"},
    {"type", "content_type", "it is written content_type: text/html"},
    {"uri", "match", to_match},
    {"user", "", to_system},
    {"virtualhosts", "routes",
     "they are written routes: [{ match: { host: app.example.com }, upstream: api }]"},
    {"workerconnections", "limits", "it is written limits: { connections: 20000 }"},
    {"workerprocesses", "workers", "it is written workers: auto"},
    {"ws", "", "WebSockets pass on every route; leave it out"},
    {"xfwd", "", "X-Forwarded-* is sent by itself; leave it out (or see forwarded)"},
});

// Words that are too common to have this meaning in any other map.
bool is_common(const ForeignKey& row) {
  constexpr auto names = std::to_array<std::string_view>(
      {"code", "domain", "domains", "file", "permanent", "prefix", "read", "regex", "regexp", "type"});
  return row.ours == "url" || std::find(names.begin(), names.end(), row.name) != names.end();
}

}  // namespace

const ForeignKey* find_foreign_key(std::string_view key, const std::vector<std::string_view>& known) {
  constexpr std::size_t longest = 64;
  if (key.size() > longest) return nullptr;
  std::string name;
  for (const char letter : key)
    if (letter != '_' && letter != '-') name += base::lower(letter);
  const ForeignKey* found = nullptr;
  for (const ForeignKey& row : table) {
    if (row.name != name) continue;
    const bool stands_here = std::find(known.begin(), known.end(), row.ours) != known.end();
    if (stands_here) return &row;
    if (found == nullptr && !is_common(row)) found = &row;
  }
  return found;
}

std::string places_of_key(std::string_view key) {
  constexpr std::size_t most = 2;  // more places would not help
  std::vector<std::string> places;
  for (const SchemaKey& known : schema()) {
    if (known.is_folded || key_name(known) != key) continue;
    const std::size_t dot = known.path.rfind('.');
    if (dot == std::string_view::npos) {
      places.emplace_back("the top level");
      continue;
    }
    std::string location(known.path.substr(0, dot));
    for (std::size_t star = location.find(".*"); star != std::string::npos; star = location.find(".*"))
      location.replace(star, 2, ".NAME");
    places.push_back(std::move(location));
  }
  if (places.empty() || places.size() > most) return {};
  std::string text = "it is a key of " + places[0];
  return places.size() == most ? text + " and of " + places[1] : text;
}

}  // namespace postern::config
