#include "policy/jwt_providers.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/jwt_policy.h"
#include "policy/jwt_signer.h"
#include "policy/key_waits.h"
#include "policy/request_context.h"
#include "policy/token_cache.h"
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
constexpr std::string_view users_secret = "the secret of users, 32 bytes or more";
constexpr std::string_view machines_secret = "the secret of machines, 32 bytes or more";

std::string token_of(std::string_view issuer, std::string_view secret, int64_t expires = now + 600) {
  return sign_jwt(crypto::HmacKey(Algorithm::hs256, secret),
                  {{"iss", issuer}, {"sub", issuer}, {"exp", expires}});
}
std::string user() { return token_of("users", users_secret); }
std::string machine() { return token_of("machines", machines_secret); }

std::shared_ptr<const state::LiveKeys> keys_of(std::string_view secret) {
  auto keys = state::KeySet::from_secret(secret, {Algorithm::hs256});
  REQUIRE(keys);
  return std::make_shared<const state::LiveKeys>(std::move(*keys));
}

JwtProvider provider(std::string name, size_t keys, std::vector<JwtSource> sources) {
  JwtRules rules;
  rules.issuer = name;
  return {name, std::make_shared<const JwtVerifier>(rules), keys, std::move(sources)};
}

JwtOptions both(std::vector<JwtSource> of_users = {JwtSource{}},
                std::vector<JwtSource> of_machines = {JwtSource{}}) {
  JwtOptions options;
  options.providers = {provider("users", 0, std::move(of_users)),
                       provider("machines", 1, std::move(of_machines))};
  return options;
}

// Two providers, p0 and p1, either of which could have issued any token.
JwtOptions without_issuers() {
  JwtOptions options;
  for (size_t i = 0; i < 2; ++i)
    options.providers.push_back(
        {"p" + std::to_string(i), std::make_shared<const JwtVerifier>(JwtRules()), i, {JwtSource{}}});
  return options;
}

struct Request : support::JudgedRequest {
  Request() { bound.keys = {keys_of(users_secret), keys_of(machines_secret)}; }
  Request& bearing(const std::string& token) {
    with("Authorization", head.arena.keep("Bearer " + token));
    return *this;
  }
  Request& with_cookie(const std::string& token) {
    with("Cookie", head.arena.keep("session=" + token));
    return *this;
  }
};

// The subject of the token with which the request passes; otherwise the detail of the refusal.
std::string judge(const JwtOptions& options, Request& request) {
  Verdict verdict = JwtPolicy(options).judge(request.context);
  if (verdict.answers()) return verdict.response().detail;
  REQUIRE(verdict.passes());
  return request.context.token ? std::string(request.context.token->subject()) : "nobody";
}

// Keys that are fetched, and have not come.
std::shared_ptr<const state::LiveKeys> missing_keys(const std::string& name) {
  return std::make_shared<const state::LiveKeys>(name, std::chrono::seconds(60), 1);
}

}  // namespace

TEST_CASE("jwt providers: a token of any of them is enough") {
  for (const auto& [token, subject] : {std::pair(user(), "users"), std::pair(machine(), "machines")}) {
    Request request;
    CHECK(judge(both(), request.bearing(token)) == subject);
    CHECK(request.head.headers.find("Authorization") != nullptr);
  }
}

TEST_CASE("jwt providers: each accepts its own tokens only") {
  Request crossed;
  CHECK(judge(both(), crossed.bearing(token_of("users", machines_secret))) ==
        "machines: The token's iss is not \"machines\". users: The token's signature does not fit the key.");
  Request none;
  CHECK(judge(both({JwtSource{}}, {{Kind::cookie, "session"}}), none) ==
        "the request has no token in the field Authorization or the cookie session");
}

TEST_CASE("jwt providers: the refusal is of the provider that came furthest") {
  Request old;
  JwtPolicy policy(both());
  Verdict verdict = policy.judge(old.bearing(token_of("machines", machines_secret, now - 600)).context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::token_expired);
  CHECK(verdict.response().detail.starts_with("machines: The token expired at "));
}

TEST_CASE("jwt providers: each looks in its own places, and the first of them that has a token decides") {
  const JwtOptions options = both({JwtSource{}}, {{Kind::cookie, "session"}});
  Request in_cookie;
  CHECK(judge(options, in_cookie.with_cookie(machine())) == "machines");
  Request user_in_cookie;
  CHECK(judge(options, user_in_cookie.with_cookie(user())) ==
        "machines: The token's signature does not fit the key.");
  Request machine_in_field;
  CHECK(judge(options, machine_in_field.bearing(machine())) ==
        "users: The token's signature does not fit the key.");
}

TEST_CASE("jwt providers: a bad token of one leaves the other its own place") {
  Request request;
  CHECK(judge(both({JwtSource{}}, {{Kind::cookie, "session"}}),
              request.bearing("stale").with_cookie(machine())) == "machines");
  CHECK(request.head.headers.find("Authorization") == nullptr);  // it was judged, and is not good
}

TEST_CASE("jwt providers: a second token of somebody else does not reach the endpoint") {
  Request request;
  CHECK(judge(both({JwtSource{}}, {{Kind::cookie, "session"}}),
              request.bearing(user()).with_cookie(machine())) == "users");
  CHECK(request.head.headers.find("Cookie") == nullptr);
}

