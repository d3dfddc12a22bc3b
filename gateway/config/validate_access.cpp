#include "config/validate_access.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"
#include "http/path_prefix.h"

namespace postern::config {
namespace {

// Whether the token of a route is taken from Authorization, where Basic credentials are.
bool takes_authorization(const Document& document, const RouteDocument& route) {
  for (const JwtDocument* jwt : providers_of(document, route))
    for (const TokenSource& source : jwt->from)
      if (source.kind == TokenSource::Kind::header && base::equal_ignoring_case(source.name, "authorization"))
        return true;
  return false;
}

void check_choice(const RouteDocument& route, const std::string& path, Diagnostics& diagnostics) {
  const int ways = (route.allow.empty() ? 0 : 1) + (route.certificate ? 1 : 0) +
                   (route.basic_auth.use.empty() ? 0 : 1) + (route.jwt.empty() ? 0 : 1) +
                   (route.forward_auth ? 1 : 0);
  if (ways < 2)
    diagnostics.error(
        route.access_location, path + ".access",
        "chooses among allow, client_certificate, basic_auth, jwt and forward_auth, and the route has " +
            std::string(ways == 0 ? "none of them" : "one of them"));
  if (std::any_of(route.allow.begin(), route.allow.end(),
                  [](const std::string& block) { return block == "0.0.0.0/0" || block == "::/0"; }))
    diagnostics.error(route.access_location, path + ".access",
                      "any lets everybody in: allow has every address of a kind");
  if (!route.jwt.empty() && !route.jwt_required)
    diagnostics.error(route.access_location, path + ".access",
                      "any lets everybody in: jwt with required: false passes without a token");
  if (route.certificate && !route.certificate->required)
    diagnostics.error(route.access_location, path + ".access",
                      "any lets everybody in: client_certificate with mode: wanted passes without one");
  if (!route.jwt.empty() && route.jwt_report_only)
    diagnostics.error(route.access_location, path + ".access",
                      "any lets everybody in: jwt with report_only refuses nothing");
}

void check_user_field(const Document& document, const RouteDocument& route, const std::string& path,
                      Diagnostics& diagnostics) {
  const BasicAuthUse& use = route.basic_auth;
  if (use.user_field.empty()) return;
  const std::string key = path + ".basic_auth.forward_user";
  if (base::equal_ignoring_case(use.user_field, document.request_id_header))
    diagnostics.error(
        use.user_field_location, key,
        document.quote(use.user_field_location, use.user_field) + " carries the request id already");
  // Under access: any, the one or the other is known.
  if (route.any_access) return;
  for (const ForwardedClaim& claim : route.forward_claims)
    if (base::equal_as_variable(use.user_field, claim.header))
      diagnostics.error(use.user_field_location, key,
                        document.quote(use.user_field_location, use.user_field) + " carries the claim " +
                            quoted(claim.claim) + " already");
}

bool takes(const RouteDocument& route, std::string_view path) {
  return std::any_of(route.paths.begin(), route.paths.end(), [&](const std::string& one) {
    return route.exact ? one == path : http::is_below(path, one);
  });
}

// A ticket is issued for a token, and a token renews what is open: nobody comes without one.
void check_token_action(const RouteDocument& route, SourceLocation location, const std::string& key,
                        Diagnostics& diagnostics) {
  if (!route.jwt.empty() && !route.jwt_required)
    diagnostics.error(location, key, "needs a token: jwt has required: false");
  if (!route.jwt.empty() && route.jwt_report_only)
    diagnostics.error(location, key, "needs a token: jwt with report_only asks for none");
  if (route.any_access)
    diagnostics.error(location, key, "needs a token: with access: any, a client may come in without one");
  if (!route.methods.empty() && route.methods != std::vector<std::string>{"POST"})
    diagnostics.error(location, key, "answers POST; leave methods out");
}

void check_refresh_calls(const Document& document, const RouteDocument& route, const std::string& path,
                         Diagnostics& diagnostics) {
  if (!route.refresh_calls) return;
  if (provider_of(document, *route.refresh_calls).empty())
    diagnostics.error(
        route.refresh_calls->location, path + ".refresh_calls",
        document.jwt.empty()
            ? "checks the new token by rules under the top-level jwt, and there are none"
            : "needs use: there are several sections under jwt, and one of them checks the token");
  for (const std::string& one : route.refresh_calls->paths)
    if (route.match_read && !takes(route, one))
      diagnostics.error(route.refresh_calls->location, path + ".refresh_calls",
                        "is never asked: the route does not match " + quoted(one));
}

// Warns of a place for tickets where none are issued.
void warn_of_missing_tickets(const Document& document, Diagnostics& diagnostics) {
  const bool are_issued =
      std::any_of(document.routes.begin(), document.routes.end(),
                  [](const RouteDocument& route) { return route.ticket > base::Duration::zero(); });
  if (are_issued) return;
  for (const JwtDocument& jwt : document.jwt)
    for (const TokenSource& source : jwt.from)
      if (source.kind == TokenSource::Kind::ticket)
        diagnostics.warn(source.location, "jwt." + jwt.name + ".from",
                         "takes tickets, and no route issues any; give one ticket: 30s");
}

const TokenSource* message_of(const JwtDocument& jwt) {
  for (const TokenSource& source : jwt.from)
    if (source.kind == TokenSource::Kind::message) return &source;
  return nullptr;
}

// A WebSocket has one first message, so its route expects one form of it.
void check_message(const Document& document, const RouteDocument& route, const std::string& path,
                   Diagnostics& diagnostics) {
  const TokenSource* first = nullptr;
  std::string name;
  for (const JwtDocument* jwt : providers_of(document, route)) {
    const TokenSource* source = message_of(*jwt);
    if (!source) continue;
    if (first && source->message != first->message)
      diagnostics.error(route.jwt.front().second, path + ".jwt",
                        "names jwt." + name + " and jwt." + jwt->name +
                            ", whose tokens are in first messages of different forms");
    if (!first) name = jwt->name;
    first = source;
  }
}

// Warns of first messages where no WebSocket passes.
void warn_of_missing_sockets(const Document& document, Diagnostics& diagnostics) {
  for (const JwtDocument& jwt : document.jwt) {
    const TokenSource* source = message_of(jwt);
    const auto uses = [&](const RouteDocument& route) {
      const auto providers = providers_of(document, route);
      return !route.upstream.empty() &&
             std::find(providers.begin(), providers.end(), &jwt) != providers.end();
    };
    if (source && std::none_of(document.routes.begin(), document.routes.end(), uses))
      diagnostics.warn(source->location, "jwt." + jwt.name + ".from",
                       "waits for messages of WebSockets, and no route to an upstream uses it");
  }
}

// The field of a token that is moved carries nothing else.
void check_token_field(const Document& document, const RouteDocument& route, const std::string& path,
                       Diagnostics& diagnostics) {
  const policy::JwtForwarding& forwarding = route.forward_token;
  if (forwarding.kind != policy::JwtForwarding::Kind::move ||
      forwarding.place.kind != policy::JwtSource::Kind::header)
    return;
  const auto complain = [&](SourceLocation location, const std::string& key, const std::string& field) {
    if (base::equal_as_variable(field, forwarding.place.name))
      diagnostics.error(location, path + key,
                        document.quote(location, field) + " carries the token already (jwt.forward_as)");
  };
  for (const ForwardedClaim& claim : route.forward_claims)
    complain(claim.location, ".forward_claims." + shown(claim.claim, 64), claim.header);
  if (!route.basic_auth.user_field.empty())
    complain(route.basic_auth.user_field_location, ".basic_auth.forward_user", route.basic_auth.user_field);
}

// Warns of keys of a provider that signs tokens for other applications too, where nothing says for which one
// a token must be.
void warn_of_any_audience(const Document& document, Diagnostics& diagnostics) {
  for (const JwtDocument& jwt : document.jwt)
    if (jwt.fetches_keys() && jwt.audiences.empty() && jwt.required_claims.empty())
      diagnostics.warn(jwt.location, "jwt." + jwt.name,
                       "accepts the tokens of this provider for every application; write audience, or "
                       "required_claims with what your tokens have, such as azp or client_id");
}

bool asks_for_certificates(const ListenerDocument& listener) { return listener.tls && listener.tls->clients; }

void check_certificate_use(const Document& document, const RouteDocument& route, const std::string& path,
                           Diagnostics& diagnostics) {
  if (!route.certificate) return;
  const ClientCertificateUse& use = *route.certificate;
  const bool is_asked =
      std::any_of(document.listeners.begin(), document.listeners.end(), asks_for_certificates);
  if (!is_asked && !diagnostics.has_errors())
    diagnostics.error(
        use.location, path + ".client_certificate",
        "no listener asks for client certificates; see client_certificates under tls of a listener");
  std::vector<std::string> taken;
  for (const ForwardedClaim& claim : route.forward_claims) taken.push_back(claim.header);
  for (const std::string* other : {&route.basic_auth.user_field, &document.request_id_header})
    if (!other->empty()) taken.push_back(*other);
  for (const policy::CertificateField& field : use.forward.all()) {
    const bool is_taken = std::any_of(taken.begin(), taken.end(), [&](const std::string& other) {
      return base::equal_as_variable(field.header, other);
    });
    if (is_taken)
      diagnostics.error(
          use.forward_location, path + ".client_certificate.forward",
          document.quote(use.forward_location, field.header) + " carries something else already");
    taken.push_back(field.header);
  }
}

// Routes belong to no listener: what one listener requires, another one does not.
void warn_of_open_listeners(const Document& document, Diagnostics& diagnostics) {
  const auto requires_one = [](const ListenerDocument& listener) {
    return asks_for_certificates(listener) && listener.tls->clients->required;
  };
  const auto strict = std::find_if(document.listeners.begin(), document.listeners.end(), requires_one);
  const bool has_rule = std::any_of(document.routes.begin(), document.routes.end(),
                                    [](const RouteDocument& route) { return route.certificate.has_value(); });
  if (strict == document.listeners.end() || has_rule || diagnostics.has_errors()) return;
  for (std::size_t index = 0; index < document.listeners.size(); ++index) {
    const ListenerDocument& listener = document.listeners[index];
    if (asks_for_certificates(listener) || listener.redirect_to_https) continue;
    diagnostics.warn(
        listener.location, "listeners[" + std::to_string(index) + "]",
        "leads to every route without a client certificate, beside listeners[" +
            std::to_string(strict - document.listeners.begin()) +
            "], which requires one; write client_certificate: required at the routes that need it");
  }
}

// What else sets the field, for an error; empty: nothing does.
std::string other_setter(const Document& document, const RouteDocument& route, const std::string& field) {
  if (base::equal_as_variable(field, document.request_id_header)) return "carries the request id already";
  for (const ForwardedClaim& claim : route.forward_claims)
    if (base::equal_as_variable(field, claim.header))
      return "carries the claim " + quoted(claim.claim) + " already";
  if (base::equal_as_variable(field, route.basic_auth.user_field))
    return "carries the user of basic_auth already";
  if (route.certificate)
    for (const policy::CertificateField& shown_field : route.certificate->forward.all())
      if (base::equal_as_variable(field, shown_field.header))
        return "carries what stands in the client's certificate already";
  const bool is_authorization = base::equal_ignoring_case(field, "authorization");
  if (is_authorization && takes_authorization(document, route))
    return "carries the token of jwt, which would be replaced";
  if (is_authorization && route.basic_auth.keep_authorization)
    return "carries the password of basic_auth (keep_authorization), which would be replaced";
  return {};
}

void check_answer_fields(const Document& document, const RouteDocument& route, const std::string& path,
                         Diagnostics& diagnostics) {
  for (const ForwardAuthField& field : route.forward_auth->answer_fields)
    if (const std::string problem = other_setter(document, route, field.to); !problem.empty())
      diagnostics.error(field.location, path + ".forward_auth.answer_headers",
                        document.quote(field.location, field.to) + ' ' + problem);
}

void check_auth_cache(const ForwardAuthDocument& auth, const std::string& path, Diagnostics& diagnostics) {
  if (!auth.cache || auth.cache->key.empty()) return;
  using Kind = policy::AuthKeyPart::Kind;
  const bool tells_clients =
      std::any_of(auth.cache->key.begin(), auth.cache->key.end(), [](const policy::AuthKeyPart& part) {
        return part.kind == Kind::header || part.kind == Kind::cookie || part.kind == Kind::client_address;
      });
  if (!tells_clients)
    diagnostics.warn(auth.cache->key_location, path + ".forward_auth.cache.key",
                     "is the same for all clients: who comes first decides for the others; add the cookie or "
                     "the header that tells them apart");
}

// Warns of a page to sign in at that nobody reaches without having signed in.
void warn_of_closed_sign_in(const Document& document, const RouteDocument& route, const std::string& path,
                            Diagnostics& diagnostics) {
  const std::string& sign_in = route.forward_auth->sign_in;
  const std::string target = sign_in.substr(0, sign_in.find_first_of("?#"));
  if (!target.starts_with('/')) return;
  bool is_closed = false;
  for (const RouteDocument& other : document.routes) {
    if (!takes(other, target)) continue;
    if (!other.forward_auth || !other.match_read) return;
    is_closed = true;
  }
  if (is_closed)
    diagnostics.warn(route.forward_auth->location, path + ".forward_auth.sign_in",
                     "leads to a route with forward_auth, which sends the browser there again; give " +
                         quoted(target) + " a route of its own to the authentication server");
}

void check_forward_auth(const Document& document, const RouteDocument& route, const std::string& path,
                        Diagnostics& diagnostics) {
  if (!route.forward_auth) return;
  check_answer_fields(document, route, path, diagnostics);
  check_auth_cache(*route.forward_auth, path, diagnostics);
  warn_of_closed_sign_in(document, route, path, diagnostics);
}

void check_refresh(const Document& document, const RouteDocument& route, const std::string& path,
                   Diagnostics& diagnostics) {
  if (!route.token_refresh) return;
  const TokenRefreshDocument& refresh = *route.token_refresh;
  const std::string key = path + ".jwt.refresh";
  if (refresh.upstream.empty() && route.upstream.empty())
    diagnostics.error(refresh.location, key,
                      "has nobody to ask: the route has no upstream; name one, or write url");
  if (route.jwt_report_only)
    diagnostics.error(refresh.location, key, "has no effect: jwt with report_only refuses no token");
  const std::vector<const JwtDocument*> providers = providers_of(document, route);
  const bool comes_late = std::all_of(providers.begin(), providers.end(), [](const JwtDocument* jwt) {
    return std::all_of(jwt->from.begin(), jwt->from.end(),
                       [](const TokenSource& source) { return source.kind == TokenSource::Kind::message; });
  });
  if (comes_late && !providers.empty())
    diagnostics.error(refresh.location, key,
                      "has no effect: every token of the route comes in a message, and then it is too late");
  if (route.origins.empty())
    diagnostics.warn(refresh.location, key,
                     "lets the pages of every site open WebSockets with the cookie of a visitor; give the "
                     "route origins");
}

// A logout token is worth what its issuer is: without one, a token of anybody whose key is accepted would do.
void check_logout(const Document& document, const RouteDocument& route, const std::string& path,
                  Diagnostics& diagnostics) {
  if (!route.backchannel_logout) return;
  for (const JwtDocument& jwt : document.jwt)
    if (jwt.name == route.backchannel_logout->use && jwt.issuer.empty())
      diagnostics.error(route.backchannel_logout->location, path + ".backchannel_logout",
                        "needs the issuer of jwt." + jwt.name + ", whose logout tokens it takes");
}

// Warns of passwords on listeners without TLS. With a trusted proxy in front, TLS probably ends there.
void warn_of_plain_passwords(const Document& document, Diagnostics& diagnostics) {
  const bool takes_passwords =
      std::any_of(document.routes.begin(), document.routes.end(),
                  [](const RouteDocument& route) { return !route.basic_auth.use.empty(); });
  if (!takes_passwords || !document.trusted_proxies.empty()) return;
  for (std::size_t index = 0; index < document.listeners.size(); ++index) {
    const ListenerDocument& listener = document.listeners[index];
    const bool is_unread = listener.location.line > 0 && listener.address_location.line == 0;
    if (is_unread || listener.tls || listener.redirect_to_https || is_loopback(listener.host)) continue;
    diagnostics.warn(listener.address_location, "listeners[" + std::to_string(index) + "].address",
                     "passwords cross the network readable: the listener has no tls, and routes use "
                     "basic_auth");
  }
}

}  // namespace

void validate_access(const Document& document, Diagnostics& diagnostics) {
  for (std::size_t index = 0; index < document.routes.size(); ++index) {
    const RouteDocument& route = document.routes[index];
    const std::string path = "routes[" + std::to_string(index) + "]";
    if (route.any_access) check_choice(route, path, diagnostics);
    check_user_field(document, route, path, diagnostics);
    check_token_field(document, route, path, diagnostics);
    if (route.ticket > base::Duration::zero())
      check_token_action(route, route.ticket_location, path + ".ticket", diagnostics);
    if (route.renew) check_token_action(route, route.renew_location, path + ".renew", diagnostics);
    check_refresh_calls(document, route, path, diagnostics);
    check_message(document, route, path, diagnostics);
    check_certificate_use(document, route, path, diagnostics);
    check_forward_auth(document, route, path, diagnostics);
    check_refresh(document, route, path, diagnostics);
    check_logout(document, route, path, diagnostics);
    if (!route.any_access && !route.basic_auth.use.empty() && takes_authorization(document, route))
      diagnostics.error(route.basic_auth.location, path + ".basic_auth",
                        "needs Authorization, where jwt looks for its token too, and no request has both; "
                        "let the token come from another place, or write access: any");
  }
  warn_of_plain_passwords(document, diagnostics);
  warn_of_any_audience(document, diagnostics);
  warn_of_missing_tickets(document, diagnostics);
  warn_of_missing_sockets(document, diagnostics);
  warn_of_open_listeners(document, diagnostics);
}

}  // namespace postern::config
