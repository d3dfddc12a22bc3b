#include "config/compile.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/compile_action.h"
#include "config/compile_content.h"
#include "config/compile_error_pages.h"
#include "config/compile_policy.h"
#include "config/compile_rewrite.h"
#include "config/compile_websocket.h"
#include "config/examine_files.h"
#include "config/fingerprint.h"
#include "crypto/random.h"
#include "net/socket.h"
#include "proxy/loop_guard.h"
#include "routing/path_matcher.h"

namespace postern::config {
namespace {

constexpr size_t certificate_file_max = 1024 * 1024;

// The input and the results that all parts of the compilation share.
struct Compilation {
  const Document& document;
  const CompileOptions& options;
  Diagnostics problems;
  Diagnostics& notes;
  std::vector<state::LoadedKeys> keys{};
  std::vector<std::shared_ptr<const identity::KeySource>> key_sources{};
  std::shared_ptr<proxy::Snapshot> snapshot = std::make_shared<proxy::Snapshot>();

  std::string file(const std::string& name) const { return resolve_file(document, name); }
};

// Notes when a file expires, once for each use. `name` is as written in the document.
void note_expiry(Compilation& compilation, std::string_view use, const std::string& name,
                 std::optional<int64_t> expires_at) {
  std::vector<telemetry::ExpiringFile>& known = compilation.snapshot->expiring_files;
  const bool is_noted = std::any_of(known.begin(), known.end(), [&](const telemetry::ExpiringFile& one) {
    return one.use == use && one.file == name;
  });
  if (expires_at && !is_noted) known.push_back({name, use, *expires_at});
}

void note_expiry(Compilation& compilation, const TlsDocument& tls) {
  for (const CertificateFiles& files : tls.certificates)
    note_expiry(compilation, "certificate", files.certificate,
                net::certificates_expire_at(compilation.file(files.certificate)));
  if (!tls.clients) return;
  note_expiry(compilation, "client_ca", tls.clients->ca_file,
              net::certificates_expire_at(compilation.file(tls.clients->ca_file)));
  if (!tls.clients->crl_file.empty())
    note_expiry(compilation, "client_crl", tls.clients->crl_file,
                net::revocation_lists_expire_at(compilation.file(tls.clients->crl_file)));
}

// Null: a problem was reported.
std::shared_ptr<const net::ClientVerifier> compile_verifier(Compilation& compilation,
                                                            const ClientCertificatesDocument& document,
                                                            const std::string& key) {
  auto options = static_cast<const net::ClientVerifierOptions&>(document);
  options.ca_file = compilation.file(document.ca_file);
  if (!document.crl_file.empty()) options.crl_file = compilation.file(document.crl_file);
  auto made = net::ClientVerifier::make(std::move(options));
  if (made) return std::move(*made);
  compilation.problems.error(document.location, key, made.error());
  return nullptr;
}

// With client certificates, no client may send what RFC 9440 lets a gateway say of them (section 2.4).
void keep_certificate_fields(Compilation& compilation) {
  const bool asks =
      std::any_of(compilation.document.listeners.begin(), compilation.document.listeners.end(),
                  [](const ListenerDocument& listener) { return listener.tls && listener.tls->clients; });
  if (!asks) return;
  for (const char* field : {"Client-Cert", "Client-Cert-Chain"})
    compilation.snapshot->claim_fields.emplace_back(field);
}

void compile_listeners(Compilation& compilation) {
  for (size_t i = 0; i < compilation.document.listeners.size(); ++i) {
    const ListenerDocument& listener = compilation.document.listeners[i];
    const std::string key = "listeners[" + std::to_string(i) + "]";
    proxy::ListenerModel model;
    model.redirect_to_https = listener.redirect_to_https;
    if (!listener.redirect_except.empty())
      model.redirect_except = std::make_shared<const std::vector<std::string>>(listener.redirect_except);
    if (const auto address = listen_address(listener.host))
      model.address = {*address, listener.port};
    else
      compilation.problems.error(listener.address_location, key + ".address",
                                 "a listener needs an address of this machine, not a name");
    if (base::equal_ignoring_case(listener.host, "localhost")) model.beside = base::IpAddress::parse("::1");
    if (listener.tls) {
      net::ServerTlsOptions tls;
      tls.tls1_3_only = listener.tls->tls1_3_only;
      tls.ciphers = listener.tls->ciphers;
      for (const CertificateFiles& files : listener.tls->certificates)
        tls.certificates.push_back({compilation.file(files.certificate), compilation.file(files.key)});
      bool usable = examine_certificates(compilation.document, i, compilation.options.now_unix,
                                         compilation.problems, compilation.notes);
      if (usable && listener.tls->clients) {
        tls.clients = compile_verifier(compilation, *listener.tls->clients, key + ".tls.client_certificates");
        usable = tls.clients != nullptr;
      }
      if (usable) {
        note_expiry(compilation, *listener.tls);
        auto made = net::ServerTls::make(tls, compilation.options.tickets);
        if (made)
          model.tls = std::move(*made);
        else
          compilation.problems.error(listener.tls->location, key + ".tls", made.error());
      }
    }
    if (listener.proxy_protocol) model.proxy_protocol = *listener.proxy_protocol;
    model.limits = listener.limits;
    model.limits.server.idle = listener.limits.transfer.idle;
    compilation.snapshot->listeners.push_back(std::move(model));
  }
}

bool is_looked_up(const std::string& host) { return !is_ipv4(host) && !is_ipv6(host) && !is_loopback(host); }

// Returns the domain of a service name: "api.internal" of "_http._tcp.api.internal".
std::string domain_of_service(std::string_view name) {
  while (name.starts_with('_')) name.remove_prefix(std::min(name.find('.'), name.size() - 1) + 1);
  return std::string(name);
}

void set_unix_path(Compilation& compilation, const UpstreamDocument& upstream, const EndpointUrl& endpoint,
                   upstream::EndpointModel& model) {
  model.host = "localhost";  // for the Host field, if the client sent none
  model.port = 80;
  model.unix_path = compilation.file(endpoint.unix_path);
  if (model.unix_path.size() > net::unix_path_max)
    compilation.problems.error(endpoint.location, "upstreams." + upstream.name + ".endpoints",
                               "the path of this socket has " + std::to_string(model.unix_path.size()) +
                                   " bytes; the system allows " + std::to_string(net::unix_path_max));
}

upstream::EndpointModel compile_endpoint(Compilation& compilation, const UpstreamDocument& upstream,
                                         const EndpointUrl& endpoint) {
  auto model = static_cast<const upstream::EndpointModel&>(endpoint);
  if (endpoint.demo) {
    model.host = "127.0.0.1";
    model.port = compilation.options.demo_port.value_or(0);
  }
  model.looked_up = !endpoint.demo && endpoint.unix_path.empty() && is_looked_up(endpoint.host);
  if (!endpoint.unix_path.empty()) set_unix_path(compilation, upstream, endpoint, model);
  const bool v6 = model.host.find(':') != std::string::npos;
  const uint16_t usual = model.tls ? 443 : 80;
  model.authority = (v6 ? "[" + model.host + "]" : model.host) +
                    (model.port == usual ? std::string() : ":" + std::to_string(model.port));
  if (model.service) model.authority = domain_of_service(model.host);
  return model;
}

void compile_client_tls(Compilation& compilation, const UpstreamDocument& upstream,
                        upstream::GroupModel& model) {
  const std::string ca = upstream.ca.empty() ? std::string() : compilation.file(upstream.ca);
  net::ClientTlsOptions options{.ca_file = ca, .insecure = upstream.insecure};
  if (upstream.certificate) {
    if (!examine_client_certificate(compilation.document, upstream, compilation.options.now_unix,
                                    compilation.problems, compilation.notes))
      return;
    const std::string& name = upstream.certificate->certificate;
    options.certificate = {compilation.file(name), compilation.file(upstream.certificate->key)};
    note_expiry(compilation, "client_certificate", name, net::certificates_expire_at(compilation.file(name)));
  }
  auto tls = net::ClientTls::make(options);
  if (tls)
    model.tls = std::move(*tls);
  else
    compilation.problems.error(
        upstream.ca_location.line > 0 ? upstream.ca_location : upstream.location,
        "upstreams." + upstream.name + ".ca",
        tls.error() + (tls.error().ends_with("does not exist") ? relative_hint(upstream.ca) : std::string()));
  model.tls_identity = ca + '|' + upstream.server_name + (upstream.insecure ? "|insecure" : "|verified");
  // A renewed certificate is another one, and connections that have shown the old one are not used again.
  if (options.certificate) {
    Fingerprint shown;
    shown.add(read_file(options.certificate->certificate, certificate_file_max).value_or(std::string()));
    model.tls_identity += "|shows " + std::to_string(shown.number());
  }
}

void compile_upstreams(Compilation& compilation) {
  for (const UpstreamDocument& upstream : compilation.document.upstreams) {
    upstream::GroupModel model;
    static_cast<upstream::GroupSettings&>(model) = static_cast<const upstream::GroupSettings&>(upstream);
    bool any_tls = false;
    std::vector<std::string> texts;
    for (const EndpointUrl& endpoint : upstream.endpoints) {
      model.endpoints.push_back(compile_endpoint(compilation, upstream, endpoint));
      texts.push_back(endpoint.text);
      any_tls = any_tls || endpoint.tls;
    }
    if (upstream.sticky)
      model.sticky = std::make_unique<const upstream::StickyCookie>(*upstream.sticky, upstream.sticky->secret,
                                                                    upstream.name, texts);
    if (any_tls) compile_client_tls(compilation, upstream, model);
    if (upstream.proxy_protocol) {
      model.tls_identity += "|proxy_protocol";  // connections made without the header are not reused
      model.keepalive_connections = 0;          // the header names one client for the whole connection
      compilation.snapshot->tells_clients = true;
    }
    compilation.snapshot->groups.push_back(std::move(model));
  }
}

// Combines what a route applies to open sockets or streams into one number. `rules` is the fingerprint of
// their own rules.
uint64_t fingerprint_of(const Document& document, const PolicyCompiler& policies, const RouteDocument& route,
                        uint64_t rules) {
  uint64_t origins = 0;
  for (const OriginsDocument& list : document.origins)
    if (list.name == route.origins) origins = list.fingerprint;
  Fingerprint whole;
  for (const uint64_t part : {route.fingerprint, origins, policies.users_fingerprint(route), rules})
    whole.add(part);
  for (const JwtDocument* jwt : providers_of(document, route)) whole.add(jwt->fingerprint);
  return whole.number();
}

void compile_match(Compilation& compilation, const RouteDocument& document, const std::string& key,
                   routing::Route& route) {
  if (!document.hosts.empty()) route.hosts.clear();
  for (const std::string& name : document.hosts) {
    if (auto host = routing::read_host_pattern(name))
      route.hosts.push_back(std::move(*host));
    else
      compilation.problems.error(document.match_location, key + ".match.host", host.error());
  }
  route.paths.clear();
  for (const std::string& text : document.paths) {
    // The text and not `*path`: the second spelling of a path (parse_matched_path) is no normal form, and is
    // compared as it is written.
    if (const auto path = routing::read_route_path(text))
      route.paths.push_back(text);
    else
      compilation.problems.error(document.match_location, key + ".match.path", path.error());
  }
  route.exact = document.exact;
  route.methods = document.methods;
  if (document.ticket > base::Duration::zero() || document.renew) route.methods = {"POST"};
  route.conditions = document.conditions;
}

void compile_routes(Compilation& compilation) {
  PolicyCompiler policies(compilation.document, compilation.problems, compilation.notes);
  CompressionCompiler rules;
  std::vector<routing::Route> routes;
  const crypto::Id id = crypto::random_id();  // a new id delays the detection of a loop by one round
  const std::string_view process = id.view().substr(0, 16);
  for (size_t i = 0; i < compilation.document.routes.size(); ++i) {
    const RouteDocument& document = compilation.document.routes[i];
    const std::string key = "routes[" + std::to_string(i) + "]";
    routing::Route route;
    route.name = document.name;
    route.strict_paths = document.strict_paths.value_or(compilation.document.strict_paths);
    if (route.strict_paths) compilation.snapshot->strict_paths = true;
    route.limits = document.limits;
    route.sockets = socket_rules(document, policies);
    route.streams = policies.stream_rules(document);
    const bool has_tokens = !document.jwt.empty();
    route.socket_fingerprint = fingerprint_of(
        compilation.document, policies, document,
        socket_fingerprint(document.websocket, *route.sockets, policies.names().rate_limits, has_tokens));
    route.stream_fingerprint = fingerprint_of(compilation.document, policies, document,
                                              stream_fingerprint(*route.streams, has_tokens));
    route.keys = policies.keys_of(document);
    compile_match(compilation, document, key, route);
    if (document.backchannel_logout)
      route.action = policies.backchannel_logout(document);
    else
      route.action = compile_action(compilation.document, document, key, compilation.problems);
    route.logout = policies.logout(document);
    route.refresh_calls = policies.refresh_calls(document);
    route.rewriting = compile_rewriting(compilation.document, i, compilation.problems);
    route.rewriting.loop_mark = proxy::loop_mark(process, i);
    if (const auto entry = policies.unrouted_cors(document))
      for (const routing::HostPattern& host : route.hosts)
        compilation.snapshot->unrouted_cors.add(host, *entry);
    for (const ForwardedClaim& claim : document.forward_claims)
      compilation.snapshot->claim_fields.push_back(claim.header);
    if (document.certificate)
      for (policy::CertificateField& field : document.certificate->forward.all())
        compilation.snapshot->claim_fields.push_back(std::move(field.header));
    if (!document.basic_auth.user_field.empty())
      compilation.snapshot->claim_fields.push_back(document.basic_auth.user_field);
    if (document.forward_auth)
      for (const ForwardAuthField& field : document.forward_auth->answer_fields)
        if (http::field_id(field.to) == http::FieldId::other)  // not Authorization, which other routes take
          compilation.snapshot->claim_fields.push_back(field.to);
    if (document.files)
      check_folder(compilation.document, *document.files, key + ".files", compilation.problems,
                   compilation.notes);
    route.compression = rules.of(document.compression);
    route.answers_preflights = !document.origins.empty();
    route.pipeline = policies.pipeline(document);
    routes.push_back(std::move(route));
  }
  compilation.snapshot->routes = routing::Table(std::move(routes));
  compilation.snapshot->unrouted = header_rules(compilation.document, nullptr);
  compilation.snapshot->state = policies.names();
  compilation.keys = policies.take_keys();
  compilation.key_sources = policies.key_sources();
}

void compile_limits(Compilation& compilation) {
  const LimitsDocument& document = compilation.document.limits;
  proxy::Limits& limits = compilation.snapshot->limits;
  limits.drain = document.drain_timeout;
  limits.drain_rate = document.tunnel_drain;
  limits.drain_rate.least /= static_cast<double>(compilation.options.workers);
  limits.connections = document.connections;
}

}  // namespace

std::optional<base::IpAddress> listen_address(const std::string& host) {
  if (host.empty()) return base::IpAddress::v6({});  // "[::]" takes IPv4 too
  if (base::equal_ignoring_case(host, "localhost")) return base::IpAddress::v4({127, 0, 0, 1});
  return base::IpAddress::parse(host);
}

bool uses_demo(const Document& document) {
  return std::any_of(document.upstreams.begin(), document.upstreams.end(),
                     [](const UpstreamDocument& upstream) {
                       return std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                          [](const EndpointUrl& endpoint) { return endpoint.demo; });
                     });
}

