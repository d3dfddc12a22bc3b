// This module knows the YAML that an operator writes, and the modules its parts are for. It gives a checked
// Document, or every problem of the file at once with line and column, and compiles the one into what workers
// serve from. It must not know running workers, sockets or the command line.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/diagnostics.h"
#include "config/document.h"
#include "config/environment.h"

namespace postern::config {

// Reads, decodes and validates a file; the two below differ only in where the text comes from. The document
// holds no errors, and its warnings in Document::warnings; otherwise all problems, sorted, of which
// Diagnostics::unreadable() tells "there is no such file" from "there are mistakes in it". Files that the
// document names are not looked at: compiling does that.
//
// On the main thread only, or one with at least 1 MiB of stack (config/yaml_reader.h). Blocks on the file.
tl::expected<Document, Diagnostics> load_file(const std::string& path,
                                              const Environment& environment = process_environment());

// `name` is what diagnostics call the text, and Document::file.
tl::expected<Document, Diagnostics> load_text(std::string_view text, const std::string& name,
                                              const Environment& environment = process_environment());

// What became of a file, good or bad: for those who look at more of it than whether it can be served.
struct Attempt {
  Document document;          // with errors: in pieces, and not to be compiled
  Diagnostics diagnostics;    // sorted
  bool has_document = false;  // false: there was no YAML to decode
};

struct AttemptOptions {
  Environment environment = process_environment();
  bool variables_may_be_missing = false;  // values with such a variable are passed over
};

// "-" is the standard input; names in it are then relative to the working folder.
Attempt attempt_file(const std::string& path, const AttemptOptions& options);

}  // namespace postern::config
