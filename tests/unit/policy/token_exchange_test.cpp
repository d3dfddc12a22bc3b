#include "policy/token_exchange.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "policy/address_rules.h"
#include "policy/any_access.h"
#include "policy/jwt_policy.h"
#include "policy/jwt_signer.h"
#include "policy/request_context.h"
#include "policy/token_claims.h"
#include "state/revocations.h"
#include "state/tickets.h"
#include "support/judged_request.h"

using namespace postern;
using namespace postern::policy;
using base::Cause;
using crypto::Algorithm;
using Kind = JwtSource::Kind;

namespace {

constexpr int64_t now = 1'000'000'000;
constexpr std::string_view secret = "a secret of thirty-two bytes or more";

std::string token_of(base::Json claims, int64_t expires) {
  claims["exp"] = expires;
  return sign_jwt(crypto::HmacKey(Algorithm::hs256, secret), claims);
}
std::string expired(const base::Json& claims = {{"sub", "alice"}}) { return token_of(claims, now - 600); }
std::string fresh(const base::Json& claims = {{"sub", "alice"}}) { return token_of(claims, now + 600); }

std::shared_ptr<const state::LiveKeys> keys() {
  auto made = state::KeySet::from_secret(secret, {Algorithm::hs256});
  REQUIRE(made);
  return std::make_shared<const state::LiveKeys>(std::move(*made));
}

// Gives one answer, at once or after a wait.
struct Desk final : AuthDesk {
  struct Asked final : AskedAuth {
    explicit Asked(AuthResult result) : AskedAuth(std::chrono::seconds(1)) {
      result_ = std::move(result);
      arrive();
    }
  };
  explicit Desk(AuthResult the_answer) : answer(std::move(the_answer)) {}
  Reply ask(const AuthServer&, bool alone) override {
    CHECK_FALSE(alone);
    ++asked;
    if (!waits) return {answer, {}};
    return {AuthResult(), std::make_unique<Asked>(answer)};
  }
  void count(const AuthServer&, AuthOutcome outcome) override { outcomes.push_back(outcome); }

  AuthResult answer;
  bool waits = true;
  int asked = 0;
  std::vector<AuthOutcome> outcomes;
};

AuthResult giving(std::string token) { return AuthResult::make(AuthAnswer{200, {}, std::move(token), {}}); }

JwtOptions options(std::vector<JwtSource> sources = {JwtSource{}}) {
  JwtOptions made;
  made.providers = {{"login", std::make_shared<const JwtVerifier>(JwtRules()), 0, std::move(sources)}};
  made.refresh.emplace();
  made.refresh->server.name = "app";
  made.refresh->cookie = "refresh";
  return made;
}

struct Request : support::JudgedRequest {
  explicit Request(std::string_view target_text = "/ws") : support::JudgedRequest("GET", target_text) {
    bound.keys = {keys()};
    websocket();
  }
  // `value` is kept.
  Request& sending(std::string_view name, const std::string& value) {
    with(name, head.arena.keep(value));
    return *this;
  }
};

Verdict judge(const Policy& policy, support::JudgedRequest& request, Desk& desk) {
  request.context.auth = &desk;
  Verdict verdict = policy.judge(request.context);
  for (int i = 0; verdict.waits() && i < 8; ++i) {
    request.context.awaited = verdict.take_awaited();
    verdict = policy.judge(request.context);
    request.context.awaited.reset();
  }
  return verdict;
}

VerifiedToken claims(const base::Json& json) {
  return VerifiedToken(std::make_unique<const VerifiedToken::Claims>(json), {});
}

}  // namespace

TEST_CASE("token exchange: the request waits, and goes on with the fresh token") {
  for (const bool waits : {true, false}) {
    Desk desk(giving(fresh()));
    desk.waits = waits;
    Request request;
    request.sending("Authorization", "bearer  " + expired()).with("Cookie", "refresh=r1");
    JwtOptions made = options();
    made.remember_text = true;
    const JwtPolicy policy(std::move(made));
    CHECK(judge(policy, request, desk).passes());
    CHECK(request.head.headers.get(http::FieldId::authorization) == "bearer  " + fresh());
    CHECK(request.context.token_text == fresh());
    REQUIRE(request.context.token);
    CHECK(request.context.token->expires_at() == now + 600);
    CHECK_FALSE(request.context.token_judged->refused);
    CHECK(desk.outcomes == std::vector{AuthOutcome::passed});
  }
}

