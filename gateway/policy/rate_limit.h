// Rate limits of a route: refuses requests that come faster than its limits allow (429).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "state/rate_limiter.h"

namespace postern::policy {

// A limit, and the property of the request whose values are counted separately.
struct RateLimitRule {
  enum class By : uint8_t { client_address, route, header, claim } by = By::client_address;
  std::string name{};  // of the header or the claim
  size_t limit = 0;    // index into state::Names::rate_limits
  bool report_only = false;
};

// Returns the key that a request is counted under. A request without the header or claim of the rule is
// counted under its client's key. `route` is the name of its route.
state::RateLimiter::Key key_of(const RateLimitRule& rule, const RequestContext& context,
                               std::string_view route);

// A refusal has Retry-After. All responses of the route report the limit with the fewest remaining requests
// in RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).
//
// A client is its address, or the /64 of an IPv6 address. A request without the header or the claim, or with
// the header twice (the endpoint could use either), is counted by the client. Rules by claim run after the
// token check, all others before it: these are two policies when a route has both kinds. A request that one
// rule refuses is not counted by the earlier rules of the same policy. A rule that reports only counts every
// request and refuses none, and no response tells of it.
class RateLimitPolicy final : public Policy {
 public:
  // `rules` are all by claim, or none of them is. `route` is the name of the route.
  RateLimitPolicy(std::vector<RateLimitRule> rules, std::string route);
  std::string_view name() const override { return by_claim_ ? "claim_rate_limit" : "rate_limit"; }
  Verdict judge(RequestContext& context) const override;
  void amend(const RequestContext& context, http::ResponseHead& head) const override;

 private:
  std::string policy_field(const state::RateLimiter& limiter) const;

  std::vector<RateLimitRule> rules_;
  std::string route_;
  bool by_claim_;
};

}  // namespace postern::policy
