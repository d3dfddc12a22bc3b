// Judges the certificate that a client has shown in its TLS handshake, where it was verified already: a route
// may require one, take only some, and tell its endpoint what stands in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/client_certificate.h"
#include "policy/policy.h"

namespace postern::policy {

// What an endpoint can be told.
enum class CertificateValue : uint8_t {
  subject,
  issuer,
  alternative_names,  // all in one field, separated by commas
  serial,
  fingerprint,
  verified,     // SUCCESS or NONE, as nginx writes them
  certificate,  // the certificate itself, as RFC 9440 has it in Client-Cert
};

struct CertificateField {
  CertificateValue value = CertificateValue::subject;
  std::string header;
};

struct ClientCertificateOptions {
  bool required = true;  // false: who shows none passes
  // Which certificates are taken, see is_listed(); both empty: all.
  std::vector<std::string> subjects;
  std::vector<std::string> names;
  std::vector<CertificateField> forward;
  std::string route;  // its name, for the log
};

// Whether an entry of one of the lists fits. A subject is the whole one ("CN=alice,O=Example"), or one
// attribute of it
// ("CN=alice"), in the form of RFC 2253. A name is an alternative name with its kind ("DNS:a.example"); a "*"
// at the beginning of a DNS name is one label, and one at the end of a URI is any text.
bool is_listed(const net::ClientCertificate& certificate, const std::vector<std::string>& subjects,
               const std::vector<std::string>& names);

// A value as text for a header field or a log line: ASCII without control characters.
std::string certificate_text(CertificateValue value, const net::ClientCertificate& certificate);

// The fields for the endpoint are such as no client can send (proxy::Snapshot::claim_fields). A preflight
// carries no credentials and passes where the endpoint answers it, as with tokens.
class ClientCertificatePolicy final : public Policy {
 public:
  explicit ClientCertificatePolicy(ClientCertificateOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "client_certificate"; }
  Verdict judge(RequestContext& context) const override;

 private:
  void forward(RequestContext& context) const;

  ClientCertificateOptions options_;
};

}  // namespace postern::policy
