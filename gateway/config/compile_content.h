// What routes need for content: rules of compression, and folders of files.
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

// Routes that say the same share their rules.
class CompressionCompiler {
 public:
  // Null: no compression.
  std::shared_ptr<const coding::Rules> of(const std::optional<coding::Rules>& document);

 private:
  std::vector<std::shared_ptr<const coding::Rules>> made_;
};

files::Options site_options(const Document& document, const FilesDocument& files);

// Says what is wrong with the folder, at `key` ("routes[0].files"). `notes` hears of an index that a
// single-page application does not have yet.
void check_folder(const Document& document, const FilesDocument& files, const std::string& key,
                  Diagnostics& problems, Diagnostics& notes);

}  // namespace postern::config
