#include "config/compile_content.h"

#include <algorithm>

namespace postern::config {
namespace {

coding::Coding coding_of(std::string_view name) {
  for (const coding::Coding coding : {coding::Coding::gzip, coding::Coding::brotli})
    if (coding::token(coding) == name) return coding;
  return coding::Coding::zstd;
}

}  // namespace

std::shared_ptr<const coding::Rules> CompressionCompiler::of(
    const std::optional<CompressionDocument>& document) {
  if (!document) return nullptr;
  const auto found =
      std::find_if(made_.begin(), made_.end(), [&](const auto& made) { return made.first == *document; });
  if (found != made_.end()) return found->second;
  coding::Rules rules;
  rules.algorithms.clear();
  for (const std::string& name : document->algorithms) rules.algorithms.push_back(coding_of(name));
  if (!document->types.empty()) rules.types = document->types;
  rules.min_size = document->min_size;
  rules.levels = {document->gzip_level, document->brotli_level, document->zstd_level};
  return made_.emplace_back(*document, std::make_shared<const coding::Rules>(std::move(rules))).second;
}

}  // namespace postern::config
