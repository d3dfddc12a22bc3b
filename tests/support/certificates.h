// Certificates made for one run, in a folder that disappears with them.
#pragma once

#include <string>
#include <vector>

#include "net/tls_context.h"
#include "support/temporary_folder.h"

struct evp_pkey_st;
struct x509_st;

namespace postern::support {

// An authority that signs whatever a test asks for.
class CertificateAuthority {
 public:
  enum class KeyType { ecdsa, rsa };

  CertificateAuthority();
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  const std::string& file() const { return file_; }  // PEM, for those who shall trust it
  // A certificate for these DNS names and IP addresses, and its key, as PEM files.
  net::ServerTlsOptions::Files issue(const std::vector<std::string>& names, KeyType type = KeyType::ecdsa);
  // One without subjectAltName.
  net::ServerTlsOptions::Files issue_by_common_name(const std::string& common_name);

 private:
  net::ServerTlsOptions::Files sign(const std::string& common_name, const std::vector<std::string>& names,
                                    KeyType type);

  TemporaryFolder folder_;
  std::string file_;
  evp_pkey_st* key_;
  x509_st* certificate_;
  int issued_ = 0;
};

}  // namespace postern::support
