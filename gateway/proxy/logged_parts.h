// Which parts of what a client has shown the access log names.
#pragma once

namespace postern::proxy {

// Of a verified token.
struct TokenParts {
  bool provider = false;
  bool subject = false;
  bool subject_hash = false;
  bool id = false;
  bool rule = false;
  bool any() const { return provider || subject || subject_hash || id || rule; }
};

// Of a client certificate.
struct CertificateParts {
  bool subject = false;
  bool alternative_names = false;
  bool serial = false;
  bool fingerprint = false;
};

}  // namespace postern::proxy
