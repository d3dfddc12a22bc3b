#include "policy/rate_limit.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "policy/report_only.h"
#include "policy/request_context.h"
#include "policy/verified_token.h"
#include "state/bindings.h"

namespace postern::policy {
namespace {

int64_t whole_seconds(base::Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

std::string what_it_goes_by(const RateLimitRule& rule) {
  switch (rule.by) {
    case RateLimitRule::By::client_address: return "client address";
    case RateLimitRule::By::route: return "route";
    case RateLimitRule::By::header: return "field " + rule.name;
    case RateLimitRule::By::claim: return "claim " + rule.name;
  }
  return {};
}

state::RateLimiter& limiter_of(const RateLimitRule& rule, const RequestContext& context) {
  return *context.state.rate_limits[rule.limit];
}

http::LocalResponse refusal_of(const RateLimitRule& rule, const state::RateLimiter& limiter,
                               base::Duration wait) {
  http::LocalResponse response =
      http::refusal(base::Cause::rate_limited, "limit " + limiter.settings().name + " by " +
                                                   what_it_goes_by(rule) + ": " + limiter.description());
  response.headers.emplace_back("Retry-After", std::to_string(std::max<int64_t>(1, whole_seconds(wait))));
  return response;
}

// Returns the only field of that name; null when there is none or more than one.
const http::HeaderField* the_only(const http::Headers& headers, std::string_view name) {
  const http::HeaderField* found = nullptr;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

}  // namespace

RateLimitPolicy::RateLimitPolicy(std::vector<RateLimitRule> rules, std::string route)
    : rules_(std::move(rules)),
      route_(std::move(route)),
      by_claim_(!rules_.empty() && rules_.front().by == RateLimitRule::By::claim) {}

state::RateLimiter::Key key_of(const RateLimitRule& rule, const RequestContext& context,
                               std::string_view route) {
  switch (rule.by) {
    case RateLimitRule::By::client_address: break;
    case RateLimitRule::By::route: return limiter_of(rule, context).key_of('r', route);
    case RateLimitRule::By::header:
      if (const http::HeaderField* field = the_only(context.request.headers, rule.name))
        return limiter_of(rule, context).key_of('h', field->value);
      break;
    case RateLimitRule::By::claim:
      if (context.token)
        if (const std::optional<std::string> claim = context.token->claim(rule.name))
          return limiter_of(rule, context).key_of('c', *claim);
      break;
  }
  return limiter_of(rule, context).key_of(context.client);
}

Verdict RateLimitPolicy::judge(RequestContext& context) const {
  if (!context.rate_limits) context.rate_limits = std::make_unique<RateLimitStates>();
  std::optional<RateLimitState>& tightest = (*context.rate_limits)[by_claim_ ? 1 : 0];
  for (size_t i = 0; i < rules_.size(); ++i) {
    state::RateLimiter& limiter = limiter_of(rules_[i], context);
    const state::RateLimiter::BucketState bucket =
        limiter.take(key_of(rules_[i], context, route_), context.now);
    const bool is_tightest = !bucket.passes || !tightest || bucket.remaining < tightest->remaining;
    if (is_tightest && !rules_[i].report_only) tightest = {&limiter, bucket.remaining, bucket.until_full};
    if (bucket.passes) continue;
    Verdict verdict = settle(context, telemetry::ReportedRule::rate_limit, rules_[i].report_only,
                             refusal_of(rules_[i], limiter, bucket.wait));
    if (verdict.passes()) continue;
    for (size_t before = 0; before < i; ++before)
      if (!rules_[before].report_only)
        limiter_of(rules_[before], context).give_back(key_of(rules_[before], context, route_));
    return verdict;
  }
  return Verdict::pass();
}

std::string RateLimitPolicy::policy_field(const state::RateLimiter& limiter) const {
  const state::RateLimitSettings& settings = limiter.settings();
  const base::Duration window = settings.per / settings.count * settings.burst;
  return '"' + settings.name + "\";q=" + std::to_string(settings.burst) +
         ";w=" + std::to_string(std::max<int64_t>(1, whole_seconds(window)));
}

void RateLimitPolicy::amend(const RequestContext& context, http::ResponseHead& head) const {
  if (!context.rate_limits) return;
  const std::optional<RateLimitState>& bucket = (*context.rate_limits)[by_claim_ ? 1 : 0];
  if (!bucket) return;
  head.headers.add("RateLimit-Policy", head.arena.keep(policy_field(*bucket->limiter)));
  head.headers.add("RateLimit", head.arena.keep('"' + bucket->limiter->settings().name +
                                                "\";r=" + std::to_string(bucket->remaining) +
                                                ";t=" + std::to_string(whole_seconds(bucket->until_full))));
}

}  // namespace postern::policy
