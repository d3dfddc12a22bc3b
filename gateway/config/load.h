// This module knows the YAML that an operator writes, and the modules that its parts configure. It gives a
// checked Document, or every problem of the file at once with line and column, and compiles a Document into
// the snapshot that workers serve from. It must not know running workers, sockets or the command line.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/diagnostics.h"
#include "config/document.h"
#include "config/environment.h"

namespace postern::config {

// Reads, decodes and validates a file; load_text() does the same with a text. Returns a document without
// errors, whose warnings are in Document::warnings, or all problems, sorted. Diagnostics::unreadable() is
// true for a file that cannot be read, and false for a file with mistakes. Files that the document names are
// not read: compile() does that.
//
// Call it on the main thread, or on one with at least 1 MiB of stack (config/yaml_reader.h). It blocks while
// it reads the file.
tl::expected<Document, Diagnostics> load_file(const std::string& path,
                                              const Environment& environment = process_environment());

// `name` is the file name in diagnostics and in Document::file.
tl::expected<Document, Diagnostics> load_text(std::string_view text, const std::string& name,
                                              const Environment& environment = process_environment());

// The result of loading a file, with or without errors, for callers that examine it further.
struct Attempt {
  Document document;          // if there are errors, it is incomplete and must not be compiled
  Diagnostics diagnostics;    // sorted
  bool has_document = false;  // false: there was no YAML tree to decode
};

struct AttemptOptions {
  Environment environment = process_environment();
  bool variables_may_be_missing = false;  // values with a missing variable are skipped
};

// Loads a file; "-" is the standard input. Names of files in the latter are relative to the working folder.
Attempt attempt_file(const std::string& path, const AttemptOptions& options);

}  // namespace postern::config
