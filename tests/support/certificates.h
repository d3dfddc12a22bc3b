// A certificate authority for one test run, with its files in a temporary folder.
#pragma once

#include <string>
#include <vector>

#include "net/tls_context.h"
#include "support/temporary_folder.h"

struct evp_pkey_st;
struct x509_st;

namespace postern::support {

// An authority that signs any certificate that a test needs.
class CertificateAuthority {
 public:
  enum class KeyType { ecdsa, rsa };

  CertificateAuthority();
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  const std::string& file() const { return file_; }  // PEM, for the peers that must trust it
  // Issues a certificate for these DNS names and IP addresses; returns the PEM files of the certificate and
  // of its key.
  net::ServerTlsOptions::Files issue(const std::vector<std::string>& names, KeyType type = KeyType::ecdsa);
  // Returns a file with a list that revokes the certificates issued so far with these numbers, the first
  // being 1.
  std::string revoke(const std::vector<int>& numbers);
  // Issues a certificate without subjectAltName.
  net::ServerTlsOptions::Files issue_by_common_name(const std::string& common_name);

 private:
  net::ServerTlsOptions::Files sign(const std::string& common_name, const std::vector<std::string>& names,
                                    KeyType type);

  TemporaryFolder folder_;
  std::string file_;
  evp_pkey_st* key_;
  x509_st* certificate_;
  int issued_ = 0;
  int lists_ = 0;
};

}  // namespace postern::support
