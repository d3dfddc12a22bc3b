// Files of one test, in a folder that disappears with it.
#pragma once

#include <filesystem>
#include <string>

namespace postern::support {

// A folder of its own below the system's for temporary files.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace postern::support
