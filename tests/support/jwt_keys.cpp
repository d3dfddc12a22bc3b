#include "support/jwt_keys.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "crypto/openssl_handles.h"

namespace postern::support {
namespace {

using base::check;
using crypto::Algorithm;
using crypto::AlgorithmFamily;

std::string text_of(BIO* memory) {
  char* data = nullptr;
  long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string number_text(const EVP_PKEY* key, const char* parameter, size_t size) {
  BIGNUM* raw = nullptr;
  check(EVP_PKEY_get_bn_param(key, parameter, &raw) == 1, "a test key has its numbers");
  crypto::BigNumberHandle number(raw);
  if (size == 0) size = static_cast<size_t>(BN_num_bytes(raw));
  std::string octets(size, '\0');
  check(BN_bn2binpad(raw, reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(size)) >= 0,
        "a number fits its size");
  return crypto::encode_base64url(octets);
}

struct CurveName {
  const char* jwk;
  size_t size;
};

CurveName curve_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_bits(key)) {
    case 256: return {"P-256", 32};
    case 384: return {"P-384", 48};
    default: return {"P-521", 66};
  }
}

const EVP_MD* digest_for(Algorithm algorithm) {
  std::string_view text = name(algorithm);
  if (text.ends_with("256")) return EVP_sha256();
  if (text.ends_with("384")) return EVP_sha384();
  if (text.ends_with("512")) return EVP_sha512();
  return nullptr;
}

// Converts the DER form that OpenSSL writes to raw r||s.
std::string raw_ecdsa(std::string_view der, size_t size) {
  const unsigned char* at = crypto::as_octets(der);
  crypto::EcdsaSignatureHandle signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  check(signature != nullptr, "OpenSSL reads its own signature");
  std::string raw(2 * size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  check(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, static_cast<int>(size)) >= 0 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + size, static_cast<int>(size)) >= 0,
        "r and s fit the curve");
  return raw;
}

}  // namespace

SigningKey::SigningKey(evp_pkey_st* key) : key_(key, EVP_PKEY_free) {
  check(key != nullptr, "OpenSSL makes a key");
}

SigningKey SigningKey::rsa(int bits) { return SigningKey(EVP_RSA_gen(static_cast<unsigned int>(bits))); }

SigningKey SigningKey::ec(crypto::Curve curve) {
  constexpr const char* names[] = {"P-256", "P-384", "P-521"};
  return SigningKey(EVP_EC_gen(names[static_cast<size_t>(curve)]));
}

SigningKey SigningKey::ed25519() { return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

std::string SigningKey::sign(Algorithm algorithm, Algorithm digest, std::string_view data) const {
  crypto::DigestContextHandle context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  check(EVP_DigestSignInit(context.get(), &parameters, digest_for(digest), nullptr, key_.get()) == 1,
        "the key signs with this algorithm");
  if (family(algorithm) == AlgorithmFamily::rsa_pss)
    check(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1,
          "RSA takes PSS");
  size_t size = 0;
  check(EVP_DigestSign(context.get(), nullptr, &size, crypto::as_octets(data), data.size()) == 1,
        "a signature has a size");
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  check(EVP_DigestSign(context.get(), out, &size, crypto::as_octets(data), data.size()) == 1,
        "the key signs");
  signature.resize(size);
  if (family(algorithm) == AlgorithmFamily::ecdsa) return raw_ecdsa(signature, curve_of(key_.get()).size);
  return signature;
}

std::string SigningKey::public_pem() const {
  crypto::BioHandle memory(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PUBKEY(memory.get(), key_.get()) == 1, "a public key is written");
  return text_of(memory.get());
}

std::string SigningKey::private_pem() const {
  crypto::BioHandle memory(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "a private key is written");
  return text_of(memory.get());
}

std::string SigningKey::certificate_pem() const {
  crypto::CertificateHandle certificate(X509_new());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, crypto::as_octets("test"), 4, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key_.get());
  const EVP_MD* digest = EVP_PKEY_is_a(key_.get(), "ED25519") ? nullptr : EVP_sha256();
  check(X509_sign(certificate.get(), key_.get(), digest) > 0, "a certificate is signed");
  crypto::BioHandle memory(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(memory.get(), certificate.get()) == 1, "a certificate is written");
  return text_of(memory.get());
}

base::Json SigningKey::public_jwk() const {
  if (EVP_PKEY_is_a(key_.get(), "RSA"))
    return {{"kty", "RSA"},
            {"n", number_text(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0)},
            {"e", number_text(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0)}};
  if (EVP_PKEY_is_a(key_.get(), "EC")) {
    CurveName curve = curve_of(key_.get());
    return {{"kty", "EC"},
            {"crv", curve.jwk},
            {"x", number_text(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, curve.size)},
            {"y", number_text(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, curve.size)}};
  }
  std::string x(32, '\0');
  size_t size = x.size();
  check(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1,
        "an Ed25519 key has 32 bytes");
  return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", crypto::encode_base64url(x)}};
}

const SigningKey& rsa_key() {
  static const SigningKey key = SigningKey::rsa(2048);
  return key;
}

const SigningKey& other_rsa_key() {
  static const SigningKey key = SigningKey::rsa(2048);
  return key;
}

const SigningKey& weak_rsa_key() {
  static const SigningKey key = SigningKey::rsa(1024);
  return key;
}

const SigningKey& p256_key() {
  static const SigningKey key = SigningKey::ec(crypto::Curve::p256);
  return key;
}

const SigningKey& p384_key() {
  static const SigningKey key = SigningKey::ec(crypto::Curve::p384);
  return key;
}

const SigningKey& p521_key() {
  static const SigningKey key = SigningKey::ec(crypto::Curve::p521);
  return key;
}

const SigningKey& ed25519_key() {
  static const SigningKey key = SigningKey::ed25519();
  return key;
}

const SigningKey& key_for(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::es256: return p256_key();
    case Algorithm::es384: return p384_key();
    case Algorithm::es512: return p521_key();
    case Algorithm::eddsa: return ed25519_key();
    default: break;
  }
  check(family(algorithm) != AlgorithmFamily::hmac, "a shared secret is no key pair");
  return rsa_key();
}

std::string signed_text(std::string_view header, std::string_view payload) {
  return crypto::encode_base64url(header) + '.' + crypto::encode_base64url(payload);
}

std::string join_token(std::string_view header, std::string_view payload, std::string_view signature) {
  return signed_text(header, payload) + '.' + crypto::encode_base64url(signature);
}

std::string make_token(const SigningKey& key, Algorithm algorithm, const base::Json& claims,
                       std::string_view kid) {
  base::Json header = {{"alg", name(algorithm)}, {"typ", "JWT"}};
  if (!kid.empty()) header["kid"] = kid;
  return make_token_with_header(key, algorithm, header.dump(), claims.dump());
}

std::string make_token_with_header(const SigningKey& key, Algorithm algorithm, std::string_view header,
                                   std::string_view payload) {
  return join_token(header, payload, key.sign(algorithm, signed_text(header, payload)));
}

std::string make_hmac_token(Algorithm algorithm, std::string_view secret, std::string_view header,
                            std::string_view payload) {
  crypto::HmacKey key(algorithm, secret);
  return join_token(header, payload, key.sign(signed_text(header, payload)));
}

}  // namespace postern::support
