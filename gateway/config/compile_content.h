// Compiles what routes need for content: compression rules and folders of files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coding/negotiation.h"
#include "config/diagnostics.h"
#include "config/document.h"
#include "files/site.h"

namespace postern::config {

// Routes with equal compression rules share one object.
class CompressionCompiler {
 public:
  // Returns null for a route without compression.
  std::shared_ptr<const coding::Rules> of(const std::optional<coding::Rules>& document);

 private:
  std::vector<std::shared_ptr<const coding::Rules>> made_;
};

// Returns the options of `files`, with the root resolved by resolve_file().
files::Options site_options(const Document& document, const FilesDocument& files);

// Checks the folder of a route, and blocks on the file system. `key` is its key path ("routes[0].files").
// `notes` receives a warning when the index of a single-page application does not exist yet.
void check_folder(const Document& document, const FilesDocument& files, const std::string& key,
                  Diagnostics& problems, Diagnostics& notes);

}  // namespace postern::config
