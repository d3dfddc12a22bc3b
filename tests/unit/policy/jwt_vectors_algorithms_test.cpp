// Every algorithm, right and wrong in the ways that all of them share.
#include <doctest/doctest.h>

#include "base/error.h"
#include "jwt_vectors.h"

namespace postern::vectors {

using base::Cause;
using crypto::Algorithm;
using crypto::AlgorithmFamily;

namespace {

base::Json another_key(Algorithm algorithm) {
  using support::SigningKey;
  switch (family(algorithm)) {
    case AlgorithmFamily::hmac:
      return secret_jwk("another secret that has sixty-four bytes or more, as RFC 7518 asks");
    case AlgorithmFamily::eddsa: return SigningKey::ed25519().public_jwk();
    case AlgorithmFamily::ecdsa:
      return SigningKey::ec(algorithm == Algorithm::es256   ? crypto::Curve::p256
                            : algorithm == Algorithm::es384 ? crypto::Curve::p384
                                                            : crypto::Curve::p521)
          .public_jwk();
    default: return support::other_rsa_key().public_jwk();
  }
}

// The same family with the next digest, or the next family.
Algorithm neighbour(Algorithm algorithm) {
  return static_cast<Algorithm>((static_cast<int>(algorithm) + 1) % crypto::algorithm_count);
}

void add_of(Algorithm algorithm, Vectors& vectors) {
  const std::string keys = keys_for(algorithm);
  const std::string header = header_of(algorithm);
  const std::string signature = sign_for(algorithm, support::signed_text(header, good_claims));
  const auto add = [&](std::string_view what, std::string token, std::optional<Cause> refused) {
    vectors.push_back(
        {std::string(name(algorithm)) + ": " + std::string(what), keys, std::move(token), refused});
  };
  const auto with = [&](std::string_view bytes) { return support::join_token(header, good_claims, bytes); };
  const auto flipped = [&](size_t index) {
    std::string other = signature;
    other[index] = static_cast<char>(other[index] ^ 1);
    return with(other);
  };
  add("a good signature", with(signature), std::nullopt);
  add("the first bit of the signature is wrong", flipped(0), Cause::token_signature);
  add("a bit in the middle is wrong", flipped(signature.size() / 2), Cause::token_signature);
  add("the last bit of the signature is wrong", flipped(signature.size() - 1), Cause::token_signature);
  add("the signature is empty", with(""), Cause::token_malformed);
  add("the signature lacks its first byte", with(signature.substr(1)), Cause::token_signature);
  add("the signature lacks its last byte", with(signature.substr(0, signature.size() - 1)),
      Cause::token_signature);
  add("the signature has a byte behind it", with(signature + '\0'), Cause::token_signature);
  add("the signature has a byte in front", with('\0' + signature), Cause::token_signature);
  add("the signature is all zero", with(std::string(signature.size(), '\0')), Cause::token_signature);
  add("the signature is all ones", with(std::string(signature.size(), '\xff')), Cause::token_signature);
  add("the signature is of one byte", with("\x01"), Cause::token_signature);
  add("the signature is twice there", with(signature + signature), Cause::token_signature);
  add("the claims are others", support::join_token(header, R"({"sub":"mallory"})", signature),
      Cause::token_signature);
  add("the header is another",
      support::join_token(R"({"typ":"JWT","alg":")" + std::string(name(algorithm)) + "\"}", good_claims,
                          signature),
      Cause::token_signature);
  add("only the claims are signed", with(sign_for(algorithm, good_claims)), Cause::token_signature);
  vectors.push_back({std::string(name(algorithm)) + ": the key is another", key_set({another_key(algorithm)}),
                     with(signature), Cause::token_signature});

  const std::string lie = header_of(neighbour(algorithm));
  const bool key_knows_both = keys_for(neighbour(algorithm)) == keys;
  add("the header names " + std::string(name(neighbour(algorithm))),
      support::join_token(lie, good_claims, sign_for(algorithm, support::signed_text(lie, good_claims))),
      key_knows_both ? Cause::token_signature : Cause::token_algorithm);
}

}  // namespace

Vectors algorithm_vectors() {
  Vectors vectors;
  for (int index = 0; index < crypto::algorithm_count; ++index)
    add_of(static_cast<Algorithm>(index), vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: all algorithms") {
  postern::vectors::check_vectors(postern::vectors::algorithm_vectors());
}
