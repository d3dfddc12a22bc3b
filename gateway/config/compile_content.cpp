#include "config/compile_content.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "config/compile_policy.h"
#include "config/examine_files.h"
#include "config/text.h"
#include "files/folder.h"

namespace postern::config {
namespace {

std::string why_no_folder(const std::string& root, const std::string& name, int error) {
  if (error == ENOENT) return root + " does not exist" + relative_hint(name);
  if (error == ENOTDIR) return root + " is a file, not a folder" + relative_hint(name);
  return "the folder " + root + " cannot be opened: " + std::strerror(error);
}

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

files::Options site_options(const Document& document, const FilesDocument& files) {
  files::Options options;
  options.root = resolve_file(document, files.root);
  options.index = files.index;
  options.cache = files.cache;
  options.precompressed = files.precompressed;
  options.hidden = files.hidden;
  if (files.single_page) options.single_page = files::SinglePage{*files.single_page};
  return options;
}

void check_folder(const Document& document, const FilesDocument& files, const std::string& key,
                  Diagnostics& problems, Diagnostics& notes) {
  const std::string root = resolve_file(document, files.root);
  const auto folder = files::open_folder(root);
  if (!folder)
    problems.error(files.root_location, key, why_no_folder(root, files.root, folder.error()));
  else if (files.single_page && !files::open_below(root, files.index))
    notes.warn(
        files.root_location, key,
        quoted(files.index) + " is not in " + quoted(root) + "; until it is, spa has no page to answer with");
}

}  // namespace postern::config
