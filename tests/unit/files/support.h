// A folder of files for one test.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "support/temporary_folder.h"

namespace postern::files_test {

class Tree {
 public:
  std::string root() const { return folder_.file("root"); }
  std::string beside(const std::string& name) const { return folder_.file(name); }
  std::string path(const std::string& name) const { return root() + "/" + name; }
  // `modified`: seconds since 1970.
  void write(const std::string& name, std::string_view text, int64_t modified = 1'700'000'000) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    const timespec times[2] = {{modified, 0}, {modified, 0}};
    utimensat(AT_FDCWD, path(name).c_str(), times, 0);
  }
  void link(const std::string& name, const std::string& to) const {
    std::filesystem::create_symlink(to, path(name));
  }

 private:
  support::TemporaryFolder folder_;
};

}  // namespace postern::files_test
