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

}  // namespace

std::shared_ptr<const coding::Rules> CompressionCompiler::of(const std::optional<coding::Rules>& document) {
  if (!document) return nullptr;
  const auto found =
      std::find_if(made_.begin(), made_.end(), [&](const auto& made) { return *made == *document; });
  if (found != made_.end()) return *found;
  return made_.emplace_back(std::make_shared<const coding::Rules>(*document));
}

files::Options site_options(const Document& document, const FilesDocument& files) {
  auto options = static_cast<const files::Options&>(files);
  options.root = resolve_file(document, files.root);
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
