#include "policy/token_cache.h"

#include <doctest/doctest.h>

#include <limits>

#include "base/error.h"
#include "crypto/base64.h"
#include "policy/jwt_signer.h"
#include "support/jwt_keys.h"
#include "support/keyed_verifier.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::crypto::HmacKey;
using postern::state::KeySet;
using postern::support::KeyedVerifier;

namespace {

constexpr int64_t now = 1'700'000'000;
const std::string secret = "an example of a secret, 32 bytes";

KeySet secret_keys(std::string_view text) {
  auto keys = KeySet::from_secret(text, {Algorithm::hs256});
  REQUIRE(keys.has_value());
  return std::move(*keys);
}

JwtRules rules(int leeway) {
  JwtRules rules;
  rules.leeway = std::chrono::seconds(leeway);
  return rules;
}

std::string token(int64_t expires, int number = 0) {
  return sign_jwt(HmacKey(Algorithm::hs256, secret), {{"exp", expires}, {"sub", std::to_string(number)}});
}

}  // namespace

TEST_CASE("token cache: the second look gives the same object without a verification") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache;
  CHECK(cache.size() == 0);
  auto first = verifier.verify(cache, token(now + 100), now);
  auto second = verifier.verify(cache, token(now + 100), now + 1);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(*first == *second);
  CHECK(cache.hits() == 1);
  CHECK(cache.misses() == 1);
  CHECK(cache.size() == 1);
}

TEST_CASE("token cache: a remembered token expires at exp with leeway, to the second") {
  KeyedVerifier verifier(rules(10), secret_keys(secret));
  TokenCache cache;
  std::string text = token(now + 100);
  REQUIRE(verifier.verify(cache, text, now).has_value());
  CHECK(verifier.verify(cache, text, now + 109).has_value());
  CHECK(cache.hits() == 1);
  auto late = verifier.verify(cache, text, now + 110);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().cause == Cause::token_expired);
  CHECK(cache.size() == 0);
}

TEST_CASE("token cache: a long-lived token is judged again after five minutes") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache;
  std::string text = token(now + 100'000);
  REQUIRE(verifier.verify(cache, text, now).has_value());
  CHECK(verifier.verify(cache, text, now + 299).has_value());
  CHECK(cache.misses() == 1);
  CHECK(verifier.verify(cache, text, now + 300).has_value());
  CHECK(cache.misses() == 2);
}

TEST_CASE("token cache: a token without exp is remembered for five minutes and no overflow") {
  JwtRules lax = rules(60);
  lax.require_expiry = false;
  KeyedVerifier verifier(lax, secret_keys(secret));
  TokenCache cache;
  std::string text = sign_jwt(HmacKey(Algorithm::hs256, secret), {{"sub", "u"}});
  for (int64_t time : {now, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    auto verdict = verifier.verify(cache, text, time);
    REQUIRE(verdict.has_value());
    CHECK((*verdict)->expires_at() == VerifiedToken::never);
  }
  CHECK(cache.hits() == 0);
}

TEST_CASE("token cache: a clock that went back forgets") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache;
  std::string text = sign_jwt(HmacKey(Algorithm::hs256, secret), {{"exp", now + 100}, {"nbf", now}});
  REQUIRE(verifier.verify(cache, text, now).has_value());
  auto early = verifier.verify(cache, text, now - 1);
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().cause == Cause::token_not_yet_valid);
}

TEST_CASE("token cache: one verifier's acceptance is not another's") {
  TokenCache cache;
  std::string text = token(now + 100);
  auto verifier = std::make_unique<KeyedVerifier>(rules(0), secret_keys(secret));
  REQUIRE(verifier->verify(cache, text, now).has_value());
  verifier.reset();  // the next one may get the same address in memory
  verifier = std::make_unique<KeyedVerifier>(rules(0), secret_keys("quite another secret of 32 bytes"));
  auto verdict = verifier->verify(cache, text, now);
  REQUIRE_FALSE(verdict.has_value());
  CHECK(verdict.error().cause == Cause::token_signature);
}

