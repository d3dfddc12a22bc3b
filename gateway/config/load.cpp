#include "config/load.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "config/decode.h"
#include "config/validate.h"
#include "config/yaml_reader.h"

namespace postern::config {
namespace {

struct ReadFailure {
  std::string reason;
};

// One byte more than is allowed, at most: enough for read_yaml() to see that it is too much.
tl::expected<std::string, ReadFailure> read_text(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return tl::unexpected<ReadFailure>(ReadFailure{"it is a directory"});
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(max_file_size + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const bool is_read = file.good() || (file.eof() && !file.bad());
  if (!is_read) {
    const int reason = errno == 0 ? EIO : errno;
    return tl::unexpected<ReadFailure>(ReadFailure{std::generic_category().message(reason)});
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

tl::expected<Document, Diagnostics> load_file(const std::string& path, const Environment& environment) {
  auto text = read_text(path);
  if (!text) {
    return tl::unexpected<Diagnostics>(
        Diagnostics::unreadable_file(path, "the file cannot be read: " + text.error().reason));
  }
  return load_text(*text, path, environment);
}

tl::expected<Document, Diagnostics> load_text(std::string_view text, const std::string& name,
                                              const Environment& environment) {
  Diagnostics diagnostics(name);
  std::optional<Node> root = read_yaml(text, diagnostics);
  const bool is_empty = !root || root->kind == Node::Kind::null;
  if (is_empty) {
    if (!diagnostics.has_errors()) {
      diagnostics.error(Place{1, 1}, "", "the file is empty; listeners and routes are the least it needs");
    }
    diagnostics.sort();
    return tl::unexpected<Diagnostics>(std::move(diagnostics));
  }
  substitute(*root, environment, diagnostics);
  Document document = decode(*root, diagnostics);
  validate(document, diagnostics);
  diagnostics.sort();
  if (diagnostics.has_errors()) return tl::unexpected<Diagnostics>(std::move(diagnostics));
  document.file = name;
  document.warnings = std::move(diagnostics);
  return document;
}

}  // namespace postern::config
