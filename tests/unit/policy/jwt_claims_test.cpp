#include <doctest/doctest.h>

#include <limits>

#include "base/error.h"
#include "policy/jwt_signer.h"
#include "policy/jwt_verifier.h"
#include "support/jwt_keys.h"
#include "support/keyed_verifier.h"

using namespace postern::policy;
using postern::crypto::Algorithm;
using postern::state::KeySet;
using postern::support::KeyedVerifier;

namespace {

constexpr int64_t now = 1'700'000'000;  // 2023-11-14T22:13:20Z
constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";

JwtRules lax() {
  JwtRules rules;
  rules.leeway = std::chrono::seconds(0);
  rules.require_expiry = false;
  return rules;
}

// Verifies a validly signed payload under these rules.
JwtVerifier::Result verdict(const JwtRules& rules, std::string_view payload, int64_t time) {
  auto keys = KeySet::from_secret(secret, {Algorithm::hs256});
  REQUIRE(keys.has_value());
  KeyedVerifier verifier(rules, std::move(*keys));
  constexpr std::string_view header = R"({"alg":"HS256"})";
  return verifier.verify(postern::support::make_hmac_token(Algorithm::hs256, secret, header, payload), time);
}

// Returns "ok", or the label of the cause.
std::string judged(const JwtRules& rules, std::string_view payload, int64_t time = now) {
  auto judged = verdict(rules, payload, time);
  return std::string(judged ? "ok" : postern::base::traits(judged.error().cause).label);
}

std::string detail(const JwtRules& rules, std::string_view payload) {
  auto judged = verdict(rules, payload, now);
  REQUIRE_FALSE(judged.has_value());
  return judged.error().detail;
}

}  // namespace

TEST_CASE("jwt: exp is over at the second it names, later by the leeway") {
  JwtRules rules = lax();
  CHECK(judged(rules, R"({"exp":1700000001})") == "ok");
  CHECK(judged(rules, R"({"exp":1700000000})") == "token_expired");
  CHECK(judged(rules, R"({"exp":1699999999})") == "token_expired");
  CHECK(judged(rules, R"({"exp":1700000000.5})") == "ok");
  CHECK(judged(rules, R"({"exp":1.7000000005e9})") == "ok");
  CHECK(judged(rules, R"({"exp":1699999999.5})") == "token_expired");
  rules.leeway = std::chrono::seconds(60);
  CHECK(judged(rules, R"({"exp":1699999941})") == "ok");
  CHECK(judged(rules, R"({"exp":1699999940})") == "token_expired");
  CHECK(detail(rules, R"({"exp":1699999940})") == "The token expired at 2023-11-14T22:12:20Z.");
}

TEST_CASE("jwt: exp may be demanded") {
  JwtRules rules = lax();
  CHECK(judged(rules, "{}") == "ok");
  rules.require_expiry = true;
  CHECK(judged(rules, "{}") == "token_claims");
  CHECK(detail(rules, "{}") == "The token has no exp claim.");
}

TEST_CASE("jwt: nbf and iat in the future are refused beyond the leeway") {
  JwtRules rules = lax();
  for (std::string name : {"nbf", "iat"}) {
    CAPTURE(name);
    rules.leeway = std::chrono::seconds(0);
    CHECK(judged(rules, "{\"" + name + "\":1700000000}") == "ok");
    CHECK(judged(rules, "{\"" + name + "\":1700000001}") == "token_not_yet_valid");
    CHECK(judged(rules, "{\"" + name + "\":1700000000.25}") == "token_not_yet_valid");
    rules.leeway = std::chrono::seconds(30);
    CHECK(judged(rules, "{\"" + name + "\":1700000030}") == "ok");
    CHECK(judged(rules, "{\"" + name + "\":1700000031}") == "token_not_yet_valid");
  }
}

TEST_CASE("jwt: times that are no numbers are refused") {
  for (std::string_view name : {"exp", "nbf", "iat"})
    for (std::string_view value : {"\"1700000100\"", "null", "true", "[1700000100]", "{}"}) {
      std::string payload = "{\"" + std::string(name) + "\":" + std::string(value) + "}";
      CHECK_MESSAGE(judged(lax(), payload) == "token_malformed", payload);
    }
  CHECK(judged(lax(), R"({"exp":1e999})") == "token_malformed");
  CHECK(judged(lax(), R"({"exp":NaN})") == "token_malformed");
}

