// Implements PublicKey::from_pem.
#include <openssl/pem.h>

#include "crypto/openssl_handles.h"
#include "crypto/signature.h"

namespace postern::crypto {
namespace {

constexpr size_t most_text = 1024 * 1024;
constexpr size_t most_keys = 64;

struct OpensslBufferFree {
  template <class T>
  void operator()(T* buffer) const {
    OPENSSL_free(buffer);
  }
};

struct Block {
  std::unique_ptr<char, OpensslBufferFree> name;
  std::unique_ptr<char, OpensslBufferFree> header;
  std::unique_ptr<unsigned char, OpensslBufferFree> data;
  long size = 0;
};

tl::unexpected<std::string> refuse(std::string sentence) {
  return tl::unexpected<std::string>(std::move(sentence));
}

// Returns the key in the block, which must fill the block to the last byte; null when it cannot be read.
KeyHandle key_in(const Block& block) {
  std::string_view name = block.name.get();
  const unsigned char* at = block.data.get();
  const unsigned char* end = at + block.size;
  KeyHandle key;
  if (name == PEM_STRING_PUBLIC) {
    key.reset(d2i_PUBKEY(nullptr, &at, block.size));
  } else if (name == PEM_STRING_RSA_PUBLIC) {
    key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, block.size));
  } else {
    CertificateHandle certificate(d2i_X509(nullptr, &at, block.size));
    if (certificate) key.reset(X509_get_pubkey(certificate.get()));
  }
  return at == end ? std::move(key) : nullptr;
}

}  // namespace

tl::expected<std::vector<PublicKey>, std::string> PublicKey::from_pem(std::string_view text) {
  CleanErrorQueue clean;
  if (text.size() > most_text) return refuse("the PEM text is larger than 1 MiB");
  BioHandle source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!source) return refuse("there is no memory to read the PEM text");

  std::vector<PublicKey> keys;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(source.get(), &name, &header, &data, &size) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) break;
      return refuse("PEM block " + std::to_string(keys.size() + 1) + " is damaged");
    }
    Block block;
    block.name.reset(name);
    block.header.reset(header);
    block.data.reset(data);
    block.size = size;

    std::string which = "PEM block " + std::to_string(keys.size() + 1);
    std::string_view label = name;
    if (label.ends_with("PRIVATE KEY"))
      return refuse(which + " is a private key; the gateway needs only the public one");
    if (label != PEM_STRING_PUBLIC && label != PEM_STRING_RSA_PUBLIC && label != PEM_STRING_X509)
      return refuse(which + " is neither a public key nor a certificate");
    if (keys.size() == most_keys) return refuse("the PEM text has more than 64 keys");
    KeyHandle key = key_in(block);
    if (!key) return refuse(which + " cannot be read as a public key");
    Made made = adopt(key.release());
    if (!made) return refuse(which + ": " + made.error());
    keys.push_back(std::move(*made));
    ERR_clear_error();
  }
  if (keys.empty()) return refuse("the text has no PEM block (-----BEGIN PUBLIC KEY-----)");
  return keys;
}

}  // namespace postern::crypto
