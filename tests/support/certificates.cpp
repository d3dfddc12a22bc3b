#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/ip_address.h"

namespace postern::support {
namespace {

using base::check;
using File = std::unique_ptr<BIO, int (*)(BIO*)>;

EVP_PKEY* make_key(CertificateAuthority::KeyType type) {
  EVP_PKEY* key = type == CertificateAuthority::KeyType::rsa
                      ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  check(key != nullptr, "a key for a test certificate");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
        "an extension of a test certificate");
  X509_EXTENSION_free(extension);
}

X509* make_certificate(EVP_PKEY* key, const std::string& common_name, long serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

void write_certificate(const std::string& path, X509* certificate) {
  const File file(BIO_new_file(path.c_str(), "w"), BIO_free);
  check(file && PEM_write_bio_X509(file.get(), certificate) == 1, "a test certificate can be written");
}

void write_key(const std::string& path, EVP_PKEY* key) {
  const File file(BIO_new_file(path.c_str(), "w"), BIO_free);
  check(file && PEM_write_bio_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "a test key can be written");
}

}  // namespace

CertificateAuthority::CertificateAuthority()
    : file_(folder_.file("ca.pem")),
      key_(make_key(KeyType::ecdsa)),
      certificate_(make_certificate(key_, "Test CA", 1)) {
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  add_extension(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_, certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
  check(X509_sign(certificate_, key_, EVP_sha256()) > 0, "a test authority signs itself");
  write_certificate(file_, certificate_);
}

CertificateAuthority::~CertificateAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

net::ServerTlsOptions::Files CertificateAuthority::issue(const std::vector<std::string>& names,
                                                         KeyType type) {
  return sign(names.front(), names, type);
}

std::string CertificateAuthority::revoke(const std::vector<int>& numbers) {
  const std::unique_ptr<X509_CRL, void (*)(X509_CRL*)> list(X509_CRL_new(), X509_CRL_free);
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)> time(X509_gmtime_adj(nullptr, -60), ASN1_TIME_free);
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_));
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  X509_gmtime_adj(time.get(), 3600);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  for (const int number : numbers) {
    X509_REVOKED* entry = X509_REVOKED_new();
    const std::unique_ptr<ASN1_INTEGER, void (*)(ASN1_INTEGER*)> serial(ASN1_INTEGER_new(),
                                                                        ASN1_INTEGER_free);
    ASN1_INTEGER_set(serial.get(), number + 1);
    X509_REVOKED_set_serialNumber(entry, serial.get());
    X509_REVOKED_set_revocationDate(entry, time.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  check(X509_CRL_sign(list.get(), key_, EVP_sha256()) > 0, "a test authority signs a list");
  const std::string path = folder_.file("revoked" + std::to_string(++lists_) + ".crl");
  const File file(BIO_new_file(path.c_str(), "w"), BIO_free);
  check(file && PEM_write_bio_X509_CRL(file.get(), list.get()) == 1, "a test list can be written");
  return path;
}

net::ServerTlsOptions::Files CertificateAuthority::issue_by_common_name(const std::string& common_name) {
  return sign(common_name, {}, KeyType::ecdsa);
}

net::ServerTlsOptions::Files CertificateAuthority::sign(const std::string& common_name,
                                                        const std::vector<std::string>& names, KeyType type) {
  const std::string number = std::to_string(++issued_);
  EVP_PKEY* key = make_key(type);
  X509* certificate = make_certificate(key, common_name, issued_ + 1);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  std::string alternatives;
  for (const std::string& name : names) {
    if (!alternatives.empty()) alternatives += ',';
    alternatives += (base::IpAddress::parse(name) ? "IP:" : "DNS:") + name;
  }
  if (!alternatives.empty()) add_extension(certificate, certificate_, NID_subject_alt_name, alternatives);
  add_extension(certificate, certificate_, NID_basic_constraints, "critical,CA:FALSE");
  check(X509_sign(certificate, key_, EVP_sha256()) > 0, "a test authority signs");
  net::ServerTlsOptions::Files files{folder_.file("certificate" + number + ".pem"),
                                     folder_.file("key" + number + ".pem")};
  write_certificate(files.certificate, certificate);
  write_key(files.key, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace postern::support
