// What a token policy does where rules do not permit a request, and where it only reports.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "policy/jwt_policy.h"
#include "policy/jwt_signer.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::http::FieldId;
using postern::state::KeySet;
using postern::telemetry::ReportedRule;

namespace {

constexpr int64_t now = 1'000'000'000;
constexpr std::string_view secret = "a secret of thirty-two bytes or more";

std::string token_of(Json claims, std::string_view key = secret) {
  if (!claims.contains("exp")) claims["exp"] = now + 600;
  return "Bearer " + sign_jwt(postern::crypto::HmacKey(Algorithm::hs256, key), claims);
}

struct JudgedRequest : postern::support::JudgedRequest {
  explicit JudgedRequest(std::string_view method = "GET", std::string_view target_text = "/")
      : postern::support::JudgedRequest(method, target_text) {
    auto keys = KeySet::from_secret(secret, {Algorithm::hs256});
    REQUIRE(keys);
    bound.keys = {std::make_shared<const postern::state::LiveKeys>(std::move(*keys))};
  }
  JudgedRequest& bearing(std::string text) {
    field_ = std::move(text);
    with("Authorization", field_);
    return *this;
  }

 private:
  std::string field_;
};

ClaimRule rule_of(std::string name, const char* claim, const char* value) {
  ClaimRule rule;
  rule.name = std::move(name);
  rule.condition = ClaimCondition::is(claim, {value});
  return rule;
}

JwtOptions options_with(ClaimRules rules) {
  JwtOptions options;
  options.providers = {{"login", std::make_shared<const JwtVerifier>(JwtRules()), 0, {JwtSource{}}}};
  options.route = "jobs";
  options.rules = std::move(rules);
  options.forward_claims = {{"sub", "X-User-Id"}};
  return options;
}

std::string challenge_of(Verdict& verdict) {
  for (const auto& [name, value] : verdict.response().headers)
    if (name == "WWW-Authenticate") return value;
  return {};
}

}  // namespace

TEST_CASE("jwt rules: a token that a rule does not permit is answered with 403 and the rule's name") {
  JudgedRequest request;
  request.bearing(token_of({{"sub", "alice"}, {"role", "guest"}}));
  const JwtPolicy policy(options_with({rule_of("staff", "role", "staff")}));
  Verdict verdict = policy.judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 403);
  CHECK(verdict.response().cause == Cause::claims_refused);
  CHECK(verdict.response().detail ==
        "the token's claims are not those that rule \"staff\" of route \"jobs\" asks for");
  CHECK(challenge_of(verdict).find("error=\"insufficient_scope\"") != std::string::npos);
  CHECK(challenge_of(verdict).find("guest") == std::string::npos);
  CHECK(request.context.token == nullptr);
  CHECK(request.context.forwarded_fields.empty());
  REQUIRE(request.context.token_judged);
  CHECK(request.context.token_judged->refused == Cause::claims_refused);
  CHECK(request.context.token_judged->rule == "staff");
  CHECK(request.context.token_judged->token->subject() == "alice");
}

TEST_CASE("jwt rules: every rule for the request must permit it, and the first that does not is named") {
  ClaimRule write = rule_of("write", "scope", "write");
  write.methods = {"POST"};
  const JwtPolicy policy(
      options_with({rule_of("staff", "role", "staff"), write, rule_of("org", "org", "7")}));
  struct {
    const char* method;
    Json claims;
    const char* refused;
  } rows[] = {
      {"GET", {{"role", "staff"}, {"org", 7}}, ""},
      {"POST", {{"role", "staff"}, {"org", 7}}, "write"},
      {"POST", {{"role", "staff"}, {"org", 7}, {"scope", "read write"}}, ""},
      {"GET", {{"org", 7}}, "staff"},
      {"GET", {{"role", "staff"}}, "org"},
  };
  for (auto& row : rows) {
    CAPTURE(std::string(row.method));
    JudgedRequest request(row.method);
    request.bearing(token_of(row.claims));
    Verdict verdict = policy.judge(request.context);
    CHECK(verdict.passes() == (*row.refused == '\0'));
    CHECK(request.context.token_judged->rule == row.refused);
    CHECK(request.context.token_judged->refused.has_value() == verdict.answers());
  }
}

TEST_CASE("jwt rules: a request that a rule is for needs a token, even where none is required") {
  ClaimRule write = rule_of("write", "scope", "write");
  write.methods = {"POST"};
  JwtOptions options = options_with({write});
  options.required = false;
  const JwtPolicy policy(std::move(options));
  JudgedRequest get;
  CHECK(policy.judge(get.context).passes());
  CHECK_FALSE(get.context.token_judged);
  JudgedRequest post("POST");
  Verdict verdict = policy.judge(post.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 401);
  CHECK(verdict.response().cause == Cause::token_missing);
  CHECK(verdict.response().detail ==
        "the request has no token in the field Authorization, and rule \"write\" of route \"jobs\" asks for "
        "one");
}

TEST_CASE("jwt rules: a rule behind not permits nothing to a request without a token") {
  ClaimRule rule;
  rule.name = "banned";
  rule.condition.kind = ClaimCondition::Kind::none;
  rule.condition.parts = {ClaimCondition::is("banned", {"true"})};
  JwtOptions options = options_with({rule});
  options.required = false;
  JudgedRequest request;
  const JwtPolicy policy(std::move(options));
  CHECK(policy.judge(request.context).answers());
}

