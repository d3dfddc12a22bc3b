#include "files/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace postern::files {
namespace {

constexpr int64_t second_ns = 1'000'000'000;
// O_NONBLOCK: opening a FIFO must not wait for a writer. It has no effect on regular files.
constexpr int reading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

tl::expected<OpenFile, int> look_at(int descriptor) {
  if (descriptor < 0) return tl::unexpected(errno);
  OpenFile file(descriptor);
  struct stat facts {};
  if (fstat(descriptor, &facts) != 0) return tl::unexpected(errno);
  file.size = static_cast<uint64_t>(facts.st_size);
  file.modified_ns = facts.st_mtim.tv_sec * second_ns + facts.st_mtim.tv_nsec;
  file.inode = facts.st_ino;
  file.directory = S_ISDIR(facts.st_mode);
  file.regular = S_ISREG(facts.st_mode);
  return file;
}

int open_with_limits(int root, const char* path) {
  open_how how{};
  how.flags = reading;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed during the call, so that the kernel could not verify the path.
  constexpr int tries = 8;
  long opened = -1;
  for (int i = 0; i < tries; ++i) {
    opened = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (opened >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return static_cast<int>(opened);
}

}  // namespace

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

int64_t OpenFile::modified() const {
  return modified_ns >= 0 ? modified_ns / second_ns : (modified_ns - second_ns + 1) / second_ns;
}

int64_t OpenFile::read_at(uint64_t offset, std::byte* place, size_t room) const {
  ssize_t got = -1;
  do got = pread(descriptor_, place, room, static_cast<off_t>(offset));
  while (got < 0 && errno == EINTR);
  return got;
}

tl::expected<OpenFile, int> open_folder(const std::string& root) {
  return look_at(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

tl::expected<OpenFile, int> open_below(const std::string& root, const std::string& path) {
  auto folder = open_folder(root);
  if (!folder) return folder;
  const int opened = open_with_limits(folder->descriptor(), path.c_str());
  // Some system call filters answer EPERM for a system call that they do not know.
  if (opened < 0 && (errno == ENOSYS || errno == EPERM)) return open_by_steps(*folder, path);
  return look_at(opened);
}

tl::expected<OpenFile, int> open_by_steps(const OpenFile& root, const std::string& path) {
  OpenFile at;
  int folder = root.descriptor();
  size_t start = 0;
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', start)) {
    const std::string segment = path.substr(start, slash - start);
    const int next = openat(folder, segment.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0) return tl::unexpected(errno);
    at = OpenFile(next);
    folder = at.descriptor();
    start = slash + 1;
  }
  return look_at(openat(folder, path.c_str() + start, reading | O_NOFOLLOW));
}

}  // namespace postern::files
