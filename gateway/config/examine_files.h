// The files and folders that a configuration names, looked at without anything being compiled: so that what
// is wrong with them is told together with the mistakes in the configuration itself.
#pragma once

#include <cstdint>
#include <string>

#include "config/diagnostics.h"
#include "config/document.h"

namespace postern::config {

// Where a relative name is looked for, to go on after a sentence about a file; empty for an absolute one.
std::string relative_hint(const std::string& name);

// Why a file that the document names cannot be read, as a whole sentence with its path.
std::string why_unreadable(const Document& document, const std::string& name);

// The certificates of one listener and their keys. False when they cannot be served.
bool examine_certificates(const Document& document, size_t listener, int64_t now_unix, Diagnostics& problems,
                          Diagnostics& notes);

// The file of the log. Those that run open it; only a check has to look.
void examine_log(const Document& document, Diagnostics& problems);

// All of them, of a document that has problems already and may be in pieces.
void examine_files(const Document& document, int64_t now_unix, Diagnostics& findings);

}  // namespace postern::config
