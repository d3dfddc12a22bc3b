// What routes need for bodies: rules of compression.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "coding/negotiation.h"
#include "config/document.h"

namespace postern::config {

// Routes that say the same share their rules.
class CompressionCompiler {
 public:
  // Null: no compression.
  std::shared_ptr<const coding::Rules> of(const std::optional<CompressionDocument>& document);

 private:
  std::vector<std::pair<CompressionDocument, std::shared_ptr<const coding::Rules>>> made_;
};

}  // namespace postern::config
