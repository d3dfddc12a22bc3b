// Owning handles for OpenSSL's objects, and a guard that keeps its error queue clean. Included only by the
// .cpp files of this module and by tests.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>

namespace postern::crypto {

template <auto free_function>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using BioHandle = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using BigNumberHandle = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using EcdsaSignatureHandle = std::unique_ptr<ECDSA_SIG, OpensslFree<ECDSA_SIG_free>>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using KeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using MacHandle = std::unique_ptr<EVP_MAC, OpensslFree<EVP_MAC_free>>;
using MacContextHandle = std::unique_ptr<EVP_MAC_CTX, OpensslFree<EVP_MAC_CTX_free>>;
using ParameterBuilderHandle = std::unique_ptr<OSSL_PARAM_BLD, OpensslFree<OSSL_PARAM_BLD_free>>;
using ParametersHandle = std::unique_ptr<OSSL_PARAM, OpensslFree<OSSL_PARAM_free>>;
using CertificateHandle = std::unique_ptr<X509, OpensslFree<X509_free>>;

// Clears OpenSSL's error queue at the beginning and the end of an operation. The queue is per thread and
// SSL_get_error reads it: an error left behind by a failed verification would end an unrelated connection.
// Every operation begins with one of these guards.
class CleanErrorQueue {
 public:
  CleanErrorQueue() { ERR_clear_error(); }
  ~CleanErrorQueue() { ERR_clear_error(); }
  CleanErrorQueue(const CleanErrorQueue&) = delete;
  CleanErrorQueue& operator=(const CleanErrorQueue&) = delete;
};

inline const unsigned char* as_octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace postern::crypto
