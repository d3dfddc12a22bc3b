#include "state/key_set.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"
#include "support/jwt_keys.h"

using namespace postern::state;
using namespace postern::support;
using postern::base::Json;
using postern::crypto::Algorithm;
using postern::crypto::AlgorithmSet;
using Outcome = KeyChoice::Outcome;

namespace {

Json named(Json jwk, std::string_view kid) {
  jwk["kid"] = kid;
  return jwk;
}

Json with(Json jwk, std::string_view member, Json value) {
  jwk[std::string(member)] = std::move(value);
  return jwk;
}

std::string jwks(Json::array_t keys) { return Json({{"keys", std::move(keys)}}).dump(); }

KeySet good(KeySet::Made made) {
  REQUIRE_MESSAGE(made.has_value(), made.error());
  return std::move(*made);
}

std::string fault(KeySet::Made made) {
  REQUIRE_FALSE(made.has_value());
  return made.error();
}

// Returns the one note about a bad key that is loaded together with a good one.
std::string note_about(Json bad, AlgorithmSet allowed = {}) {
  KeySet set =
      good(KeySet::from_jwks(jwks({named(p256_key().public_jwk(), "good"), std::move(bad)}), allowed));
  REQUIRE(set.keys().size() == 1);
  CHECK(set.keys()[0].id() == "good");
  REQUIRE(set.notes().size() == 1);
  return set.notes()[0];
}

}  // namespace

TEST_CASE("key set: a secret is for the listed HS algorithms and no others") {
  std::string secret(64, 's');
  KeySet set = good(KeySet::from_secret(secret, {Algorithm::hs256, Algorithm::hs512, Algorithm::rs256}));
  REQUIRE(set.keys().size() == 1);
  CHECK(set.keys()[0].algorithms() == AlgorithmSet{Algorithm::hs256, Algorithm::hs512});
  CHECK(set.notes().empty());
  std::string mac = postern::crypto::HmacKey(Algorithm::hs384, secret).sign("data");
  CHECK_FALSE(set.keys()[0].verify(Algorithm::hs384, "data", mac));
  mac = postern::crypto::HmacKey(Algorithm::hs512, secret).sign("data");
  CHECK(set.keys()[0].verify(Algorithm::hs512, "data", mac));
}

TEST_CASE("key set: a secret that is empty, or for public-key algorithms only, is refused") {
  CHECK(fault(KeySet::from_secret("", {})) == "the shared secret is empty");
  CHECK(fault(KeySet::from_secret("secret", {Algorithm::rs256, Algorithm::es256})) ==
        "a shared secret is for HS256, HS384 and HS512, not for RS256, ES256");
}

TEST_CASE("key set: a short secret is noted without being printed") {
  KeySet set = good(KeySet::from_secret("hunter2", {Algorithm::hs256}));
  REQUIRE(set.notes().size() == 1);
  CHECK(set.notes()[0] == "the shared secret has 7 bytes; RFC 7518 section 3.2 wants at least 32 for HS256");
  CHECK(good(KeySet::from_secret(std::string(32, 's'), {Algorithm::hs256})).notes().empty());
  CHECK(good(KeySet::from_secret(std::string(63, 's'), {Algorithm::hs512})).notes().size() == 1);
}

TEST_CASE("key set: PEM keys get the listed algorithms of their kind") {
  std::string text = rsa_key().public_pem() + p256_key().certificate_pem() + ed25519_key().public_pem();
  KeySet set = good(KeySet::from_pem(text, {Algorithm::rs256, Algorithm::es256}));
  REQUIRE(set.keys().size() == 2);
  CHECK(set.keys()[0].algorithms() == AlgorithmSet{Algorithm::rs256});
  CHECK(set.keys()[1].algorithms() == AlgorithmSet{Algorithm::es256});
  CHECK(set.notes() == std::vector<std::string>{"a key of kind Ed25519 fits none of RS256, ES256; left out"});
}

