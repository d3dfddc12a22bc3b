#include "policy/rate_limit.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/json.h"
#include "policy/request_context.h"
#include "policy/token_claims.h"
#include "support/judged_request.h"

using namespace postern;
using namespace postern::policy;
using namespace std::chrono_literals;
using By = RateLimitRule::By;

namespace {

// The limits of this file's rules.
state::Bindings bound;

RateLimitRule rule(By by, std::string name = {}, uint32_t burst = 1) {
  bound.rate_limits.push_back(
      std::make_shared<state::LocalRateLimiter>(state::RateLimitSettings{"public", 1, 1min, burst}));
  return {by, std::move(name), bound.rate_limits.size() - 1};
}

RateLimitPolicy policy_of(RateLimitRule first) {
  std::vector<RateLimitRule> rules;
  rules.push_back(std::move(first));
  return RateLimitPolicy(std::move(rules), "api");
}

struct Request : support::JudgedRequest {
  explicit Request(std::string_view address = "192.0.2.1") {
    context.client = *base::IpAddress::parse(address);
    support::JudgedRequest::bound = ::bound;
  }
  Request& carrying(std::string_view claims) {
    context.token = std::make_shared<const VerifiedToken>(
        std::make_unique<const VerifiedToken::Claims>(base::Json::parse(claims)), VerifiedToken::Times{});
    return *this;
  }
};

bool passes(const RateLimitPolicy& policy, Request&& request) {
  return !policy.judge(request.context).answers();
}

}  // namespace

TEST_CASE("rate limit: a refusal says when to come back, and names the limit and what it goes by") {
  const RateLimitPolicy policy = policy_of(rule(By::client_address));
  CHECK(passes(policy, Request()));
  Request second;
  second.context.now += 18'500ms;
  Verdict verdict = policy.judge(second.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 429);
  CHECK(verdict.response().cause == base::Cause::rate_limited);
  CHECK(verdict.response().detail == "limit public by client address: 1/m, at most 1 at once");
  http::ResponseHead head = support::head_of(verdict.response());
  policy.amend(second.context, head);
  CHECK(head.headers.find("Retry-After")->value == "42");  // 41.5 s
  CHECK(head.headers.find("RateLimit-Policy")->value == "\"public\";q=1;w=60");
  CHECK(head.headers.find("RateLimit")->value == "\"public\";r=0;t=42");
}

TEST_CASE("rate limit: a response that passed tells how much is left") {
  const RateLimitPolicy policy = policy_of(rule(By::client_address, {}, 10));
  Request request;
  CHECK_FALSE(policy.judge(request.context).answers());
  http::ResponseHead head;
  policy.amend(request.context, head);
  CHECK(head.headers.find("RateLimit-Policy")->value == "\"public\";q=10;w=600");
  CHECK(head.headers.find("RateLimit")->value == "\"public\";r=9;t=60");
  CHECK(head.headers.find("Retry-After") == nullptr);
  Request unjudged;
  http::ResponseHead untouched;
  policy.amend(unjudged.context, untouched);
  CHECK(untouched.headers.empty());
}

TEST_CASE("rate limit: a client is its address, or the /64 it comes from") {
  const RateLimitPolicy policy = policy_of(rule(By::client_address));
  CHECK(passes(policy, Request("192.0.2.1")));
  CHECK(passes(policy, Request("192.0.2.2")));
  CHECK_FALSE(passes(policy, Request("192.0.2.1")));
  CHECK(passes(policy, Request("2001:db8:0:1::1")));
  CHECK_FALSE(passes(policy, Request("2001:db8:0:1:ffff::2")));
  CHECK(passes(policy, Request("2001:db8:0:2::1")));
}

TEST_CASE("rate limit: by route all clients share, and routes do not") {
  const RateLimitRule shared = rule(By::route);
  const RateLimitPolicy one({shared}, "one");
  const RateLimitPolicy two({shared}, "two");
  CHECK(passes(one, Request("192.0.2.1")));
  CHECK_FALSE(passes(one, Request("192.0.2.2")));
  CHECK(passes(two, Request("192.0.2.1")));
}

