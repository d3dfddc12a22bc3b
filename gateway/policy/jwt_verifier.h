// Verifies a JSON Web Token (RFC 7519) in JWS compact form (RFC 7515): its form, key, signature and claims,
// always in this order. The result depends only on the token, the keys, the time and the rules; no clock,
// network or file is read.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/error_fwd.h"
#include "crypto/algorithm.h"
#include "policy/claim_condition.h"
#include "policy/verified_token.h"
#include "state/key_set.h"

namespace postern::policy {

struct JwtRules {
  std::string issuer;                           // iss must be equal to this; empty: not checked
  std::vector<std::string> audiences;           // aud must be or contain one of these; empty: not checked
  std::vector<crypto::Algorithm> algorithms;    // empty: all that the keys support
  std::chrono::seconds leeway{60};              // for exp, nbf and iat; limited to 0 to one day
  std::vector<ClaimCondition> required_claims;  // all must hold; they name no value of a request
  bool require_expiry = true;                   // a token without exp is refused
  std::string subject = "sub";                  // the claim that names the user
};

// Why a token was refused. The detail is a sentence for the log and for the client. It may contain names of
// claims, the expected values and the time of expiry, but never a part of the token or the value of another
// claim.
struct TokenError {
  base::Cause cause{};
  std::string detail;
  // For token_key_unknown: state::key_number() of the key that the token names, if nothing else about the
  // token would be refused under the rules, so that it is worth while to look for the key. Otherwise 0.
  uint64_t unknown_key = 0;
  // For token_expired: the token, if nothing else about it is refused under the rules. Otherwise null.
  std::shared_ptr<const VerifiedToken> expired{};
};

// Immutable; any number of threads may use it at the same time.
class JwtVerifier {
 public:
  using Result = tl::expected<std::shared_ptr<const VerifiedToken>, TokenError>;

  static constexpr size_t most_token_size = 16 * 1024;  // bytes; a larger token is refused

  explicit JwtVerifier(JwtRules rules);
  JwtVerifier(const JwtVerifier&) = delete;
  JwtVerifier& operator=(const JwtVerifier&) = delete;

  // `now` is in Unix seconds. Header fields that would choose another key (jku, x5u, jwk, x5c) are ignored;
  // crit is refused, since no extension is supported. Null: there are no keys yet; then a token that would be
  // refused under every key is refused, and all others get keys_unavailable.
  Result verify(const state::KeySet* keys, std::string_view token, int64_t now) const;
  Result verify(const state::KeySet& keys, std::string_view token, int64_t now) const {
    return verify(&keys, token, now);
  }

  // A number that is unique among all verifiers in the lifetime of this process, so that a result of one
  // verifier is never used for another one, not even after a reload.
  uint64_t identity() const { return identity_; }

  const JwtRules& rules() const { return rules_; }

 private:
  JwtRules rules_;
  crypto::AlgorithmSet algorithms_;
  int64_t leeway_;
  uint64_t identity_;
};

}  // namespace postern::policy