TEST_CASE("jwt rules: a rule that reports only lets the request pass with all that its token brings") {
  ClaimRule staff = rule_of("staff", "role", "staff");
  staff.report_only = true;
  const JwtPolicy policy(options_with({staff, rule_of("org", "org", "7")}));
  JudgedRequest request;
  request.bearing(token_of({{"sub", "alice"}, {"org", 7}}));
  CHECK(policy.judge(request.context).passes());
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].rule == ReportedRule::required_claims);
  CHECK(request.context.reported[0].cause == Cause::claims_refused);
  CHECK(request.context.reported[0].detail.find("rule \"staff\"") != std::string::npos);
  CHECK(request.context.token->subject() == "alice");
  CHECK(request.forwards("X-User-Id", "alice"));
  CHECK(request.context.token_judged->rule == "staff");
  CHECK_FALSE(request.context.token_judged->refused);
  CHECK_FALSE(request.context.token_judged->reports_only);
  JudgedRequest other;
  other.bearing(token_of({{"sub", "alice"}, {"org", 8}}));
  CHECK(policy.judge(other.context).answers());
  CHECK(other.context.reported.size() == 1);
}

TEST_CASE("jwt report only: what would be refused passes as it came, but for the fields of claims") {
  struct {
    std::string field;
    Cause cause;
  } rows[] = {
      {"", Cause::token_missing},
      {"Bearer undefined", Cause::token_malformed},
      {token_of({{"exp", now - 600}}), Cause::token_expired},
      {token_of({{"sub", "alice"}}, "another secret of at least 32 bytes"), Cause::token_signature},
  };
  JwtOptions options = options_with({rule_of("staff", "role", "staff")});
  options.report_only = true;
  options.forward_as.kind = JwtForwarding::Kind::strip;
  const JwtPolicy policy(std::move(options));
  for (const auto& row : rows) {
    CAPTURE(row.field);
    JudgedRequest request;
    request.with("X-User-Id", "mallory").with("x_user_id", "mallory");
    if (!row.field.empty()) request.bearing(row.field);
    CHECK(policy.judge(request.context).passes());
    REQUIRE(request.context.reported.size() == 1);
    CHECK(request.context.reported[0].rule == ReportedRule::jwt);
    CHECK(request.context.reported[0].cause == row.cause);
    CHECK(request.context.token == nullptr);
    CHECK(request.context.token_judged->refused == row.cause);
    CHECK(request.head.headers.get(FieldId::authorization) == row.field);
    CHECK_FALSE(request.head.headers.find("X-User-Id"));
    CHECK_FALSE(request.head.headers.find("x_user_id"));
  }
}

TEST_CASE("jwt report only: rules report too, and a valid token does what it always does") {
  JwtOptions options = options_with({rule_of("staff", "role", "staff")});
  options.report_only = true;
  options.forward_as.kind = JwtForwarding::Kind::strip;
  JudgedRequest request;
  request.bearing(token_of({{"sub", "alice"}}));
  const JwtPolicy policy(std::move(options));
  CHECK(policy.judge(request.context).passes());
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].rule == ReportedRule::required_claims);
  CHECK(request.forwards("X-User-Id", "alice"));
  CHECK_FALSE(request.head.headers.find("Authorization"));
  CHECK(request.context.token_judged->reports_only);
}

TEST_CASE("jwt report only: no request waits for keys, and they are asked for") {
  JwtOptions options = options_with({});
  options.report_only = true;
  JudgedRequest request;
  request.bound.keys = {
      std::make_shared<const postern::state::LiveKeys>("login", std::chrono::seconds(5), 1)};
  request.bearing(token_of({{"sub", "alice"}}));
  const JwtPolicy policy(std::move(options));
  CHECK(policy.judge(request.context).passes());
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].cause == Cause::keys_unavailable);
  CHECK(request.keys_asked_for == std::vector<std::string>{"login"});
}

TEST_CASE("jwt rules: a bare preflight passes without a token") {
  JudgedRequest request("OPTIONS");
  request.with("Origin", "https://app.example").with("Access-Control-Request-Method", "PUT");
  const JwtPolicy policy(options_with({rule_of("staff", "role", "staff")}));
  CHECK(policy.judge(request.context).passes());
}

TEST_CASE(
    "jwt report only: a place that is the gateway's stays closed to clients, and a ticket goes nowhere") {
  JwtOptions options = options_with({});
  options.report_only = true;
  options.providers[0].sources = {JwtSource{}, {JwtSource::Kind::ticket, "ticket"}};
  options.forward_as.kind = JwtForwarding::Kind::move;
  options.forward_as.place = {JwtSource::Kind::header, "X-Token"};
  const JwtPolicy policy(std::move(options));
  JudgedRequest request("GET", "/?ticket=A&b=1");
  request.with("Authorization", "Bearer stale").with("X_Token", "forged").with("X-Token", "forged");
  CHECK(policy.judge(request.context).passes());
  CHECK(request.head.headers.find("X-Token") == nullptr);
  CHECK(request.head.headers.find("X_Token") == nullptr);
  CHECK(request.head.headers.get(postern::http::FieldId::authorization) == "Bearer stale");
  CHECK(request.head.target == "/?b=1");
}
