#include "support/temporary_folder.h"

#include <cstdlib>

#include "base/check.h"

namespace postern::support {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "postern-test-XXXXXX").string();
  base::check(mkdtemp(name.data()) != nullptr, "a folder for temporary files");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace postern::support
