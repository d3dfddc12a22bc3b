#include "net/tls_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "net/certificate_files.h"
#include "net/tls_context.h"

namespace postern::net {
namespace {

constexpr size_t names_shown = 4;  // names shown from a list that the peer chose
constexpr size_t name_shown = 32;  // bytes shown of each name
constexpr size_t subject_shown = 200;

thread_local std::string refused_protocols;

struct RefusedCertificate {
  std::string subject;
  int depth = 0;
};
thread_local RefusedCertificate refused_certificate;

// The application data of a client's SSL object when its server wants a certificate that it has not.
char certificate_wanted[] = "wanted";

void append_name(std::string& list, size_t index, std::string_view name) {
  if (index > names_shown) return;
  if (index > 0) list += ", ";
  if (index == names_shown) {
    list += "...";
    return;
  }
  for (const char letter : name.substr(0, name_shown)) list += letter > ' ' && letter <= '~' ? letter : '?';
}

std::string version_name(int version) {
  switch (version) {
    case SSL3_VERSION: return "SSL 3.0";
    case TLS1_VERSION: return "TLS 1.0";
    case TLS1_1_VERSION: return "TLS 1.1";
    case TLS1_2_VERSION: return "TLS 1.2";
    default: return "TLS 1.3";
  }
}

std::string offered_ciphers(SSL* ssl) {
  std::string list;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_get_client_ciphers(ssl);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i)
    append_name(list, static_cast<size_t>(i), SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
  return list.empty() ? "none that is known here" : list;
}

bool has_alternative_names(SSL* ssl) {
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  const X509* leaf = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : nullptr;
  return leaf && X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
}

std::string unverified(SSL* ssl, long result) {
  const bool by_name = result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (by_name && !has_alternative_names(ssl))
    return "certificate: it has no subjectAltName for the name that was asked for; a common name is "
           "not taken for one (RFC 9525)";
  return std::string("certificate: ") + X509_verify_cert_error_string(result);
}

// Why a client's certificate, or one above it, is refused.
std::string why_refused(long result) {
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "no authority of client_certificates.ca has signed it";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "another authority than that in client_certificates.ca has signed it, in its name";
    case X509_V_ERR_CERT_HAS_EXPIRED: return "it has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "it is not valid yet";
    case X509_V_ERR_CERT_REVOKED: return "it is revoked";
    case X509_V_ERR_INVALID_PURPOSE:
      return "it is not meant for clients (its extendedKeyUsage has no clientAuth)";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return "more certificates stand above it than client_certificates.depth allows";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "client_certificates.crl has no list of the authority that signed it";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "the revocation list of the authority that signed it has expired (client_certificates.crl)";
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "the revocation list of the authority that signed it is not valid yet (client_certificates.crl)";
    default: return X509_verify_cert_error_string(result);
  }
}

std::string refused_client(long result) {
  const std::string who = refused_certificate.depth == 0 ? "the client's certificate "
                                                         : "above the client's certificate, that of ";
  return who + refused_certificate.subject.substr(0, subject_shown) + " is refused: " + why_refused(result);
}

// What the peer's alert (RFC 8446 section 6.2) says about our certificate; empty for other alerts.
std::string_view complaint_about_certificate(int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA: return "it does not know the authority that signed it";
    case SSL_AD_CERTIFICATE_EXPIRED: return "it has expired";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN: return "it does not trust it, or not for the name it asked for";
    default: return {};
  }
}

// The same of the certificate that we have shown to a server.
std::string_view complaint_about_client(int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA: return "it does not know the authority that signed it";
    case SSL_AD_CERTIFICATE_EXPIRED: return "it has expired";
    case SSL_AD_CERTIFICATE_REVOKED: return "it is revoked";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_ACCESS_DENIED: return "it does not take it";
    default: return {};
  }
}

// In TLS 1.2 no alert says that it is the certificate which is missing; servers send one of these.
bool is_about_missing_certificate(int alert) {
  return alert == SSL_AD_HANDSHAKE_FAILURE || !complaint_about_client(alert).empty();
}

std::string client_words(SSL* ssl, int reason) {
  switch (reason) {
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return "the client offers by ALPN only what is not spoken here (" + refused_protocols +
             "); this listener speaks http/1.1";
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return "the client offers no newer version than " + version_name(SSL_client_version(ssl)) +
             "; this listener takes " + version_name(static_cast<int>(SSL_get_min_proto_version(ssl))) +
             " and newer";
    case SSL_R_NO_SHARED_CIPHER:
      return "the client offers no cipher that this listener and its certificate take; it offers " +
             offered_ciphers(ssl);
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return "the client offers no key exchange group that is used here (X25519, P-256, P-384)";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "the client shows no certificate, and this listener requires one (client_certificates)";
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return refused_client(SSL_get_verify_result(ssl));
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return "the client offers no signature algorithm that the listener's certificate can be used with";
    default: return {};
  }
}

}  // namespace

std::string handshake_failure(SSL* ssl) {
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  std::string words;
  if (SSL_is_server(ssl)) {
    const std::string_view complaint = complaint_about_certificate(reason - SSL_AD_REASON_OFFSET);
    words = complaint.empty()
                ? client_words(ssl, reason)
                : "the client refuses the certificate of this listener: " + std::string(complaint);
  } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    words = unverified(ssl, SSL_get_verify_result(ssl));
  } else {
    words = refusal_by_server(ssl);
  }
  if (words.empty()) return tls_failure_reason();
  ERR_clear_error();
  return words;
}

std::string refusal_by_server(SSL* ssl) {
  const int alert = ERR_GET_REASON(ERR_peek_last_error()) - SSL_AD_REASON_OFFSET;
  const bool is_wanted = SSL_get_app_data(ssl) == certificate_wanted;
  if (alert == SSL_AD_CERTIFICATE_REQUIRED || (is_wanted && is_about_missing_certificate(alert)))
    return "the endpoint asks for a client certificate, and the upstream has none for it "
           "(upstreams.NAME.tls)";
  const std::string_view complaint = complaint_about_client(alert);
  return complaint.empty()
             ? std::string()
             : "the endpoint refuses the client certificate of the upstream: " + std::string(complaint);
}

void note_certificate_wanted(SSL* ssl) { SSL_set_app_data(ssl, certificate_wanted); }

void note_refused_certificate(X509* certificate, int depth) {
  refused_certificate = {certificate ? name_text(X509_get_subject_name(certificate)) : std::string(), depth};
}

void note_refused_protocols(std::string_view wire_form) {
  refused_protocols.clear();
  for (size_t index = 0; !wire_form.empty(); ++index) {
    const size_t size =
        std::min(static_cast<size_t>(static_cast<uint8_t>(wire_form.front())), wire_form.size() - 1);
    append_name(refused_protocols, index, wire_form.substr(1, size));
    wire_form.remove_prefix(1 + size);
  }
}

}  // namespace postern::net
