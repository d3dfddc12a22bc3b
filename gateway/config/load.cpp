#include "config/load.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
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

constexpr int pipe_limit_ms = 5'000;
constexpr std::string_view standard_input = "-";

struct File {
  explicit File(int the_descriptor) : descriptor(the_descriptor) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

// Returns at most one byte more than the maximum, by which read_yaml() finds that the file is too large.
tl::expected<std::string, ReadFailure> read_text(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return tl::unexpected<ReadFailure>(ReadFailure{"it is a directory"});
  }
  const auto failure = [](int reason) {
    return tl::unexpected<ReadFailure>(ReadFailure{std::generic_category().message(reason)});
  };
  // A pipe may be read too ("postern check <(make-config)"), but not without a time limit; only
  // the standard input may block.
  const bool is_input = path == standard_input;
  const File file(is_input ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.descriptor < 0) return failure(errno);
  std::string text(max_file_size + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.descriptor, text.data() + size, text.size() - size);
    if (count == 0) break;
    if (count > 0) {
      size += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failure(errno);
    pollfd readable{file.descriptor, POLLIN, 0};
    if (::poll(&readable, 1, pipe_limit_ms) == 0)
      return tl::unexpected<ReadFailure>(ReadFailure{"it is a pipe, and nothing came through it for 5 s"});
  }
  text.resize(size);
  return text;
}

Attempt attempt_text(std::string_view text, const std::string& name, const AttemptOptions& options) {
  Attempt attempt;
  Diagnostics& diagnostics = attempt.diagnostics = Diagnostics(name);
  std::optional<Node> root = read_yaml(text, diagnostics);
  const bool is_empty = !root || root->kind == Node::Kind::null;
  if (is_empty) {
    if (!diagnostics.has_errors()) {
      diagnostics.error(SourceLocation{1, 1}, "",
                        "the file is empty; listeners and routes are the least it needs");
    }
    diagnostics.sort();
    return attempt;
  }
  substitute(*root, options.environment, diagnostics, options.variables_may_be_missing);
  attempt.document = decode(*root, diagnostics);
  attempt.document.file = name;
  attempt.has_document = true;
  validate(attempt.document, diagnostics);
  diagnostics.sort();
  return attempt;
}

tl::expected<Document, Diagnostics> document_of(Attempt attempt) {
  if (attempt.diagnostics.has_errors()) return tl::unexpected<Diagnostics>(std::move(attempt.diagnostics));
  attempt.document.warnings = std::move(attempt.diagnostics);
  return std::move(attempt.document);
}

}  // namespace

tl::expected<Document, Diagnostics> load_file(const std::string& path, const Environment& environment) {
  return document_of(attempt_file(path, {environment}));
}

tl::expected<Document, Diagnostics> load_text(std::string_view text, const std::string& name,
                                              const Environment& environment) {
  return document_of(attempt_text(text, name, {environment}));
}

Attempt attempt_file(const std::string& path, const AttemptOptions& options) {
  const auto text = read_text(path);
  if (text) return attempt_text(*text, path, options);
  Attempt attempt;
  attempt.diagnostics = Diagnostics::unreadable_file(path, "the file cannot be read: " + text.error().reason);
  return attempt;
}

}  // namespace postern::config
