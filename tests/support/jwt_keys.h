// Private keys for tests, and the signing that the gateway itself cannot do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/algorithm.h"
#include "crypto/signature.h"

struct evp_pkey_st;

namespace postern::support {

// A private key generated for this run; copies share it.
class SigningKey {
 public:
  static SigningKey rsa(int bits);
  static SigningKey ec(crypto::Curve curve);
  static SigningKey ed25519();

  // Returns the signature in the form of a JWS (RFC 7518 section 3): ECDSA as r||s.
  std::string sign(crypto::Algorithm algorithm, std::string_view data) const {
    return sign(algorithm, algorithm, data);
  }
  // The same over the digest of another algorithm, which no verifier may accept.
  std::string sign(crypto::Algorithm form, crypto::Algorithm digest, std::string_view data) const;

  std::string public_pem() const;       // SubjectPublicKeyInfo
  std::string private_pem() const;      // PKCS #8
  std::string certificate_pem() const;  // signed with the key itself
  base::Json public_jwk() const;        // without kid, alg and use

  evp_pkey_st* handle() const { return key_.get(); }  // for signatures of forms that sign() does not make

 private:
  explicit SigningKey(evp_pkey_st* key);
  std::shared_ptr<evp_pkey_st> key_;
};

// One key of each kind per process, generated at the first use because RSA keys are slow to generate.
const SigningKey& rsa_key();        // 2048 bits
const SigningKey& other_rsa_key();  // another one of 2048 bits
const SigningKey& weak_rsa_key();   // 1024 bits
const SigningKey& p256_key();
const SigningKey& p384_key();
const SigningKey& p521_key();
const SigningKey& ed25519_key();

// The key of this process that fits an RS, PS, ES or EdDSA algorithm.
const SigningKey& key_for(crypto::Algorithm algorithm);

// Joins these texts to a JWS in compact form, without validating them; `signature` is in bytes.
std::string join_token(std::string_view header, std::string_view payload, std::string_view signature);

// Header and payload in the form that is signed, with the dot between them.
std::string signed_text(std::string_view header, std::string_view payload);

// A token signed by `key`, with the header {"alg": algorithm} and, if it is not empty, "kid".
std::string make_token(const SigningKey& key, crypto::Algorithm algorithm, const base::Json& claims,
                       std::string_view kid = {});

// The same with any header; the algorithm only selects how to sign.
std::string make_token_with_header(const SigningKey& key, crypto::Algorithm algorithm,
                                   std::string_view header, std::string_view payload);

// A token signed with a shared secret, with any header.
std::string make_hmac_token(crypto::Algorithm algorithm, std::string_view secret, std::string_view header,
                            std::string_view payload);

}  // namespace postern::support