TEST_CASE("key set: a public key in PEM can never serve as a secret") {
  CHECK(fault(KeySet::from_pem(rsa_key().public_pem(), {Algorithm::hs256})) ==
        "none of the keys fits HS256: a key of kind RSA fits none of HS256; left out");
}

TEST_CASE("key set: JWKS of mixed kinds keeps what can be used and reports the rest") {
  Json::array_t keys = {named(rsa_key().public_jwk(), "r"),
                        named(p384_key().public_jwk(), "e"),
                        named(ed25519_key().public_jwk(), "o"),
                        Json({{"kty", "oct"}, {"kid", "h"}, {"alg", "HS256"}, {"k", "c2VjcmV0LXNlY3JldA"}}),
                        Json({{"kty", "ML-DSA"}, {"kid", "later"}}),
                        with(named(rsa_key().public_jwk(), "enc"), "use", "enc")};
  KeySet set = good(KeySet::from_jwks(jwks(keys), {}));
  REQUIRE(set.keys().size() == 4);
  CHECK(names(set.keys()[0].algorithms()) == "RS256, RS384, RS512, PS256, PS384, PS512");
  CHECK(names(set.keys()[1].algorithms()) == "ES384");
  CHECK(names(set.keys()[2].algorithms()) == "EdDSA");
  CHECK(names(set.keys()[3].algorithms()) == "HS256");
  CHECK(set.notes() ==
        std::vector<std::string>{"key 5 (\"later\") is left out: has a kty other than RSA, EC, OKP and oct",
                                 "key 6 (\"enc\") is left out: has a use other than \"sig\""});
}

TEST_CASE("key set: a JWK's own alg narrows it, and the allowed list narrows it further") {
  std::string text = jwks(
      {with(named(rsa_key().public_jwk(), "a"), "alg", "PS384"), named(other_rsa_key().public_jwk(), "b")});
  KeySet set = good(KeySet::from_jwks(text, {}));
  CHECK(set.keys()[0].algorithms() == AlgorithmSet{Algorithm::ps384});
  set = good(KeySet::from_jwks(text, {Algorithm::rs256, Algorithm::es256, Algorithm::hs256}));
  REQUIRE(set.keys().size() == 1);
  CHECK(set.keys()[0].id() == "b");
  CHECK(set.keys()[0].algorithms() == AlgorithmSet{Algorithm::rs256});
}

TEST_CASE("key set: a JWK that cannot be used is left out with the reason") {
  Json rsa = rsa_key().public_jwk();
  Json ec = p256_key().public_jwk();
  auto says = [](Json bad) {
    return note_about(std::move(bad)).substr(std::string_view("key 2 is left out: ").size());
  };
  CHECK(says(with(rsa, "alg", "HS256")) == "has an alg that does not fit its kty");
  CHECK(says(with(rsa, "alg", "none")) == "has an alg that is not known here");
  CHECK(says(with(rsa, "alg", 256)) == "has an alg that is not known here");
  CHECK(says(with(ec, "alg", "ES384")) == "has an alg that does not fit its kty");
  CHECK(says(with(rsa, "key_ops", {"sign", "encrypt"})) == "has key_ops without \"verify\"");
  CHECK(says(with(rsa, "key_ops", "verify")) == "has key_ops that are no list");
  CHECK(says(with(rsa, "use", 1)) == "has a use other than \"sig\"");
  CHECK(says(with(rsa, "n", "AQAB=")) == "has no valid n and e");
  CHECK(says(with(rsa, "e", "")) == "has no valid n and e");
  CHECK(says(with(rsa, "kid", 7)) == "has a kid that is not a string");
  CHECK(says(weak_rsa_key().public_jwk()) == "the RSA key has 1024 bits; 2048 to 8192 are taken");
  CHECK(says(with(ec, "crv", "secp256k1")) == "has a curve other than P-256, P-384 and P-521");
  CHECK(says(with(ec, "x", ec["y"])) == "the EC key is not a point of its curve");
  CHECK(says(with(ec, "crv", "P-384")) == "the EC key's coordinates are not 48 bytes long");
  CHECK(says({{"kty", "OKP"}, {"crv", "X25519"}, {"x", "AAAA"}}) == "has a curve other than Ed25519");
  CHECK(says({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "AAAA"}}) == "the Ed25519 key is not 32 bytes long");
  CHECK(says({{"kty", "oct"}, {"k", ""}}) == "has no valid k");
  CHECK(says({{"n", "AQAB"}}) == "has no kty");
  CHECK(says("text") == "has no kty");
  CHECK(note_about(with(rsa, "key_ops", {"sign"}), {}).starts_with("key 2 is left out"));
}

