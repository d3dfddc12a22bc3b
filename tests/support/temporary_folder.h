// A folder for the files of one test, removed with all its files at the end.
#pragma once

#include <filesystem>
#include <string>

namespace postern::support {

// A new folder below the system's folder for temporary files.
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
