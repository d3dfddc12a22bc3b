// Signatures of curves: ECDSA (RFC 7518 section 3.4) and Ed25519 (RFC 8032).
#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"
#include "support/odd_signatures.h"

namespace postern::vectors {

using base::Cause;
using crypto::Algorithm;
using crypto::Curve;

namespace {

std::string joined(Algorithm algorithm, std::string_view signature) {
  return support::join_token(header_of(algorithm), good_claims, signature);
}

std::string text_for(Algorithm algorithm) { return support::signed_text(header_of(algorithm), good_claims); }

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

void add_ecdsa(Algorithm algorithm, Curve curve, Algorithm other_digest, Vectors& vectors) {
  const support::SigningKey& key = support::key_for(algorithm);
  const std::string order = support::curve_order(curve);
  const size_t size = order.size();
  const std::string signature = key.sign(algorithm, text_for(algorithm));
  const std::string r = signature.substr(0, size);
  const std::string s = signature.substr(size);
  const std::string zero(size, '\0');
  const std::string one = std::string(size - 1, '\0') + '\x01';
  const std::string ones(size, '\xff');
  const std::string der = support::der_of(signature);
  const auto add = [&](std::string_view what, std::string_view bytes,
                       std::optional<Cause> refused = Cause::token_signature) {
    vectors.push_back({std::string(name(algorithm)) + " form: " + std::string(what), keys_for(algorithm),
                       joined(algorithm, bytes), refused});
  };
  add("r and s", r + s, std::nullopt);
  // The other signature of the same message; RFC 7518 asks for no low s.
  add("r and n - s", r + support::difference(order, s), std::nullopt);
  add("n - r and s", support::difference(order, r) + s);
  add("r is zero", zero + s);
  add("s is zero", r + zero);
  add("both are zero", zero + zero);
  add("r is one", one + s);
  add("s is one", r + one);
  add("both are one", one + one);
  add("r is n", order + s);
  add("s is n", r + order);
  add("both are n", order + order);
  add("r is n, s is zero", order + zero);
  add("r is n - 1", support::difference(order, one) + s);
  add("r is n + 1", support::sum(order, one) + s);
  add("s is n + 1", r + support::sum(order, one));
  add("r is all ones", ones + s);
  add("s is all ones", r + ones);
  add("s and r", s + r);
  add("r alone", r);
  add("r twice", r + r);
  add("r, s and s", r + s + s);
  add("a zero in front of each", '\0' + r + '\0' + s);
  add("a zero behind each", r + '\0' + s + '\0');
  add("zeros in front", std::string(size, '\0') + r + s);
  add("each half reversed", std::string(r.rbegin(), r.rend()) + std::string(s.rbegin(), s.rend()));
  add("in hexadecimal digits", hex(signature));
  add("DER", der);
  add("DER, cut to the size of r and s", der.substr(0, 2 * size));
  add("DER with a byte behind it", der + '\0');
  add("DER of zero and zero", support::der_of(zero + zero));
  add("DER of zero and zero, filled to the size of r and s",
      support::der_of(zero + zero) + std::string(2 * size - 8, '\0'));
  add("the digest of another algorithm", key.sign(algorithm, other_digest, text_for(algorithm)));
}

void add_ed25519(Vectors& vectors) {
  const support::SigningKey& key = support::ed25519_key();
  const std::string signature = key.sign(Algorithm::eddsa, text_for(Algorithm::eddsa));
  const std::string r = signature.substr(0, 32);
  const std::string s = signature.substr(32);
  const std::string zero(32, '\0');
  const std::string identity = '\x01' + std::string(31, '\0');
  const auto add = [&](std::string_view what, std::string_view bytes) {
    vectors.push_back({"EdDSA form: " + std::string(what), keys_for(Algorithm::eddsa),
                       joined(Algorithm::eddsa, bytes), Cause::token_signature});
  };
  const auto flipped = [](std::string bytes, size_t index, int bit) {
    bytes[index] = static_cast<char>(bytes[index] ^ (1 << bit));
    return bytes;
  };
  add("S + L, the same number to who reduces it", support::with_larger_s(signature));
  add("S + 2 L", support::with_larger_s(support::with_larger_s(signature)));
  add("S is L", r + support::with_larger_s(zero + zero).substr(32));
  add("S is zero", r + zero);
  add("S is all ones", r + std::string(32, '\xff'));
  add("the top bit of S", flipped(signature, 63, 7));
  add("the next bit of S", flipped(signature, 63, 6));
  add("the third bit of S", flipped(signature, 63, 5));
  add("R is zero", zero + s);
  add("R is the neutral point", identity + s);
  add("R is the neutral point, S is zero", identity + zero);
  add("R is all ones", std::string(32, '\xff') + s);
  add("the sign of R", flipped(signature, 31, 7));
  add("S and R", s + r);
  add("R alone", r);
  add("each half reversed", std::string(r.rbegin(), r.rend()) + std::string(s.rbegin(), s.rend()));
  add("in hexadecimal digits", hex(signature));
  add("with the text in front, as some libraries write it", signature + text_for(Algorithm::eddsa));
  for (const char* name : {"ES256", "ES384", "ES512", "RS256", "PS256", "HS256"}) {
    const std::string header = R"({"alg":")" + std::string(name) + "\"}";
    vectors.push_back({"EdDSA form: the header says " + std::string(name), keys_for(Algorithm::eddsa),
                       support::make_token_with_header(key, Algorithm::eddsa, header, good_claims),
                       Cause::token_algorithm});
  }
}

// A signature of each curve under the names of the others.
void add_wrong_curves(Vectors& vectors) {
  constexpr Algorithm all[] = {Algorithm::es256, Algorithm::es384, Algorithm::es512};
  for (Algorithm signer : all)
    for (Algorithm named : all)
      if (signer != named)
        vectors.push_back(
            {"curve: " + std::string(name(named)) + " in the header, a key for " + std::string(name(signer)),
             keys_for(signer),
             support::make_token_with_header(support::key_for(signer), signer, header_of(named), good_claims),
             Cause::token_algorithm});
}

}  // namespace

Vectors curve_vectors() {
  Vectors vectors;
  add_ecdsa(Algorithm::es256, Curve::p256, Algorithm::es512, vectors);
  add_ecdsa(Algorithm::es384, Curve::p384, Algorithm::es256, vectors);
  add_ecdsa(Algorithm::es512, Curve::p521, Algorithm::es256, vectors);
  add_ed25519(vectors);
  add_wrong_curves(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: signatures of curves") {
  postern::vectors::check_vectors(postern::vectors::curve_vectors());
}
