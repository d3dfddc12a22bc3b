#include "config/compile_policy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/compile_action.h"
#include "config/compile_rewrite.h"
#include "config/environment.h"
#include "config/examine_files.h"
#include "config/fingerprint.h"
#include "identity/outgoing_proxy.h"
#include "policy/address_rules.h"
#include "policy/basic_auth.h"
#include "policy/client_certificate.h"
#include "policy/cors.h"
#include "policy/csrf.h"
#include "policy/jwt_policy.h"
#include "policy/maintenance.h"
#include "policy/origin.h"
#include "policy/rate_limit.h"
#include "policy/request_limits.h"
#include "policy/socket_limit.h"

namespace postern::config {
namespace {

constexpr size_t key_file_max = 1024 * 1024;

template <class Named>
const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// Distinguishes sources whose keys must be fetched anew. `ca` is the content of the file.
uint64_t source_fingerprint(const identity::KeySource& source, const std::string& ca) {
  Fingerprint fingerprint;
  fingerprint.add(source.url.text());
  fingerprint.add(source.issuer);
  fingerprint.add(ca);
  fingerprint.add(source.discover);
  fingerprint.add(source.insecure);
  fingerprint.add(names(source.algorithms));
  fingerprint.add(source.wait.count());  // which the keys carry with them
  return fingerprint.number();
}

}  // namespace

std::optional<std::string> read_file(const std::string& path, size_t most) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string text(most + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return std::nullopt;  // for example, a directory
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

std::string resolve_file(const Document& document, const std::string& name) {
  const std::filesystem::path path(name);
  if (path.is_absolute()) return name;
  return (std::filesystem::path(document.file).parent_path() / path).lexically_normal().string();
}

PolicyCompiler::PolicyCompiler(const Document& document, Diagnostics& problems, Diagnostics& notes)
    : document_(document), problems_(problems), notes_(notes) {
  for (const RateLimitDocument& limit : document.rate_limits)
    names_.rate_limits.push_back({limit.name, limit.count, limit.per, limit.burst});
  compile_hosts();
  for (const OriginsDocument& origins : document.origins) compile_origins(origins);
  for (const JwtDocument& jwt : document.jwt) compile_jwt(jwt);
  users_ = compile_users(document, problems);
}

void PolicyCompiler::compile_hosts() {
  auto hosts = std::make_shared<routing::NamedHosts>();
  const auto add = [&hosts](const std::string& text) {
    if (const auto pattern = routing::read_host_pattern(text)) hosts->add(*pattern);
  };
  for (const std::string& host : document_.hosts) add(host);
  for (const RouteDocument& route : document_.routes)
    for (const std::string& host : route.hosts) add(host);
  hosts_ = std::move(hosts);
}

void PolicyCompiler::compile_origins(const OriginsDocument& origins) {
  policy::OriginListOptions options;
  options.name = origins.name;
  options.allow.assign(origins.allow.begin(), origins.allow.end());
  auto list = policy::OriginList::compile(std::move(options));
  if (list) {
    origin_lists_[origins.name] = std::move(*list);
    return;
  }
  const size_t index = list.error().rule;
  problems_.error(origins.allow[index].location,
                  "origins." + origins.name + ".allow[" + std::to_string(index) + "]", list.error().sentence);
}

void PolicyCompiler::compile_jwt(const JwtDocument& jwt) {
  std::optional<state::LoadedKeys> keys = jwt.fetches_keys() ? compile_key_source(jwt) : read_keys(jwt);
  if (!keys) return;
  verifiers_[jwt.name] = {
      std::make_shared<const policy::JwtVerifier>(static_cast<const policy::JwtRules&>(jwt)),
      names_.keys.size()};
  names_.keys.push_back(jwt.name);
  keys_.push_back(std::move(*keys));
}

std::optional<state::LoadedKeys> PolicyCompiler::read_keys(const JwtDocument& jwt) {
  const crypto::AlgorithmSet algorithms = crypto::AlgorithmSet::of(jwt.algorithms);
  state::KeySet::Made keys = tl::unexpected(std::string());
  std::string where = "jwt." + jwt.name + ".secret";
  if (!jwt.keys_file.empty()) {
    where = "jwt." + jwt.name + ".keys";
    const std::optional<std::string> text = read_file(resolve_file(document_, jwt.keys_file), key_file_max);
    if (!text) {
      problems_.error(jwt.keys_location, where, why_unreadable(document_, jwt.keys_file));
      return std::nullopt;
    }
    keys = state::KeySet::from_file_text(*text, algorithms);
  } else {
    keys = state::KeySet::from_secret(jwt.secret, algorithms);
  }
  if (!keys) {
    problems_.error(jwt.keys_location, where, keys.error());
    return std::nullopt;
  }
  for (const std::string& note : keys->notes()) notes_.warn(jwt.keys_location, where, note);
  return state::LoadedKeys{jwt.name, jwt.fingerprint, std::move(*keys)};
}

std::optional<state::LoadedKeys> PolicyCompiler::compile_key_source(const JwtDocument& jwt) {
  const std::string where = "jwt." + jwt.name;
  auto source = std::make_shared<identity::KeySource>();
  static_cast<identity::FetchSettings&>(*source) = jwt.fetch;
  source->name = jwt.name;
  source->discover = jwt.discover;
  source->issuer = jwt.issuer;
  source->algorithms = crypto::AlgorithmSet::of(jwt.algorithms);
  tl::expected<http::Url, std::string_view> url = http::read_url(identity::metadata_url(jwt.issuer));
  if (jwt.keys_url) url = *jwt.keys_url;
  if (!url) return std::nullopt;  // decoding has reported it
  source->url = *url;
  source->variables = process_environment();
  if (const auto proxy = identity::outgoing_proxy(*url, source->variables); !proxy) {
    problems_.error(jwt.keys_location, where + ".keys", proxy.error());
    return std::nullopt;
  }
  const std::string ca = jwt.fetch_ca.empty() ? std::string() : resolve_file(document_, jwt.fetch_ca);
  auto tls = net::ClientTls::make({.ca_file = ca, .insecure = jwt.fetch.insecure});
  if (!tls) {
    problems_.error(jwt.fetch_ca_location.line > 0 ? jwt.fetch_ca_location : jwt.keys_location,
                    where + ".fetch.ca", tls.error());
    return std::nullopt;
  }
  source->tls = std::move(*tls);
  if (jwt.fetch.insecure)
    notes_.warn(jwt.keys_location, where + ".fetch.insecure",
                "the provider of the keys is not verified; anybody on the way can make tokens that pass");
  source->identity = source_fingerprint(*source, read_file(ca, key_file_max).value_or(std::string()));
  key_sources_.push_back(source);
  return state::LoadedKeys{jwt.name, jwt.fingerprint, std::nullopt, source->identity, source->wait};
}

std::vector<size_t> PolicyCompiler::keys_of(const RouteDocument& route) const {
  std::vector<size_t> keys;
  for (const policy::JwtProvider& provider : providers(route)) keys.push_back(provider.keys);
  return keys;
}

std::vector<policy::JwtProvider> PolicyCompiler::providers(const RouteDocument& route) const {
  std::vector<policy::JwtProvider> providers;
  for (const JwtDocument* jwt : providers_of(document_, route)) {
    const auto known = verifiers_.find(jwt->name);
    if (known == verifiers_.end()) continue;
    providers.push_back({jwt->name, known->second.verifier, known->second.keys,
                         std::vector<policy::JwtSource>(jwt->from.begin(), jwt->from.end()),
                         is_renewed(document_, *jwt)});
  }
  return providers;
}

routing::BackchannelLogout PolicyCompiler::backchannel_logout(const RouteDocument& route) const {
  const BackchannelLogoutDocument& logout = *route.backchannel_logout;
  const auto known = verifiers_.find(logout.use);
  const JwtDocument* jwt = find_named(document_.jwt, logout.use);
  if (known == verifiers_.end() || !jwt) return {};  // reported already
  policy::JwtRules rules;
  rules.issuer = jwt->issuer;
  rules.audiences = logout.audiences;
  rules.algorithms = jwt->algorithms;
  rules.leeway = jwt->leeway;
  rules.require_expiry = false;  // what counts is that it was issued a moment ago
  return {std::make_shared<const policy::JwtVerifier>(std::move(rules)), known->second.keys,
          document_.revocations.value_or(RevocationsDocument()).token_life};
}

std::shared_ptr<const routing::LogoutRules> PolicyCompiler::logout(const RouteDocument& route) const {
  if (route.logout_paths.empty()) return nullptr;
  return std::make_shared<const routing::LogoutRules>(routing::LogoutRules{
      route.logout_paths, document_.revocations.value_or(RevocationsDocument()).token_life});
}

std::shared_ptr<const routing::RefreshCalls> PolicyCompiler::refresh_calls(const RouteDocument& route) const {
  if (!route.refresh_calls) return nullptr;
  const std::string_view name = provider_of(document_, *route.refresh_calls);
  const auto known = verifiers_.find(std::string(name));
  if (known == verifiers_.end()) return nullptr;  // reported already
  return std::make_shared<const routing::RefreshCalls>(
      routing::RefreshCalls{route.refresh_calls->paths, route.refresh_calls->token, std::string(name),
                            known->second.verifier, known->second.keys});
}

uint64_t PolicyCompiler::users_fingerprint(const RouteDocument& route) const {
  const auto known = users_.find(route.basic_auth.use);
  return known == users_.end() ? 0 : known->second.fingerprint;
}

size_t PolicyCompiler::admission_line(const RouteDocument& route) {
  names_.admission_lines.push_back(route.name);
  return names_.admission_lines.size() - 1;
}

std::vector<policy::RateLimitRule> PolicyCompiler::rate_limit_rules(
    const std::vector<std::pair<std::string, SourceLocation>>& names) {
  std::vector<policy::RateLimitRule> rules;
  for (const auto& [name, location] : names) {
    const RateLimitDocument* limit = find_named(document_.rate_limits, name);
    if (!limit) continue;
    policy::RateLimitRule rule;
    rule.by = limit->by;
    rule.name = limit->key;
    rule.report_only = limit->report_only;
    rule.limit = static_cast<size_t>(limit - document_.rate_limits.data());
    rules.push_back(std::move(rule));
  }
  return rules;
}

// Adds the fields of rate limits, which a page needs to slow down: the browser hides every field that is not
// named.
std::vector<std::string> exposed_fields(const OriginsDocument& origins, const RouteDocument& route) {
  std::vector<std::string> fields = origins.expose;
  if (!route.rate_limits.empty())
    for (const char* name : {"Retry-After", "RateLimit", "RateLimit-Policy"}) fields.emplace_back(name);
  return fields;
}

// Leaves out methods that the route would refuse, because a browser uses a preflight's answer for the whole
// address.
std::vector<std::string> allowed_methods(const OriginsDocument& origins, const RouteDocument& route) {
  std::vector<std::string> methods = origins.methods;
  if (route.methods.empty()) return methods;
  std::erase_if(methods, [&route](const std::string& method) {
    return std::find(route.methods.begin(), route.methods.end(), method) == route.methods.end();
  });
  return methods;
}

std::optional<proxy::UnroutedCors::Entry> PolicyCompiler::unrouted_cors(const RouteDocument& route) {
  const OriginsDocument* origins = find_named(document_.origins, route.origins);
  if (!origins || !origin_lists_.contains(origins->name)) return std::nullopt;
  std::shared_ptr<const policy::CorsPolicy>& cors = unrouted_[origins->name];
  if (!cors)
    cors = std::make_shared<const policy::CorsPolicy>(policy::CorsOptions{
        origins->methods, origins->headers, origins->expose, origins->max_age, origins->credentials});
  return proxy::UnroutedCors::Entry{origin_lists_[origins->name], cors};
}

bool PolicyCompiler::limits_bodies(const RouteDocument& route) const {
  return route.limits.body_size.value_or(0) != 0 ||
         std::any_of(document_.listeners.begin(), document_.listeners.end(),
                     [](const ListenerDocument& one) { return one.limits.transfer.body_size != 0; });
}

std::shared_ptr<const routing::StreamRules> PolicyCompiler::stream_rules(const RouteDocument& route) {
  auto rules = std::make_shared<routing::StreamRules>(route.streams);
  if (rules->limits.any()) {
    rules->counts = names_.stream_counts.size();
    names_.stream_counts.push_back(route.name);
  }
  return rules;
}

policy::Pipeline PolicyCompiler::pipeline(const RouteDocument& route) {
  std::vector<std::unique_ptr<const policy::Policy>> policies;
  if (limits_bodies(route)) policies.push_back(std::make_unique<policy::RequestLimits>());

  const OriginsDocument* origins = find_named(document_.origins, route.origins);
  if (origins && origin_lists_.contains(origins->name)) {
    policies.push_back(std::make_unique<policy::OriginPolicy>(
        policy::OriginOptions{origin_lists_[origins->name], origins->require_on_websocket, route.name, hosts_,
                              origins->refuse_navigations, origins->report_only == ReportOnly::all}));
    if (origins->csrf != policy::Csrf::off)
      policies.push_back(std::make_unique<policy::CsrfPolicy>(
          policy::CsrfOptions{origin_lists_[origins->name], route.name, origins->csrf == policy::Csrf::strict,
                              origins->report_only != ReportOnly::nothing}));
    policies.push_back(std::make_unique<policy::CorsPolicy>(
        policy::CorsOptions{allowed_methods(*origins, route), origins->headers,
                            exposed_fields(*origins, route), origins->max_age, origins->credentials}));
  }

  const std::vector<std::string> allow = route.any_access ? std::vector<std::string>() : route.allow;
  if (!allow.empty() || !route.deny.empty())
    policies.push_back(std::make_unique<policy::AddressRulesPolicy>(
        policy::AddressRulesOptions{allow, route.deny, route.name, route.address_rules_report_only}));

  if (route.maintenance) policies.push_back(std::make_unique<policy::MaintenancePolicy>(*route.maintenance));

  std::vector<policy::RateLimitRule> limits = rate_limit_rules(route.rate_limits);
  const auto by_claim = std::stable_partition(
      limits.begin(), limits.end(),
      [](const policy::RateLimitRule& rule) { return rule.by != policy::RateLimitRule::By::claim; });
  for (auto [begin, end] : {std::pair(limits.begin(), by_claim), std::pair(by_claim, limits.end())}) {
    std::vector<policy::RateLimitRule> rules(begin, end);
    if (!rules.empty())
      policies.push_back(std::make_unique<policy::RateLimitPolicy>(std::move(rules), route.name));
  }

  if (route.certificate)
    policies.push_back(std::make_unique<policy::ClientCertificatePolicy>(policy::ClientCertificateOptions{
        route.certificate->required, route.certificate->subjects, route.certificate->alternative_names,
        route.certificate->forward.all(), route.name}));

  if (const auto users = users_.find(route.basic_auth.use); users != users_.end())
    policies.push_back(std::make_unique<policy::BasicAuthPolicy>(
        policy::BasicAuthOptions{users->second.users, users->second.realm, route.basic_auth.user_field,
                                 route.basic_auth.keep_authorization}));

  policy::JwtOptions options;
  options.providers = providers(route);
  if (!options.providers.empty()) {
    options.route = route.name;
    options.required = route.jwt_required;
    options.rules.assign(route.required_claims.begin(), route.required_claims.end());
    options.report_only = route.jwt_report_only;
    options.forward_as = route.forward_token;
    if (!route.jwt_report_only) options.refresh = token_refresh(document_, route);
    options.remember_text = route.ticket > base::Duration::zero();
    for (const ForwardedClaim& claim : route.forward_claims)
      options.forward_claims.push_back({claim.claim, claim.header});
    policies.push_back(std::make_unique<policy::JwtPolicy>(std::move(options)));
  }
  if (auto auth = forward_auth(document_, route)) policies.push_back(std::move(auth));
  if (route.any_access) join_ways_in(document_, route, policies);
  const policy::SocketLimits& sockets = route.websocket.limits;
  if (sockets.any()) {
    policies.push_back(std::make_unique<policy::SocketLimitPolicy>(sockets, names_.socket_counts.size()));
    names_.socket_counts.push_back(route.name);
  }
  if (auto rules = header_rules(document_, &route)) policies.push_back(std::move(rules));
  return policy::Pipeline(std::move(policies));
}

}  // namespace postern::config
