#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace postern::crypto {
namespace {

const char* digest_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256: return "SHA256";
    case Algorithm::hs384: return "SHA384";
    case Algorithm::hs512: return "SHA512";
    default: return nullptr;
  }
}

}  // namespace

bool constant_time_equal(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

void HmacKey::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

HmacKey::HmacKey(Algorithm algorithm, std::string_view secret) : algorithm_(algorithm) {
  base::check(family(algorithm) == AlgorithmFamily::hmac, "an HmacKey is for HS256, HS384 or HS512");
  base::check(!secret.empty(), "a shared secret is not empty");
  MacHandle mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  base::check(mac != nullptr, "libcrypto has HMAC");
  keyed_.reset(EVP_MAC_CTX_new(mac.get()));
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest_name(algorithm)), 0),
      OSSL_PARAM_construct_end()};
  base::check(
      keyed_ != nullptr && EVP_MAC_init(keyed_.get(), as_octets(secret), secret.size(), parameters) == 1,
      "HMAC takes any secret");
}

std::string HmacKey::sign(std::string_view data) const {
  // Works on a copy of the keyed state: the key is hashed only once, and threads share no mutable state.
  MacContextHandle context(EVP_MAC_CTX_dup(keyed_.get()));
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  size_t written = 0;
  bool done =
      context != nullptr && EVP_MAC_update(context.get(), as_octets(data), data.size()) == 1 &&
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &written, mac.size()) == 1;
  base::check(done, "a mac of bytes in memory cannot fail");
  mac.resize(written);
  return mac;
}

bool HmacKey::verify(std::string_view data, std::string_view mac) const {
  return constant_time_equal(sign(data), mac);
}

}  // namespace postern::crypto
