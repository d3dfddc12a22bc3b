#include "crypto/digest.h"

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace postern::crypto {
namespace {

// Fetching an algorithm by name costs more than hashing a short text, so each thread keeps one context per
// digest: EVP_DigestInit_ex2 on a context that already has the algorithm only resets it.
template <size_t size>
class Hasher {
 public:
  explicit Hasher(const char* name) : context_(EVP_MD_CTX_new()) {
    EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
    base::check(digest != nullptr && context_ != nullptr, "libcrypto has the SHA digests");
    base::check(EVP_DigestInit_ex2(context_.get(), digest, nullptr) == 1, "a digest context starts");
    EVP_MD_free(digest);  // the context holds its own reference
  }

  std::array<uint8_t, size> digest(std::string_view first, std::string_view second) {
    std::array<uint8_t, size> result;
    unsigned int written = 0;
    bool done = EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1 &&
                EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1 &&
                EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1 &&
                EVP_DigestFinal_ex(context_.get(), result.data(), &written) == 1;
    base::check(done && written == size, "a digest of bytes in memory cannot fail");
    return result;
  }

 private:
  DigestContextHandle context_;
};

}  // namespace

Sha1Digest sha1(std::string_view bytes) {
  thread_local Hasher<20> hasher("SHA1");
  return hasher.digest(bytes, {});
}

Sha256Digest sha256(std::string_view bytes) { return sha256(bytes, {}); }

Sha256Digest sha256(std::string_view first, std::string_view second) {
  thread_local Hasher<32> hasher("SHA256");
  return hasher.digest(first, second);
}

Sha384Digest sha384(std::string_view bytes) {
  thread_local Hasher<48> hasher("SHA384");
  return hasher.digest(bytes, {});
}

Sha512Digest sha512(std::string_view bytes) {
  thread_local Hasher<64> hasher("SHA512");
  return hasher.digest(bytes, {});
}

}  // namespace postern::crypto