TEST_CASE("token exchange: an answer that comes too late is none") {
  Desk desk({});
  Request request;
  request.context.auth = &desk;
  request.sending("Authorization", "Bearer " + expired()).with("Cookie", "refresh=r1");
  const JwtPolicy policy(options());
  Verdict verdict = policy.judge(request.context);
  REQUIRE(verdict.waits());
  request.context.awaited = verdict.take_awaited();
  request.context.awaited->expire();
  verdict = policy.give_up(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::token_expired);
  CHECK(request.context.exchange->failure == "app did not answer in time");
  CHECK(desk.outcomes == std::vector{AuthOutcome::failed});
  CHECK(request.context.token_judged->refused == Cause::token_expired);
}

TEST_CASE("token exchange: where any way in is enough, a failure leaves the others") {
  Desk desk(AuthResult::make(AuthAnswer{401, {}, {}, {}}));
  Request request;
  request.sending("Authorization", "Bearer " + expired()).with("Cookie", "refresh=r1");
  std::vector<WayIn> ways;
  ways.push_back({std::make_unique<JwtPolicy>(options()), nullptr});
  ways.push_back(
      {std::make_unique<AddressRulesPolicy>(AddressRulesOptions{{"10.0.0.0/8"}, {}, "r"}), nullptr});
  const AnyAccessPolicy any(std::move(ways), "r");
  Verdict verdict = judge(any, request, desk);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::token_expired);
  request.context.client = base::IpAddress::parse("10.0.0.7").value();
  request.context.ways->refusals.clear();
  request.context.exchange.reset();
  CHECK(judge(any, request, desk).passes());
  CHECK(desk.asked == 2);
}

TEST_CASE("token exchange: a token that was revoked, or is valid for another provider, is not exchanged") {
  state::Revocations revocations;
  TokenCache cache({.revocations = &revocations});
  const JwtVerifier verifier{JwtRules()};
  const base::Json alice = {{"sub", "alice"}, {"jti", "j1"}};
  const std::string text = expired(alice);
  auto result = cache.verify(verifier, *keys(), TokenCache::Text(text), now);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().expired);
  CHECK(result.error().expired->subject() == "alice");
  using Revocation = state::Revocation;
  revocations.add({Revocation::Kind::token, "j1", "", 0, now + 100}, now);
  result = cache.verify(verifier, *keys(), TokenCache::Text(text), now);
  REQUIRE_FALSE(result);
  CHECK(result.error().cause == Cause::token_expired);
  CHECK_FALSE(result.error().expired);
  JwtRules strict;
  strict.audiences = {"api"};
  result = cache.verify(JwtVerifier(strict), *keys(), TokenCache::Text(text), now);
  REQUIRE_FALSE(result);
  CHECK(result.error().cause == Cause::token_expired);
  CHECK_FALSE(result.error().expired);
}

TEST_CASE("token exchange: nothing but its age may speak against the expired token") {
  const auto beside = [](const base::Json& more, JwtRules rules) {
    const std::string text = expired(more);
    const state::LiveKeys::View view = keys()->view();
    const auto result = JwtVerifier(std::move(rules)).verify(*view.keys, text, now);
    REQUIRE_FALSE(result);
    CHECK(result.error().cause == Cause::token_expired);
    return result.error().expired != nullptr;
  };
  JwtRules issuer;
  issuer.issuer = "us";
  JwtRules required;
  required.required_claims = {ClaimCondition::is("role", {"user"})};
  CHECK(beside({{"sub", "a"}}, {}));
  CHECK(beside({{"iss", "us"}}, issuer));
  CHECK_FALSE(beside({{"iss", "them"}}, issuer));
  CHECK(beside({{"role", "user"}}, required));
  CHECK_FALSE(beside({{"role", "guest"}}, required));
  CHECK_FALSE(beside({{"nbf", now + 3600}}, {}));
  CHECK_FALSE(beside({{"iat", now + 3600}}, {}));
  CHECK(beside({{"nbf", now - 3600}, {"iat", now - 3600}}, {}));
}

