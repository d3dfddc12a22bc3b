#include "crypto/signature.h"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include "crypto/base64.h"
#include "support/jwt_keys.h"
#include "support/rfc_tokens.h"

using namespace postern::crypto;
using namespace postern::support;

namespace {

constexpr std::string_view data = "header.payload";

constexpr Algorithm public_algorithms[] = {
    Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256, Algorithm::ps384,
    Algorithm::ps512, Algorithm::es256, Algorithm::es384, Algorithm::es512, Algorithm::eddsa};

PublicKey public_half(const SigningKey& key) {
  auto keys = PublicKey::from_pem(key.public_pem());
  REQUIRE_MESSAGE(keys.has_value(), keys.error());
  REQUIRE(keys->size() == 1);
  return std::move(keys->front());
}

std::string pem_fault(std::string_view text) {
  auto keys = PublicKey::from_pem(text);
  REQUIRE_FALSE(keys.has_value());
  return keys.error();
}

std::string decoded(std::string_view text) { return decode_base64url(text).value(); }

}  // namespace

TEST_CASE("signature: each algorithm verifies what its own key has signed and nothing else") {
  for (Algorithm algorithm : public_algorithms) {
    CAPTURE(std::string(name(algorithm)));
    PublicKey key = public_half(key_for(algorithm));
    std::string signature = key_for(algorithm).sign(algorithm, data);
    CHECK(key.verify(algorithm, data, signature));
    CHECK_FALSE(key.verify(algorithm, "header.payloae", signature));
    CHECK_FALSE(key.verify(algorithm, data, ""));
    CHECK_FALSE(key.verify(algorithm, data, signature + '\0'));
    CHECK_FALSE(key.verify(algorithm, data, signature.substr(1)));
    CHECK_FALSE(key.verify(algorithm, data, std::string(signature.size(), '\0')));
    for (size_t index : {size_t{0}, signature.size() / 2, signature.size() - 1}) {
      std::string other = signature;
      other[index] = static_cast<char>(other[index] ^ 1);
      CHECK_FALSE(key.verify(algorithm, data, other));
    }
    for (Algorithm wrong : public_algorithms)
      if (wrong != algorithm) CHECK_FALSE(key.verify(wrong, data, signature));
    for (Algorithm wrong : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512})
      CHECK_FALSE(key.verify(wrong, data, signature));
  }
}