tl::expected<std::shared_ptr<const proxy::Snapshot>, Diagnostics> compile(const Document& document,
                                                                          const CompileOptions& options,
                                                                          Diagnostics& notes) {
  Compilation compilation{document, options, Diagnostics(document.file), notes};
  proxy::Snapshot& snapshot = *compilation.snapshot;
  snapshot.version = options.version;
  compile_listeners(compilation);
  keep_certificate_fields(compilation);
  compile_upstreams(compilation);
  compile_routes(compilation);
  compile_limits(compilation);
  snapshot.trusted_proxies = document.trusted_proxies;
  snapshot.names = document.resolver;
  snapshot.request_id_field = document.request_id_header;
  snapshot.via = document.via;
  snapshot.forwarded = {
      document.forwarded == ForwardedMode::x_forwarded || document.forwarded == ForwardedMode::both,
      document.forwarded == ForwardedMode::rfc7239 || document.forwarded == ForwardedMode::both};
  snapshot.error_pages = compile_error_pages(document, compilation.problems);
  snapshot.access_log = document.log.access;
  snapshot.logged_token = document.log.token;
  snapshot.logged_certificate = document.log.certificate;
  snapshot.redacted_parameters = document.log.redact;
  if (compilation.problems.has_errors()) {
    compilation.problems.sort();
    return tl::unexpected(std::move(compilation.problems));
  }
  if (options.keys) *options.keys = std::move(compilation.keys);
  if (options.key_sources) *options.key_sources = std::move(compilation.key_sources);
  return std::shared_ptr<const proxy::Snapshot>(std::move(compilation.snapshot));
}

}  // namespace postern::config
