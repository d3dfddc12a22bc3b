#include <doctest/doctest.h>

#include <set>

#include "base/error.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "jwt_vectors.h"
#include "support/keyed_verifier.h"

namespace postern::vectors {

using crypto::Algorithm;

void check_vectors(const Vectors& vectors) {
  policy::JwtRules rules;
  rules.leeway = std::chrono::seconds(0);
  rules.require_expiry = false;
  for (const TokenVector& vector : vectors) {
    CAPTURE(vector.name);
    auto keys = state::KeySet::from_file_text(vector.keys, {});
    REQUIRE_MESSAGE(keys.has_value(), keys.error());
    const support::KeyedVerifier verifier(rules, std::move(*keys));
    const auto verdict = verifier.verify(vector.token, now);
    const auto label = [](base::Cause cause) { return std::string(base::traits(cause).label); };
    CHECK((verdict ? "accepted" : label(verdict.error().cause)) ==
          (vector.refused ? label(*vector.refused) : "accepted"));
  }
}

std::string key_set(std::initializer_list<base::Json> keys) {
  base::Json list = base::Json::array();
  for (const base::Json& key : keys) list.push_back(key);
  return base::Json({{"keys", std::move(list)}}).dump();
}

base::Json secret_jwk(std::string_view the_secret) {
  return {{"kty", "oct"}, {"k", crypto::encode_base64url(the_secret)}};
}

std::string secret_keys() { return key_set({secret_jwk()}); }

std::string keys_for(Algorithm algorithm) {
  if (family(algorithm) == crypto::AlgorithmFamily::hmac) return secret_keys();
  return key_set({support::key_for(algorithm).public_jwk()});
}

std::string sign_for(Algorithm algorithm, std::string_view data) {
  if (family(algorithm) == crypto::AlgorithmFamily::hmac)
    return crypto::HmacKey(algorithm, secret).sign(data);
  return support::key_for(algorithm).sign(algorithm, data);
}

std::string header_of(Algorithm algorithm) { return R"({"alg":")" + std::string(name(algorithm)) + "\"}"; }

std::string token_for(Algorithm algorithm, std::string_view claims) {
  const std::string header = header_of(algorithm);
  return support::join_token(header, claims, sign_for(algorithm, support::signed_text(header, claims)));
}

std::string sealed(std::string_view header_text, std::string_view payload_text) {
  std::string text = std::string(header_text) + '.' + std::string(payload_text);
  return text + '.' + crypto::encode_base64url(sign_for(Algorithm::hs256, text));
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: there are enough of them, and each has a name of its own") {
  using namespace postern::vectors;
  std::multiset<std::string> names;
  for (const auto& family : {algorithm_vectors, claim_vectors, encoding_vectors, header_vectors, key_vectors,
                             published_vectors, rsa_vectors, curve_vectors})
    for (const TokenVector& vector : family()) names.insert(vector.name);
  CHECK(names.size() >= 150);
  for (const std::string& name : names) CHECK_MESSAGE(names.count(name) == 1, name);
  MESSAGE(names.size(), " vectors");
}
