// Lets a request pass by its token, and tells the endpoint what the token says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/jwt_source.h"
#include "policy/jwt_verifier.h"
#include "policy/policy.h"

namespace postern::policy {

struct JwtForwardedClaim {
  std::string claim;   // as in VerifiedToken::claim
  std::string header;  // the field that carries it to the endpoint
};

struct JwtOptions {
  std::shared_ptr<const JwtVerifier> verifier;
  std::vector<JwtSource> sources = {JwtSource{}};
  bool required = true;  // false: a request without token passes; one with a bad token never does
  std::vector<JwtForwardedClaim> forward_claims;
};

// Finds the token, has it verified (through the worker's cache), and fills context.token and
// context.forwarded_fields. The fields of forward_claims are taken out of every request, token or not, and so
// are those that differ only by "_" for "-", which CGI-like servers cannot tell from them: what the endpoint
// reads there comes from a token or not at all. A claim that the token does not have sends no field.
//
// An endpoint gets no token that was not judged: where further sources hold another one, it stays only if it
// is good as well, of the same issuer and for the same subject; else it is taken out of the request. So are
// fields whose names differ from that of a header source by "_" for "-".
//
// Refusals carry WWW-Authenticate (RFC 6750 3).
class JwtPolicy final : public Policy {
 public:
  static constexpr size_t longest_claim = 4096;  // bytes of a forwarded value, as it is sent

  explicit JwtPolicy(JwtOptions options);
  std::string_view name() const override { return "jwt"; }
  Verdict judge(RequestContext& context) const override;

 private:
  void remove_claim_fields(http::Headers& headers) const;
  void remove_unjudged_tokens(RequestContext& context, const FoundToken& judged) const;
  Verdict forward_claims(RequestContext& context) const;

  JwtOptions options_;
  bool has_twins_ = false;  // there are fields to remove from every request
};

// A claim as a field value that says nothing else than the claim did: controls, "%", bytes outside ASCII, and
// spaces at either end are percent-encoded, so that two claims never become one value.
std::string claim_field_value(std::string_view claim);

}  // namespace postern::policy
