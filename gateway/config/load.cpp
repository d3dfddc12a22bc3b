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

struct File {
  explicit File(int the_descriptor) : descriptor(the_descriptor) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

// One byte more than is allowed, at most: enough for read_yaml() to see that it is too much.
tl::expected<std::string, ReadFailure> read_text(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return tl::unexpected<ReadFailure>(ReadFailure{"it is a directory"});
  }
  const auto failure = [](int reason) {
    return tl::unexpected<ReadFailure>(ReadFailure{std::generic_category().message(reason)});
  };
  // A pipe is read as well ("postern check <(make-config)"), but nobody waits for ever for one to speak.
  const File file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
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
