// Examines files that a configuration names, without compiling it: so `postern check` reports their problems
// together with the mistakes in the configuration itself.
#pragma once

#include <cstdint>
#include <string>

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Returns a text that is appended to a sentence about a file, and says where relative names are looked for.
// Empty for an absolute name.
std::string relative_hint(const std::string& name);

// Returns a sentence with the path of the file that says why it cannot be read.
std::string why_unreadable(const Document& document, const std::string& name);

// Examines the certificates of one listener and their keys, and the files that it verifies clients with.
// Returns false when TLS cannot be served with them.
bool examine_certificates(const Document& document, size_t listener, int64_t now_unix, Diagnostics& problems,
                          Diagnostics& notes);

// Examines the certificate of an upstream for its endpoints. Returns false when it cannot be used.
bool examine_client_certificate(const Document& document, const UpstreamDocument& upstream, int64_t now_unix,
                                Diagnostics& problems, Diagnostics& notes);

// Checks that the file of the log can be written. Only a check needs it: a running gateway opens the file.
void examine_log(const Document& document, Diagnostics& problems);

// Examines the certificates and keys of listeners and upstreams, the files of basic_auth.*.file, jwt.*.keys
// and upstreams.*.ca, and the log. The document may have errors and be incomplete. Other files, such as those
// of error pages, are read by compile() only.
void examine_files(const Document& document, int64_t now_unix, Diagnostics& findings);

}  // namespace postern::config