TEST_CASE("signature: a failed verification leaves OpenSSL's error queue empty") {
  PublicKey key = public_half(rsa_key());
  CHECK_FALSE(key.verify(Algorithm::rs256, data, std::string(256, 'x')));
  CHECK(ERR_peek_error() == 0);
  CHECK_FALSE(
      PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").has_value());
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("signature: ECDSA signatures have one length, and r and s lie in 1 to n-1") {
  // The order of P-256.
  std::string order = decoded("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  PublicKey key = public_half(p256_key());
  std::string signature = p256_key().sign(Algorithm::es256, data);
  std::string r = signature.substr(0, 32);
  std::string s = signature.substr(32);
  std::string zero(32, '\0');
  std::string beyond(32, '\xff');
  REQUIRE(key.verify(Algorithm::es256, data, r + s));
  for (const std::string& bad : {zero + s, r + zero, zero + zero, order + s, r + order, beyond + s,
                                 r + beyond, '\0' + r + '\0' + s, r + s + s, r, "\x01" + r + s})
    CHECK_FALSE(key.verify(Algorithm::es256, data, bad));
}

TEST_CASE("signature: the DER form of an ECDSA signature is refused") {
  PublicKey key = public_half(p256_key());
  std::string raw = p256_key().sign(Algorithm::es256, data);
  std::string der = "\x30\x44\x02\x20" + raw.substr(0, 32) + "\x02\x20" + raw.substr(32);
  CHECK_FALSE(key.verify(Algorithm::es256, data, der));
}

TEST_CASE("signature: PKCS#1 and PSS signatures are not taken for each other") {
  PublicKey key = public_half(rsa_key());
  std::string pkcs1 = rsa_key().sign(Algorithm::rs256, data);
  std::string pss = rsa_key().sign(Algorithm::ps256, data);
  CHECK(key.verify(Algorithm::rs256, data, pkcs1));
  CHECK(key.verify(Algorithm::ps256, data, pss));
  CHECK_FALSE(key.verify(Algorithm::ps256, data, pkcs1));
  CHECK_FALSE(key.verify(Algorithm::rs256, data, pss));
}

TEST_CASE("signature: the examples of RFC 7515 A.3 and RFC 8037 A.4 verify") {
  std::string x = decoded(rfc7515_x);
  std::string y = decoded(rfc7515_y);
  auto ec = PublicKey::from_ec(Curve::p256, {.x = x, .y = y});
  REQUIRE_MESSAGE(ec.has_value(), ec.error());
  std::string text = std::string(rfc7515_es256_header) + '.' + std::string(rfc7515_payload);
  CHECK(ec->verify(Algorithm::es256, text, decoded(rfc7515_es256_signature)));

  auto okp = PublicKey::from_ed25519(decoded(rfc8037_x));
  REQUIRE_MESSAGE(okp.has_value(), okp.error());
  CHECK(okp->verify(Algorithm::eddsa, rfc8037_signed_text, decoded(rfc8037_signature)));
}

TEST_CASE("signature: PEM gives keys from public keys and certificates, several and with text between") {
  std::string text = "a remark\n" + rsa_key().public_pem() + "\n" + p256_key().certificate_pem() +
                     p384_key().public_pem() + p521_key().certificate_pem() + ed25519_key().certificate_pem();
  auto keys = PublicKey::from_pem(text);
  REQUIRE_MESSAGE(keys.has_value(), keys.error());
  REQUIRE(keys->size() == 5);
  PublicKey::Kind kinds[] = {PublicKey::Kind::rsa, PublicKey::Kind::p256, PublicKey::Kind::p384,
                             PublicKey::Kind::p521, PublicKey::Kind::ed25519};
  for (size_t index = 0; index < 5; ++index) CHECK((*keys)[index].kind() == kinds[index]);
  CHECK((*keys)[1].verify(Algorithm::es256, data, p256_key().sign(Algorithm::es256, data)));
}

TEST_CASE("signature: a PEM text that is not all public keys is refused with a sentence") {
  CHECK(pem_fault("") == "the text has no PEM block (-----BEGIN PUBLIC KEY-----)");
  CHECK(pem_fault("hello") == "the text has no PEM block (-----BEGIN PUBLIC KEY-----)");
  CHECK(pem_fault(rsa_key().public_pem() + ed25519_key().private_pem()) ==
        "PEM block 2 is a private key; the gateway needs only the public one");
  CHECK(pem_fault(weak_rsa_key().public_pem()) ==
        "PEM block 1: the RSA key has 1024 bits; 2048 to 8192 are taken");
  CHECK(pem_fault("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") ==
        "PEM block 1 cannot be read as a public key");
  CHECK(pem_fault("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n") ==
        "PEM block 1 is neither a public key nor a certificate");
  std::string cut = rsa_key().public_pem();
  cut.resize(cut.size() / 2);
  CHECK(pem_fault(cut) == "PEM block 1 is damaged");
  CHECK(pem_fault(p256_key().public_pem() + cut) == "PEM block 2 is damaged");
}

TEST_CASE("signature: numbers that are no good key are refused") {
  std::string exponent("\x01\x00\x01", 3);
  auto rsa = [&](std::string modulus, std::string e) {
    return PublicKey::from_rsa({.modulus = modulus, .exponent = e}).has_value();
  };
  std::string modulus = decoded(rsa_key().public_jwk()["n"].get<std::string>());
  CHECK(rsa(modulus, exponent));
  CHECK(rsa(modulus, "\x03"));
  CHECK(rsa('\0' + modulus, exponent));
  CHECK_FALSE(rsa(modulus, "\x01"));
  CHECK_FALSE(rsa(modulus, "\x02"));
  CHECK_FALSE(rsa(modulus, std::string(1, '\0')));
  CHECK_FALSE(rsa(modulus, std::string(9, '\x01')));
  CHECK_FALSE(rsa(modulus.substr(1), exponent));
  CHECK_FALSE(rsa(std::string(2000, '\x7f'), exponent));
  CHECK_FALSE(rsa("", ""));
  std::string even = modulus;
  even.back() = static_cast<char>(even.back() & ~1);
  CHECK_FALSE(rsa(even, exponent));

  std::string x = decoded(p256_key().public_jwk()["x"].get<std::string>());
  std::string y = decoded(p256_key().public_jwk()["y"].get<std::string>());
  CHECK(PublicKey::from_ec(Curve::p256, {.x = x, .y = y}).has_value());
  CHECK_FALSE(PublicKey::from_ec(Curve::p256, {.x = x, .y = x}).has_value());
  CHECK_FALSE(PublicKey::from_ec(Curve::p384, {.x = x, .y = y}).has_value());
  CHECK_FALSE(PublicKey::from_ec(Curve::p256, {.x = '\0' + x, .y = y}).has_value());
  CHECK_FALSE(PublicKey::from_ec(Curve::p256, {.x = "", .y = ""}).has_value());
  std::string zero(32, '\0');
  CHECK_FALSE(PublicKey::from_ec(Curve::p256, {.x = zero, .y = zero}).has_value());
  CHECK_FALSE(PublicKey::from_ed25519(std::string(31, 'x')).has_value());
  // The neutral point: with it R = the neutral point and S = 0 would be a signature of every text.
  const auto weak = PublicKey::from_ed25519('\x01' + std::string(31, '\0'));
  REQUIRE_FALSE(weak.has_value());
  CHECK(weak.error() == "the Ed25519 key is a point of small order, or none");
  CHECK(pem_fault("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                  "-----END PUBLIC KEY-----\n") == "PEM block 1: " + weak.error());
}
