#include "support/odd_signatures.h"

#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/digest.h"
#include "crypto/openssl_handles.h"

namespace postern::support {
namespace {

using base::check;
using crypto::as_octets;
using crypto::BigNumberHandle;

unsigned char* octets_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

BigNumberHandle number(std::string_view octets) {
  return BigNumberHandle(BN_bin2bn(as_octets(octets), static_cast<int>(octets.size()), nullptr));
}

std::string octets(const BIGNUM* number, size_t size) {
  std::string text(size, '\0');
  check(BN_bn2binpad(number, octets_of(text), static_cast<int>(size)) >= 0, "a number fits its size");
  return text;
}

}  // namespace

std::string sign_pss(const SigningKey& key, const PssForm& form, std::string_view data) {
  crypto::DigestContextHandle context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  check(EVP_DigestSignInit_ex(context.get(), &parameters, form.digest, nullptr, nullptr, key.handle(),
                              nullptr) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, form.salt) == 1 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md_name(parameters, form.mask_digest, nullptr) == 1,
        "RSA takes this form of PSS");
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key.handle())), '\0');
  size_t size = signature.size();
  check(EVP_DigestSign(context.get(), octets_of(signature), &size, as_octets(data), data.size()) == 1,
        "the key signs");
  return signature;
}

std::string sign_block(const SigningKey& key, std::string_view block) {
  crypto::KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.handle(), nullptr));
  check(EVP_PKEY_sign_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1,
        "RSA signs without padding");
  std::string signature(block.size(), '\0');
  size_t size = signature.size();
  check(EVP_PKEY_sign(context.get(), octets_of(signature), &size, as_octets(block), block.size()) == 1,
        "a block below the modulus is signed");
  return signature;
}

std::string pkcs1_block(std::string_view content, size_t size, char filler) {
  std::string block("\x00\x01", 2);
  block.append(size - 3 - content.size(), filler);
  block += '\0';
  return block.append(content);
}

std::string sha256_digest_info(std::string_view data) {
  constexpr std::string_view head(
      "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
  const crypto::Sha256Digest digest = crypto::sha256(data);
  return std::string(head).append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string der_of(std::string_view raw) {
  crypto::EcdsaSignatureHandle signature(ECDSA_SIG_new());
  check(ECDSA_SIG_set0(signature.get(), number(raw.substr(0, raw.size() / 2)).release(),
                       number(raw.substr(raw.size() / 2)).release()) == 1,
        "a signature takes its numbers");
  std::string der(static_cast<size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)), '\0');
  unsigned char* out = octets_of(der);
  i2d_ECDSA_SIG(signature.get(), &out);
  return der;
}

std::string curve_order(crypto::Curve curve) {
  constexpr int names[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
  const std::unique_ptr<EC_GROUP, crypto::OpensslFree<EC_GROUP_free>> group(
      EC_GROUP_new_by_curve_name(names[static_cast<size_t>(curve)]));
  const BIGNUM* order = EC_GROUP_get0_order(group.get());
  return octets(order, static_cast<size_t>(BN_num_bytes(order)));
}

std::string sum(std::string_view left, std::string_view right) {
  BigNumberHandle result(BN_new());
  BN_add(result.get(), number(left).get(), number(right).get());
  return octets(result.get(), left.size());
}

std::string difference(std::string_view left, std::string_view right) {
  BigNumberHandle result(BN_new());
  BN_sub(result.get(), number(left).get(), number(right).get());
  return octets(result.get(), left.size());
}

std::string with_larger_s(std::string_view signature) {
  // Ed25519 writes numbers in little-endian order (RFC 8032 section 5.1).
  constexpr std::string_view order(
      "\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
      "\x14\xde\xf9\xde\xa2\xf7\x9c\xd6\x58\x12\x63\x1a\x5c\xf5\xd3\xed",
      32);
  std::string s(signature.substr(32));
  std::reverse(s.begin(), s.end());
  s = sum(s, order);
  std::reverse(s.begin(), s.end());
  return std::string(signature.substr(0, 32)) + s;
}

}  // namespace postern::support
