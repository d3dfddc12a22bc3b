// Authenticates a request by its JSON Web Token, and forwards claims of the token to the endpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/claim_rules.h"
#include "policy/jwt_forwarding.h"
#include "policy/jwt_providers.h"
#include "policy/jwt_source.h"
#include "policy/policy.h"
#include "policy/token_exchange.h"

namespace postern::policy {

struct TokenJudged;

struct JwtForwardedClaim {
  std::string claim;   // as in VerifiedToken::claim
  std::string header;  // the field that carries the claim to the endpoint
};

struct JwtOptions {
  std::vector<JwtProvider> providers;  // the token of any of them is enough
  std::string route{};                 // its name, for the refusal message
  bool required = true;  // false: a request without a token passes; an invalid token is refused nevertheless
  ClaimRules rules;
  std::vector<JwtForwardedClaim> forward_claims;
  JwtForwarding forward_as;
  // Exchanges an expired token of a WebSocket or an event stream; nullopt: it is refused. Not with
  // report_only.
  std::optional<TokenRefresh> refresh;
  // Refuses nothing: what it would refuse passes with its token where the client sent it, and is reported.
  bool report_only = false;
  bool remember_text = false;  // fills context.token_text
};

// Finds the token, verifies it through the worker's cache, and fills context.token and
// context.forwarded_fields. The fields of forward_claims are removed from every request, with or without
// a token, and so are fields whose names differ from them only by "_" for "-", which CGI-like servers cannot
// distinguish. So the endpoint gets these fields from a verified token or not at all. A claim that the token
// does not have adds no field.
//
// An endpoint gets no token that was not verified. Where a further source has another token, it stays only if
// it is valid too and has the same issuer and subject; otherwise it is removed from the request. Fields whose
// names differ from the field of a header source only by "_" for "-" are removed as well. Where forward_as
// says so, the endpoint gets the verified token elsewhere or not at all, and never another one.
//
// Where the keys are fetched, a request may wait for them (see JwtProviders::judge()). When it is known that
// they cannot be fetched, it is answered with 503.
//
// Rules judge every request that may have a token. So one without a token passes only where none is required
// and no rule is for its method.
//
// Where an expired token is exchanged, the request waits for the refresh endpoint. The fresh token must be
// one that the same provider accepts, and the same user's. It then is the request's token, in the place of
// the expired one. Otherwise the request is refused as it would have been, and the log has what happened.
//
// Refusals carry WWW-Authenticate (RFC 6750 3).
class JwtPolicy final : public Policy {
 public:
  static constexpr size_t longest_claim = 4096;  // bytes of a forwarded value, as it is sent

  explicit JwtPolicy(JwtOptions options);
  std::string_view name() const override { return "jwt"; }
  Verdict judge(RequestContext& context) const override;
  Verdict give_up(RequestContext& context) const override;

 private:
  // A null provider: the request has no token.
  TokenJudged& note(RequestContext& context, const JwtProvider* provider) const;
  Verdict refuse(RequestContext& context, const JwtProvider* provider, TokenError error) const;
  Verdict begin_exchange(RequestContext& context, JwtProviders::Outcome outcome) const;
  Verdict go_on_with_exchange(RequestContext& context) const;
  Verdict take_answer(RequestContext& context, const AuthResult& result) const;
  Verdict judge_fresh(RequestContext& context) const;
  // `outcome` is counted; nullopt: nobody was asked.
  Verdict fail_exchange(RequestContext& context, std::optional<AuthOutcome> outcome,
                        const std::string& why) const;
  Verdict apply_rules(RequestContext& context, const JwtProvider* provider, const VerifiedToken* token) const;
  Verdict admit(RequestContext& context, const FoundToken& found, JwtProviders::Outcome outcome) const;
  void remove_claim_fields(http::Headers& headers) const;
  void clear_own_places(RequestContext& context) const;
  Verdict pass_without_token(RequestContext& context) const;
  void forward_tokens(RequestContext& context, const FoundToken& judged) const;
  void remove_unjudged_tokens(RequestContext& context, const FoundToken& judged) const;
  std::optional<TokenError> forward_claims(const VerifiedToken& token, RequestContext& context) const;

  JwtOptions options_;  // without the providers
  JwtProviders providers_;
  // The claims by which the request was let in, or that its endpoint was told; null: none.
  std::shared_ptr<const std::vector<std::string>> rule_claims_;
  bool has_twins_ = false;  // every request needs fields removed
};

// Encodes a claim as a field value without loss: control characters, "%", bytes outside ASCII, and spaces at
// either end are percent-encoded, so that two different claims never get the same value.
std::string claim_field_value(std::string_view claim);

}  // namespace postern::policy
