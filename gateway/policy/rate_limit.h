// Refuses requests that come faster than a route's limits allow (429).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/rate_limiter.h"

namespace postern::policy {

// A limit, and what it counts by.
struct RateLimitRule {
  enum class By : uint8_t { client_address, route, header, claim } by = By::client_address;
  std::string name{};  // of the header or the claim
  std::shared_ptr<RateLimiter> limiter{};
};

// The key that a request is counted by: that of its client, where it lacks what the rule goes by. `route` is
// the name of its route.
RateLimiter::Key key_of(const RateLimitRule& rule, const RequestContext& context, std::string_view route);

// The refusal has Retry-After; it, and every other response of the route, tells how a client stands by
// RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), of the limit that has the least
// left.
//
// A client is its address, or the /64 of an IPv6 address. A request without the header or the claim, or with
// the header twice (who knows which one the endpoint reads), is counted by the client. Rules for claims stand
// behind the tokens, all others before them: two policies where a route has both. A request that one rule
// refuses is not counted by those before it in the same policy.
class RateLimitPolicy final : public Policy {
 public:
  // `rules` are all by claim, or none is. `route` is its name.
  RateLimitPolicy(std::vector<RateLimitRule> rules, std::string route);
  std::string_view name() const override { return by_claim_ ? "claim_rate_limit" : "rate_limit"; }
  Verdict judge(RequestContext& context) const override;
  void amend(const RequestContext& context, http::ResponseHead& head) const override;

 private:
  std::string policy_field(const RateLimiter& limiter) const;

  std::vector<RateLimitRule> rules_;
  std::string route_;
  bool by_claim_;
};

}  // namespace postern::policy