TEST_CASE("token cache: refused tokens are judged every time") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache;
  for (int round = 0; round < 3; ++round)
    CHECK_FALSE(verifier.verify(cache, token(now - 1), now).has_value());
  CHECK_FALSE(verifier.verify(cache, std::string(100'000, 'x'), now).has_value());
  CHECK(cache.size() == 0);
  CHECK(cache.hits() == 0);
}

TEST_CASE("token cache: a change anywhere in the token is another token") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache;
  std::string text = token(now + 100);
  REQUIRE(verifier.verify(cache, text, now).has_value());
  for (size_t index = 0; index < text.size(); ++index) {
    std::string other = text;
    other[index] = other[index] == 'A' ? 'B' : 'A';
    CHECK_FALSE(verifier.verify(cache, other, now).has_value());
  }
  CHECK(cache.hits() == 0);
}

TEST_CASE("token cache: it never holds more than its capacity and keeps what is used") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache({.capacity = 8});
  CHECK(cache.capacity() == 8);
  std::string kept = token(now + 100, -1);
  REQUIRE(verifier.verify(cache, kept, now).has_value());
  for (int number = 0; number < 50; ++number) {
    REQUIRE(verifier.verify(cache, token(now + 100, number), now).has_value());
    REQUIRE(verifier.verify(cache, kept, now).has_value());
    CHECK(cache.size() <= 8);
  }
  CHECK(cache.size() == 8);
  CHECK(cache.hits() == 50);
}

TEST_CASE("token cache: the least recently used makes room") {
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  TokenCache cache({.capacity = 8});
  for (int number = 0; number < 9; ++number)
    REQUIRE(verifier.verify(cache, token(now + 100, number), now).has_value());
  REQUIRE(verifier.verify(cache, token(now + 100, 1), now).has_value());
  CHECK(cache.hits() == 1);
  REQUIRE(verifier.verify(cache, token(now + 100, 0), now).has_value());
  CHECK(cache.hits() == 1);
}

TEST_CASE("token cache: capacities are rounded to what the table can hold") {
  CHECK(TokenCache().capacity() == 4096);
  CHECK(TokenCache({.capacity = 0}).capacity() == 8);
  CHECK(TokenCache({.capacity = 9}).capacity() == 16);
  CHECK(TokenCache({.capacity = 1'000'000'000}).capacity() == 1 << 20);
}

TEST_CASE("token cache: a key that is gone takes with it what was accepted, and one that joins does not") {
  const auto set_of = [](std::initializer_list<std::string_view> texts) {
    std::string keys;
    for (const std::string_view text : texts)
      keys += std::string(keys.empty() ? "" : ",") + R"({"kty":"oct","alg":"HS256","k":")" +
              postern::crypto::encode_base64url(text) + "\"}";
    auto set = KeySet::from_jwks("{\"keys\":[" + keys + "]}", {Algorithm::hs256});
    REQUIRE(set.has_value());
    return std::move(*set);
  };
  constexpr std::string_view other = "quite another secret of 32 bytes";
  postern::state::KeyStore store;
  const auto take_effect = [&](std::initializer_list<std::string_view> texts) {
    std::vector<postern::state::LoadedKeys> loaded;
    loaded.push_back({"login", 1, set_of(texts)});
    store.take_effect(std::move(loaded));
  };
  take_effect({secret});
  const auto keys = store.of("login");
  const JwtVerifier verifier(rules(0));
  TokenCache cache;
  const std::string text = token(now + 100);
  REQUIRE(KeyedVerifier::verify(cache, verifier, *keys, text, now).has_value());
  take_effect({secret, other});
  CHECK(KeyedVerifier::verify(cache, verifier, *keys, text, now).has_value());
  CHECK(cache.hits() == 1);
  take_effect({other});
  CHECK_FALSE(KeyedVerifier::verify(cache, verifier, *keys, text, now).has_value());
  take_effect({other, secret});
  CHECK(KeyedVerifier::verify(cache, verifier, *keys, text, now).has_value());
  CHECK(cache.hits() == 1);
}

TEST_CASE("token cache: a token that is revoked is refused, cached or not, and the others are not") {
  using postern::state::Revocation;
  KeyedVerifier verifier(rules(0), secret_keys(secret));
  postern::state::Revocations revocations;
  TokenCache cache({.revocations = &revocations});
  const auto cause_of = [&](int number, int64_t at) {
    const auto result = verifier.verify(cache, token(now + 1000, number), at);
    return result ? std::optional<Cause>() : result.error().cause;
  };
  CHECK_FALSE(cause_of(1, now));
  CHECK_FALSE(cause_of(2, now));
  revocations.add({Revocation::Kind::subject, "1", "", 0, now + 100}, now);
  CHECK(cause_of(1, now) == Cause::token_revoked);
  CHECK(cause_of(1, now + 1) == Cause::token_revoked);
  CHECK_FALSE(cause_of(2, now));
  CHECK(cache.hits() == 1);
  revocations.add({Revocation::Kind::subject, "3", "", 0, now + 100}, now);
  CHECK(cause_of(3, now) == Cause::token_revoked);  // it was never cached
  CHECK_FALSE(cause_of(2, now));
  CHECK_FALSE(cause_of(1, now + 100));  // the revocation has ended
}