TEST_CASE("jwt providers: without a token a request passes where none is required") {
  JwtOptions options = both();
  options.required = false;
  Request nobody;
  CHECK(judge(options, nobody) == "nobody");
  Request bad;
  CHECK(judge(options, bad.bearing("stale")).starts_with("users: "));
}

TEST_CASE("jwt providers: a provider that is down keeps no token of another one waiting") {
  Request request;
  request.bound.keys[0] = missing_keys("users");
  CHECK(judge(both(), request.bearing(machine())) == "machines");
  CHECK(request.keys_asked_for.empty());
}

TEST_CASE("jwt providers: a request waits twice for each at most") {
  const JwtPolicy policy(without_issuers());
  Request request;
  request.bound.keys = {missing_keys("p0"), missing_keys("p1")};
  request.bearing(user());
  std::vector<std::string> waited_for;
  Verdict verdict = policy.judge(request.context);
  while (verdict.waits() && waited_for.size() < 10) {
    request.context.awaited = verdict.take_awaited();
    waited_for.emplace_back(request.context.awaited->what());
    request.key_waits.on_fetched("p0");
    request.key_waits.on_fetched("p1");
    verdict = policy.judge(request.context);
  }
  CHECK(waited_for ==
        std::vector<std::string>{"the keys of p0", "the keys of p0", "the keys of p1", "the keys of p1"});
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::keys_unavailable);
}

TEST_CASE("jwt providers: those who wait for one leave room for those who wait for another") {
  support::JudgedRequest request;
  const auto first = missing_keys("p0");
  const auto second = missing_keys("p1");
  std::vector<std::unique_ptr<AwaitedKeys>> waiting;
  for (size_t i = 0; i < KeyWaits::waiting_max; ++i)
    waiting.push_back(request.key_waits.wait_for(*first, false));
  CHECK(request.key_waits.wait_for(*first, false) == nullptr);
  CHECK(request.key_waits.wait_for(*second, false) != nullptr);
  waiting.pop_back();
  CHECK(request.key_waits.wait_for(*first, false) != nullptr);
}

TEST_CASE("jwt providers: a ticket stands for its token, once, and never reaches the endpoint") {
  state::Tickets tickets;
  JwtOptions options = both({JwtSource{}}, {{Kind::ticket, "ticket"}});
  const std::string ticket = tickets.issue(machine(), {}, std::chrono::seconds(30)).value();
  const std::string target = "/ws?a=1&ticket=" + ticket + "&b=2";
  const JwtPolicy policy(options);
  for (const bool first : {true, false}) {
    support::JudgedRequest request("GET", target);
    request.bound.keys = {keys_of(users_secret), keys_of(machines_secret)};
    request.context.tickets = &tickets;
    Verdict verdict = policy.judge(request.context);
    CHECK(request.context.token_query_parameter == (first ? "ticket" : ""));
    if (first) {
      CHECK(verdict.passes());
      CHECK(request.context.token->subject() == "machines");
      CHECK(request.head.target == "/ws?a=1&b=2");
    } else {
      REQUIRE(verdict.answers());
      CHECK(verdict.response().cause == Cause::ticket_refused);
      CHECK(verdict.response().detail == "the ticket in the query parameter ticket");
    }
  }
}

TEST_CASE("jwt providers: the token of a ticket goes where the endpoint expects it") {
  state::Tickets tickets;
  JwtOptions options = both({{Kind::ticket, "t"}, JwtSource{}});
  options.forward_as.kind = JwtForwarding::Kind::move;
  options.forward_as.place = {Kind::query, "token"};
  const std::string token = user();
  const std::string target = "/ws?t=" + tickets.issue(token, {}, std::chrono::seconds(30)).value();
  support::JudgedRequest request("GET", target);
  request.bound.keys = {keys_of(users_secret), keys_of(machines_secret)};
  request.context.tickets = &tickets;
  const JwtPolicy policy(options);
  CHECK(policy.judge(request.context).passes());
  CHECK(request.head.target == "/ws?token=" + token);
}

TEST_CASE("jwt providers: what one has revoked, another one may still take in a further place") {
  state::Revocations revocations;
  TokenCache cache({.revocations = &revocations});
  const JwtPolicy policy(both({JwtSource{}}, {{Kind::cookie, "session"}}));
  const auto ask = [&] {
    Request request;
    RequestContext context{request.head, request.target, {}, now, cache, request.key_waits, request.bound};
    request.bearing(user()).with_cookie(machine());
    Verdict verdict = policy.judge(context);
    REQUIRE(verdict.passes());
    return std::string(context.token->subject());
  };
  CHECK(ask() == "users");
  revocations.add({state::Revocation::Kind::subject, "users", "users", 0, now + 600}, now);
  for (int i = 0; i < 3; ++i) CHECK(ask() == "machines");  // whether the cache knows it or not
}

TEST_CASE("jwt providers: a provider whose keys are late keeps no other from being asked") {
  const JwtPolicy policy(without_issuers());
  Request request;
  request.bound.keys = {missing_keys("p0"), missing_keys("p1")};
  request.bearing(user());
  Verdict verdict = policy.judge(request.context);
  REQUIRE(verdict.waits());
  request.context.awaited = verdict.take_awaited();
  request.context.awaited->expire();
  verdict = policy.give_up(request.context);
  REQUIRE(verdict.waits());
  request.context.awaited = verdict.take_awaited();
  CHECK(request.context.awaited->what() == "the keys of p1");
  request.context.awaited->expire();
  verdict = policy.give_up(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::keys_unavailable);
}
