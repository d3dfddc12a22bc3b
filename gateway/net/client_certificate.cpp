#include "net/client_certificate.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "crypto/digest.h"

namespace postern::net {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

// A name is what its authority has signed, whatever that is: what could end a list, a quoted text or a line
// is escaped.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && c != ',' && c != '"') {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

std::string address_text(std::string_view bytes) {
  std::array<uint8_t, 4> v4{};
  std::array<uint8_t, 16> v6{};
  if (bytes.size() == v4.size()) {
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return base::IpAddress::v4(v4).text();
  }
  if (bytes.size() != v6.size()) return {};
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  return base::IpAddress::v6(v6).text();
}

// Empty for a kind of name that is not shown.
std::string name_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS: return "DNS:" + escaped(base::to_lower(text_of(name.d.dNSName)));
    case GEN_URI: return "URI:" + escaped(text_of(name.d.uniformResourceIdentifier));
    case GEN_EMAIL: return "email:" + escaped(text_of(name.d.rfc822Name));
    case GEN_IPADD: {
      const std::string address = address_text(text_of(name.d.iPAddress));
      return address.empty() ? std::string() : "IP:" + address;
    }
    default: return {};
  }
}

std::vector<std::string> alternative_names_of(const X509* certificate) {
  std::vector<std::string> names;
  auto* all =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i)
    if (std::string name = name_of(*sk_GENERAL_NAME_value(all, i)); !name.empty())
      names.push_back(std::move(name));
  GENERAL_NAMES_free(all);
  return names;
}

std::vector<std::string> attributes_of(const X509_NAME* subject) {
  std::vector<std::string> attributes;
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const std::unique_ptr<X509_NAME, void (*)(X509_NAME*)> one(X509_NAME_new(), X509_NAME_free);
    if (one && X509_NAME_add_entry(one.get(), X509_NAME_get_entry(subject, i), -1, 0) == 1)
      attributes.push_back(name_text(one.get()));
  }
  return attributes;
}

std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), BN_free);
  char* hex = number ? BN_bn2hex(number.get()) : nullptr;
  std::string text = hex ? hex : "";
  OPENSSL_free(hex);
  return text;
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(std::max(size, 0)));
  OPENSSL_free(bytes);
  return der;
}

std::string fingerprint_of(std::string_view der) {
  std::string text;
  for (const uint8_t byte : crypto::sha256(der)) {
    text += base::lower(digits[byte >> 4]);
    text += base::lower(digits[byte & 15]);
  }
  return text;
}

}  // namespace

ClientCertificate describe(std::vector<Certificate> chain) {
  X509* leaf = chain.front().get();
  ClientCertificate certificate;
  certificate.subject = name_text(X509_get_subject_name(leaf));
  certificate.attributes = attributes_of(X509_get_subject_name(leaf));
  certificate.issuer = name_text(X509_get_issuer_name(leaf));
  certificate.alternative_names = alternative_names_of(leaf);
  certificate.serial = serial_of(leaf);
  certificate.der = der_of(leaf);
  certificate.fingerprint = fingerprint_of(certificate.der);
  certificate.chain = std::move(chain);
  ERR_clear_error();
  return certificate;
}

}  // namespace postern::net