TEST_CASE("token exchange: a token is replaced in the form of its place, and the rest stays byte for byte") {
  const auto target_of = [](std::string_view target) {
    Request request(target);
    replace_token({Kind::query, "token"}, "a.b.c", request.context);
    return std::string(request.head.target);
  };
  CHECK(target_of("/ws?token=old") == "/ws?token=a.b.c");
  CHECK(target_of("/ws?a=%2F&token=o%2Eld&b=?token=x") == "/ws?a=%2F&token=a.b.c&b=?token=x");
  CHECK(target_of("/ws?token=") == "/ws?token=a.b.c");
  CHECK(target_of("/ws?a=1") == "/ws?a=1");
  CHECK(target_of("/ws") == "/ws");

  const auto field_of = [](const JwtSource& source, std::string_view value) {
    Request request;
    request.with(source.name, value);
    replace_token(source, "a.b.c", request.context);
    return std::string(request.head.headers.find(source.name)->value);
  };
  CHECK(field_of({Kind::header, "Authorization"}, "Bearer old") == "Bearer a.b.c");
  CHECK(field_of({Kind::header, "Authorization"}, "Basic eDp5") == "Basic eDp5");
  CHECK(field_of({Kind::header, "X-Token"}, "old") == "a.b.c");
  CHECK(field_of({Kind::header, "X-Token"}, "Bearer old") == "Bearer a.b.c");
  CHECK(field_of({Kind::header, "Authorization", "Token"}, "token old") == "token a.b.c");

  Request request;
  request.with("Cookie", "a=1;token=old ; b=2").with("Cookie", "token=\"old\"; tokens=old");
  replace_token({Kind::cookie, "token"}, "a.b.c", request.context);
  std::vector<std::string> cookies;
  for (const http::HeaderField& field : request.head.headers) cookies.emplace_back(field.value);
  CHECK(cookies == std::vector<std::string>{"a=1; token=a.b.c; b=2", "token=a.b.c; tokens=old"});
}

TEST_CASE("token exchange: only sockets and event streams are of the kind") {
  Request socket;
  CHECK(may_exchange(socket.context, JwtSource()));
  socket.head.upgrade_problem = "is broken";
  CHECK_FALSE(may_exchange(socket.context, JwtSource()));
  support::JudgedRequest events("GET");
  events.with("Accept", "text/event-stream");
  CHECK(may_exchange(events.context, JwtSource()));
  support::JudgedRequest post("POST");
  post.with("Accept", "text/event-stream");
  CHECK_FALSE(may_exchange(post.context, JwtSource()));
  support::JudgedRequest page("GET");
  page.with("Accept", "text/html, */*");
  CHECK_FALSE(may_exchange(page.context, JwtSource()));
}

TEST_CASE("token exchange: the fresh token has the issuer, the user and the session of the expired one") {
  const auto problem = [](const base::Json& old_claims, const base::Json& new_claims) {
    return holder_problem(claims(old_claims), claims(new_claims));
  };
  CHECK(problem({{"sub", "a"}}, {{"sub", "a"}}).empty());
  CHECK(problem({{"sub", "a"}}, {{"sub", "b"}}) == "is of another user");
  CHECK(problem({{"sub", "a"}}, base::Json::object()) == "is of another user");
  CHECK(problem(base::Json::object(), base::Json::object()) == "replaces one that names no user");
  CHECK(problem({{"iss", "i"}, {"sub", "a"}}, {{"sub", "a"}}) == "is of another issuer");
  CHECK(problem({{"sub", "a"}, {"sid", "1"}}, {{"sub", "a"}, {"sid", "2"}}) == "is of another session (sid)");
  CHECK(problem({{"sub", "a"}, {"sid", "1"}}, {{"sub", "a"}}).empty());
}
