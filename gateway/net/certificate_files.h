// Certificates, private keys and revocation lists (CRL) as they stand in files, and what an operator should
// know about such a file before it is used.
#pragma once

#include <openssl/x509.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace postern::net {

struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, CertificateFree>;

struct PrivateKeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, PrivateKeyFree>;

struct RevocationListFree {
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
};
using RevocationList = std::unique_ptr<X509_CRL, RevocationListFree>;

struct KeyPairFiles {
  std::string certificate;  // PEM chain, leaf first
  std::string key;          // PEM
};

// Null when the file holds none that can be used.
Certificate read_leaf(const std::string& file);
PrivateKey read_key(const std::string& file);

// Both return everything that the file holds; the error is a sentence that names the file.
tl::expected<std::vector<Certificate>, std::string> read_authorities(const std::string& file);  // PEM
tl::expected<std::vector<RevocationList>, std::string> read_revocation_lists(
    const std::string& file);                                            // PEM, DER
inline constexpr size_t authorities_max = 256;                           // in one file
inline constexpr size_t revocation_file_max = size_t{16} * 1024 * 1024;  // bytes

// Why a file cannot be opened, as a sentence that names it; nothing if it can.
std::optional<std::string> trouble_opening(const std::string& file);

// A name in the form of RFC 2253, in ASCII: "CN=alice,O=Example".
std::string name_text(const X509_NAME* name);

// Seconds since 1970; nothing for a time that cannot be read.
std::optional<int64_t> unix_time(const ASN1_TIME* time);

// When the first certificate, or the first list, of the file expires; nothing if there is none.
std::optional<int64_t> certificates_expire_at(const std::string& file);
std::optional<int64_t> revocation_lists_expire_at(const std::string& file);

// What an operator should know about a file; sentences that name it. With problems it cannot be used;
// warnings are about dates, relative to `now_unix` (seconds).
struct CertificateFindings {
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
};
// `refusing`: who refuses the certificate when it has expired.
CertificateFindings examine_certificate(const KeyPairFiles& files, int64_t now_unix,
                                        std::string_view refusing = "browsers refuse it");
CertificateFindings examine_authorities(const std::string& file, int64_t now_unix);
// `if_expired`: what becomes of clients when a list has expired.
CertificateFindings examine_revocation_lists(const std::string& file, int64_t now_unix,
                                             std::string_view if_expired);

}  // namespace postern::net
