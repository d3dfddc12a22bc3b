// The certificate of a client that was verified in its TLS handshake: what rules, headers and logs use of it,
// as plain text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/certificate_files.h"

namespace postern::net {

// Immutable; a connection and what it has opened share it. All texts are printable ASCII: names in the form
// of RFC 2253, numbers in hexadecimal digits, everything else escaped by percent.
struct ClientCertificate {
  std::string subject;                  // "CN=alice,O=Example"
  std::vector<std::string> attributes;  // of the subject, each as it stands there: "CN=alice"
  std::string issuer;
  // The subjectAltName: "DNS:a.example", "URI:spiffe://example/ns/a", "email:a@example.com", "IP:192.0.2.1".
  // A DNS name is in lower case; no text contains a comma.
  std::vector<std::string> alternative_names;
  std::string serial;       // "0A1B"
  std::string fingerprint;  // SHA-256 of the certificate: "e3b0c4…"
  std::string der;          // the certificate itself
  // As it was verified: the client's own first, then those above it, and last one of the authorities. Empty
  // in tests of rules only.
  std::vector<Certificate> chain{};
};

// The texts of `chain`, which must have a certificate.
ClientCertificate describe(std::vector<Certificate> chain);

}  // namespace postern::net