TEST_CASE("rate limit: by header each value has its own, and without the header each client") {
  const RateLimitPolicy policy = policy_of(rule(By::header, "X-Api-Key"));
  Request first;
  first.with("x-api-key", "one");
  CHECK_FALSE(policy.judge(first.context).answers());
  Request same("192.0.2.99");
  same.with("X-Api-Key", "one");
  CHECK(policy.judge(same.context).answers());
  Request other;
  other.with("X-Api-Key", "two");
  CHECK_FALSE(policy.judge(other.context).answers());
  Request twice;
  twice.with("X-Api-Key", "three").with("X-Api-Key", "four");
  CHECK_FALSE(policy.judge(twice.context).answers());
  CHECK_FALSE(passes(policy, Request()));  // counted by the client, together with the previous one
  CHECK(passes(policy, Request("192.0.2.55")));
  CHECK_FALSE(passes(policy, Request("192.0.2.55")));
}

TEST_CASE("rate limit: by claim it stands behind the tokens") {
  const RateLimitPolicy policy = policy_of(rule(By::claim, "sub"));
  CHECK(policy.name() == "claim_rate_limit");
  CHECK(policy_of(rule(By::route)).name() == "rate_limit");
  Request one;
  CHECK_FALSE(policy.judge(one.carrying(R"({"sub":"ann"})").context).answers());
  Request same("192.0.2.9");
  CHECK(policy.judge(same.carrying(R"({"sub":"ann"})").context).answers());
  Request other;
  CHECK_FALSE(policy.judge(other.carrying(R"({"sub":"bob"})").context).answers());
  Request without;
  CHECK_FALSE(policy.judge(without.carrying(R"({"aud":"x"})").context).answers());
  CHECK_FALSE(passes(policy, Request()));  // counted by the client, together with the previous one
}

TEST_CASE("rate limit: of several limits the tightest is told, and a refused request counts in none") {
  std::vector<RateLimitRule> rules;
  rules.push_back(rule(By::client_address, {}, 3));
  rules.push_back(rule(By::header, "X-Api-Key", 2));
  const RateLimitPolicy policy(std::move(rules), "api");
  for (int i = 0; i < 5; ++i) {
    Request request;
    request.with("X-Api-Key", "one");
    CHECK(policy.judge(request.context).answers() == (i >= 2));
    REQUIRE(request.context.rate_limits);
    CHECK(request.context.rate_limits->front()->remaining == (i == 0 ? 1 : 0));
  }
  Request other;
  other.with("X-Api-Key", "two");
  CHECK_FALSE(policy.judge(other.context).answers());  // the third request of its address
  Request fourth;
  fourth.with("X-Api-Key", "three");
  CHECK(policy.judge(fourth.context).answers());
}

TEST_CASE("rate limit: a rule that reports only lets pass what is beyond it, and no response tells of it") {
  RateLimitRule trial = rule(By::client_address);
  trial.report_only = true;
  const RateLimitPolicy policy({trial, rule(By::client_address, {}, 2)}, "api");
  CHECK(passes(policy, Request()));
  Request second;
  CHECK(policy.judge(second.context).passes());
  REQUIRE(second.context.reported.size() == 1);
  CHECK(second.context.reported[0].cause == base::Cause::rate_limited);
  CHECK(second.context.reported[0].detail == "limit public by client address: 1/m, at most 1 at once");
  http::ResponseHead head;
  policy.amend(second.context, head);
  CHECK(head.headers.find("RateLimit-Policy")->value == "\"public\";q=2;w=120");
  CHECK_FALSE(passes(policy, Request()));  // by the rule in force
  const RateLimitPolicy trials = policy_of(trial);
  Request alone;
  CHECK(trials.judge(alone.context).passes());
  http::ResponseHead untold;
  trials.amend(alone.context, untold);
  CHECK(untold.headers.empty());
}

TEST_CASE("rate limit: what a later rule refuses is not given back to a rule that reports only") {
  RateLimitRule trial = rule(By::client_address);
  trial.report_only = true;
  const RateLimitPolicy policy({trial, rule(By::client_address)}, "api");
  CHECK(passes(policy, Request()));
  for (int i = 0; i < 3; ++i) {
    Request beyond;
    CHECK(policy.judge(beyond.context).answers());
    CHECK(beyond.context.reported.size() == 1);
  }
}
