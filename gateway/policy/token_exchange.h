// The exchange of an expired token for a fresh one while a WebSocket or an event stream is being opened: the
// application's refresh endpoint gets the refresh cookie of the request, as it would get it from the page.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/auth_desk.h"
#include "policy/cookie_rules.h"
#include "policy/jwt_providers.h"

namespace postern::policy {

struct RequestContext;

// What jwt.refresh of a route says. Immutable.
struct TokenRefresh {
  AuthServer server;                     // with `token`, and a cache whose key is the cookie
  std::string cookie;                    // the name of the refresh cookie
  std::optional<CookieRules> cookies{};  // the route's, for the cookies that the answer sets
};

// How far one request has come with it.
struct TokenExchange {
  JwtProviders::Outcome::Expired expired;
  TokenError refusal;             // what the request is refused with if it fails
  const JwtProvider* refused_by;  // and by whom
  std::string failure{};     // why there is no fresh token, for the log alone: it names endpoints; empty:
                             // nothing has failed
  std::string_view fresh{};  // the token that was given, in the request's arena; empty: none yet
};

// Whether a request is of the kind whose expired token is exchanged: browsers cannot react to the refusal of
// a WebSocket or an event stream as they can to that of other requests. A token in a message comes too late
// for it: its page could not be given the cookies of the refresh endpoint.
bool may_exchange(const RequestContext& context, const JwtSource& source);

// Why the request has no refresh cookie that could be used, for the log; empty: it has one.
std::string cookie_problem(const TokenRefresh& refresh, const RequestContext& context);

// Whether the fresh token is the same user's as the expired one, and of the same session where both name one;
// otherwise why not, for the log.
std::string holder_problem(const VerifiedToken& expired, const VerifiedToken& fresh);

// Takes the cookies that the refresh endpoint has set for the client, as the route's rules rewrite them.
void take_cookies(const TokenRefresh& refresh, const AuthAnswer& answer, RequestContext& context);

}  // namespace postern::policy
