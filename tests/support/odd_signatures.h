// Signatures of forms that no proper signer makes, and the numbers of which they are made.
#pragma once

#include <string>
#include <string_view>

#include "crypto/signature.h"
#include "support/jwt_keys.h"

namespace postern::support {

struct PssForm {
  const char* digest = "SHA256";
  const char* mask_digest = "SHA256";  // of MGF1
  int salt = 32;                       // bytes
};

// An RSA-PSS signature of any form.
std::string sign_pss(const SigningKey& key, const PssForm& form, std::string_view data);

// The private RSA operation on a block of the modulus' size, without any padding of its own.
std::string sign_block(const SigningKey& key, std::string_view block);

// A PKCS#1 block of `size` bytes as it is signed: 00 01, `filler` as often as it fits, 00, `content`.
std::string pkcs1_block(std::string_view content, size_t size = 256, char filler = '\xff');

// The SHA-256 DigestInfo of `data` (RFC 8017 section 9.2), in DER.
std::string sha256_digest_info(std::string_view data);

// An ECDSA signature r||s in DER.
std::string der_of(std::string_view raw);

// The order of the curve's group, of the size of r.
std::string curve_order(crypto::Curve curve);

// Big-endian numbers; the results have the size of `left`, and must fit it.
std::string sum(std::string_view left, std::string_view right);
std::string difference(std::string_view left, std::string_view right);

// S + L of an Ed25519 signature R||S, where L is the order of the group: the same number to who reduces it.
std::string with_larger_s(std::string_view signature);

}  // namespace postern::support