TEST_CASE("jwt: times at the ends of every range are compared without overflow") {
  JwtRules rules = lax();
  rules.leeway = std::chrono::seconds::max();
  constexpr int64_t first = std::numeric_limits<int64_t>::min();
  constexpr int64_t last = std::numeric_limits<int64_t>::max();
  for (std::string_view big : {"9223372036854775807", "18446744073709551615", "1e300", "9.3e18"}) {
    CHECK(judged(rules, "{\"exp\":" + std::string(big) + "}") == "ok");
    CHECK(judged(rules, "{\"nbf\":" + std::string(big) + "}") == "token_not_yet_valid");
    CHECK(judged(rules, "{\"iat\":" + std::string(big) + "}", first) == "token_not_yet_valid");
  }
  for (std::string_view small : {"-1", "0", "-9223372036854775808", "-1e300", "-0.0", "-1e-300"}) {
    CHECK(judged(rules, "{\"exp\":" + std::string(small) + "}") == "token_expired");
    CHECK(judged(rules, "{\"exp\":" + std::string(small) + "}", last) == "token_expired");
    CHECK(judged(rules, "{\"nbf\":" + std::string(small) + ",\"iat\":" + std::string(small) + "}") == "ok");
  }
  rules.leeway = std::chrono::seconds(-5);
  CHECK(judged(rules, R"({"exp":1700000001})") == "ok");
}

TEST_CASE("jwt: the issuer must be the very string") {
  JwtRules rules = lax();
  rules.issuer = "https://id.example.org/";
  CHECK(judged(rules, R"({"iss":"https://id.example.org/"})") == "ok");
  for (std::string_view payload :
       {"{}", R"({"iss":"https://id.example.org"})", R"({"iss":"HTTPS://id.example.org/"})",
        R"({"iss":["https://id.example.org/"]})", R"({"iss":null})"})
    CHECK(judged(rules, payload) == "token_claims");
  CHECK(detail(rules, R"({"iss":"stranger"})") == "The token's iss is not \"https://id.example.org/\".");
}

TEST_CASE("jwt: one audience of the token must be one of the rules'") {
  JwtRules rules = lax();
  rules.audiences = {"api", "web"};
  CHECK(judged(rules, R"({"aud":"api"})") == "ok");
  CHECK(judged(rules, R"({"aud":["other","web"]})") == "ok");
  CHECK(judged(rules, R"({"aud":[1,"web"]})") == "ok");
  for (std::string_view payload :
       {"{}", R"({"aud":""})", R"({"aud":"api web"})", R"({"aud":"ap"})", R"({"aud":[]})",
        R"({"aud":[["api"]]})", R"({"aud":{"api":1}})", R"({"aud":null})"})
    CHECK_MESSAGE(judged(rules, payload) == "token_claims", std::string(payload));
  CHECK(detail(rules, R"({"aud":"mine"})") == "The token's aud has none of \"api\", \"web\".");
  CHECK(judged(lax(), R"({"aud":"anything"})") == "ok");
}

TEST_CASE("jwt: required claims must be there, with one of their values") {
  JwtRules rules = lax();
  ClaimCondition email;
  email.kind = ClaimCondition::Kind::present;
  email.claim = "email";
  rules.required_claims = {email, ClaimCondition::is("realm.roles", {"admin", "editor"})};
  CHECK(judged(rules, R"({"email":"a@b","realm":{"roles":["x","editor"]}})") == "ok");
  CHECK(judged(rules, R"({"email":"a@b","realm":{"roles":["x"]}})") == "token_claims");
  CHECK(judged(rules, R"({"email":"a@b","realm":{"roles":"admin,editor"}})") == "token_claims");
  CHECK(judged(rules, R"({"email":null,"realm":{"roles":["admin"]}})") == "token_claims");
  CHECK(judged(rules, R"({"realm":{"roles":["admin"]}})") == "token_claims");
  CHECK(detail(rules, R"({"email":"a@b"})") ==
        "The token's claim \"realm.roles\" has none of the values that are asked for.");
}