TEST_CASE("key set: a JWK with padding, or in the other alphabet of Base64, is the same key") {
  const auto rewritten = [](Json key, const char* member, std::string_view padding) {
    std::string text = key[member];
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    key[member] = text.append(padding);
    return key;
  };
  const auto works = [](const Json& key) { return KeySet::from_jwks(key.dump(), {}).has_value(); };
  CHECK(works(rewritten(rsa_key().public_jwk(), "n", "==")));  // 256 octets
  CHECK(works(rewritten(rsa_key().public_jwk(), "e", "")));    // 3 octets
  CHECK(works(rewritten(p256_key().public_jwk(), "x", "=")));  // 32 octets
  CHECK(works(rewritten(p256_key().public_jwk(), "y", "=")));
  CHECK_FALSE(works(rewritten(rsa_key().public_jwk(), "n", "=")));
  CHECK_FALSE(works(rewritten(rsa_key().public_jwk(), "e", "=")));
  CHECK_FALSE(works(rewritten(p256_key().public_jwk(), "x", "==")));
  CHECK_FALSE(works(rewritten(p256_key().public_jwk(), "x", "=====")));
}

TEST_CASE("key set: a key that also carries its private part is used and reported") {
  KeySet set = good(KeySet::from_jwks(jwks({with(p256_key().public_jwk(), "d", "c2VjcmV0")}), {}));
  CHECK(set.keys().size() == 1);
  REQUIRE(set.notes().size() == 1);
  CHECK(set.notes()[0].find("c2VjcmV0") == std::string::npos);
}

TEST_CASE("key set: a text that is no key set is refused with a sentence") {
  CHECK(fault(KeySet::from_jwks("{", {})) == "the JWKS is not valid JSON");
  CHECK(fault(KeySet::from_jwks("[]", {})) == "the JWKS is not a JSON object");
  CHECK(fault(KeySet::from_jwks("{}", {})) == "the JWKS has no list called keys");
  CHECK(fault(KeySet::from_jwks(R"({"keys":{}})", {})) == "the JWKS' keys are no list");
  CHECK(fault(KeySet::from_jwks(R"({"keys":[]})", {})) == "the JWKS is empty");
  CHECK(fault(KeySet::from_jwks(R"({"keys":[],"keys":[]})", {})) ==
        "the JWKS has the same name twice in one object");
  CHECK(
      fault(KeySet::from_jwks(R"({"keys":[{"kty":"x","kid":"\n\u00e9\""}]})", {})) ==
      "the JWKS has no key that can be used: key 1 (\"????\") is left out: has a kty other than RSA, EC, OKP "
      "and oct");
  CHECK(fault(KeySet::from_jwks(jwks(Json::array_t(257, Json::object())), {})) ==
        "the JWKS has more than 256 keys");
}

TEST_CASE("key set: a file may hold PEM, a JWK Set or one JWK") {
  CHECK(good(KeySet::from_file_text(rsa_key().public_pem(), {})).keys().size() == 1);
  CHECK(good(KeySet::from_file_text(" \n" + jwks({rsa_key().public_jwk()}), {})).keys().size() == 1);
  CHECK(good(KeySet::from_file_text(ed25519_key().public_jwk().dump(), {})).keys().size() == 1);
  CHECK(good(KeySet::from_file_text("\xef\xbb\xbf" + ed25519_key().public_jwk().dump(), {})).keys().size() ==
        1);
  CHECK(fault(KeySet::from_file_text("", {})) == "the text has no PEM block (-----BEGIN PUBLIC KEY-----)");
}

