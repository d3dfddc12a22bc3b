// Opens files below one folder, and nothing outside it, whatever a path contains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace postern::files {

// A file that is open for reading, and its metadata at the time it was opened. Closes its descriptor itself.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  OpenFile(OpenFile&& other) noexcept
      : size(other.size),
        modified_ns(other.modified_ns),
        inode(other.inode),
        directory(other.directory),
        regular(other.regular),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(size, other.size);
    std::swap(modified_ns, other.modified_ns);
    std::swap(inode, other.inode);
    std::swap(directory, other.directory);
    std::swap(regular, other.regular);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~OpenFile();

  bool open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  int64_t modified() const;  // seconds since 1970
  // Reads up to `room` bytes at `offset`; returns 0 at the end of the file, -1 when they cannot be read.
  // Blocks on the disk.
  int64_t read_at(uint64_t offset, std::byte* place, size_t room) const;

  uint64_t size = 0;
  int64_t modified_ns = 0;  // since 1970
  uint64_t inode = 0;
  bool directory = false;
  bool regular = false;

 private:
  int descriptor_ = -1;
};

// Opens the file or folder at `path` (not absolute, no dot segments) below the folder `root`. Symbolic links
// are followed as long as they stay below it. A FIFO or device is opened without blocking, and is neither
// `regular` nor `directory`. The error is an errno; EXDEV: a link leads out of the folder.
tl::expected<OpenFile, int> open_below(const std::string& root, const std::string& path);

// The same for kernels without openat2 (before 5.6): opens one segment at a time and follows no symbolic
// links.
tl::expected<OpenFile, int> open_by_steps(const OpenFile& root, const std::string& path);

// Opens the folder itself. Call it again for each request, because deployments replace the folder.
tl::expected<OpenFile, int> open_folder(const std::string& root);

}  // namespace postern::files
