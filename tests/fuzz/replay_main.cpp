// Runs a fuzz target over the files and folders given as arguments, after the empty input, without libFuzzer.
// A finding ends the process (a check, a sanitizer), so arriving at the end is success; a missing or empty
// corpus is a failure, for it would test nothing.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

bool replay(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, "cannot read %s\n", file.c_str());
    return false;
  }
  // Copied into a block of exactly its size: a sanitizer then sees the first byte read past the end.
  std::vector<uint8_t> input{std::istreambuf_iterator<char>(stream), {}};
  input.shrink_to_fit();
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  uint8_t nothing = 0;
  LLVMFuzzerTestOneInput(&nothing, 0);
  int replayed = 0;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path given = arguments[i];
    std::error_code error;
    if (std::filesystem::is_directory(given, error)) {
      for (const auto& entry : std::filesystem::directory_iterator(given)) {
        if (!entry.is_regular_file()) continue;
        if (!replay(entry.path())) return 1;
        ++replayed;
      }
    } else {
      if (!replay(given)) return 1;
      ++replayed;
    }
  }
  if (replayed == 0) {
    std::fprintf(stderr, "no corpus\n");
    return 1;
  }
  std::printf("%d inputs replayed\n", replayed);
  return 0;
}