TEST_CASE("key set: a kid is compared exactly") {
  KeySet set = good(KeySet::from_jwks(
      jwks({named(rsa_key().public_jwk(), "one"), named(other_rsa_key().public_jwk(), "two")}), {}));
  KeyChoice choice = set.choose(Algorithm::rs256, "two");
  REQUIRE(choice.count == 1);
  CHECK(choice.candidates()[0] == &set.keys()[1]);
  for (std::string_view kid : {"", "Two", "two ", "tw", "../two", "two/../one", "file:///etc/passwd",
                               "' OR 1=1", "https://evil.example/jwks.json"})
    CHECK(set.choose(Algorithm::rs256, kid).outcome == Outcome::unknown_id);
  using namespace std::string_view_literals;
  CHECK(set.choose(Algorithm::rs256, "two\0"sv).outcome == Outcome::unknown_id);
}

TEST_CASE("key set: a named key is not passed over for another of the right algorithm") {
  KeySet set = good(KeySet::from_jwks(
      jwks({named(rsa_key().public_jwk(), "rsa"), named(p256_key().public_jwk(), "ec")}), {}));
  CHECK(set.choose(Algorithm::es256, "rsa").outcome == Outcome::wrong_algorithm);
  CHECK(set.choose(Algorithm::hs256, "rsa").outcome == Outcome::wrong_algorithm);
  CHECK(set.choose(Algorithm::es256, "ec").count == 1);
}

TEST_CASE("key set: a named key of the wrong algorithm does not fall back to keys without a name") {
  KeySet set =
      good(KeySet::from_jwks(jwks({named(rsa_key().public_jwk(), "rsa"), p256_key().public_jwk()}), {}));
  CHECK(set.choose(Algorithm::es256, "rsa").outcome == Outcome::wrong_algorithm);
  CHECK(set.choose(Algorithm::es256, "other").count == 1);
}

TEST_CASE("key set: keys of one name are told apart by algorithm") {
  KeySet set = good(
      KeySet::from_jwks(jwks({named(rsa_key().public_jwk(), "x"), named(p256_key().public_jwk(), "x")}), {}));
  KeyChoice choice = set.choose(Algorithm::es256, "x");
  REQUIRE(choice.count == 1);
  CHECK(choice.candidates()[0] == &set.keys()[1]);
}

TEST_CASE("key set: without a kid the keys that fit are tried, at most four") {
  Json::array_t keys;
  for (int index = 0; index < 6; ++index)
    keys.push_back(named(rsa_key().public_jwk(), std::to_string(index)));
  keys.insert(keys.begin(), named(p256_key().public_jwk(), "ec"));
  KeySet set = good(KeySet::from_jwks(jwks(keys), {}));
  CHECK(set.choose(Algorithm::rs256, std::nullopt).count == 4);
  CHECK(set.choose(Algorithm::es256, std::nullopt).count == 1);
  CHECK(set.choose(Algorithm::eddsa, std::nullopt).outcome == Outcome::wrong_algorithm);
}

TEST_CASE("key set: keys without a name serve tokens that name one") {
  KeySet pem = good(KeySet::from_pem(rsa_key().public_pem(), {}));
  CHECK(pem.choose(Algorithm::rs256, "whatever").count == 1);
  KeySet mixed =
      good(KeySet::from_jwks(jwks({named(rsa_key().public_jwk(), "x"), other_rsa_key().public_jwk()}), {}));
  KeyChoice choice = mixed.choose(Algorithm::rs256, "x");
  REQUIRE(choice.count == 1);
  CHECK(choice.candidates()[0] == &mixed.keys()[0]);
  choice = mixed.choose(Algorithm::rs256, "y");
  REQUIRE(choice.count == 1);
  CHECK(choice.candidates()[0] == &mixed.keys()[1]);
}
