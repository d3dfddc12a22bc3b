#include "bench/processor_time.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace postern::bench {

std::uint64_t processor_time_ns(const std::vector<pid_t>& processes) {
  std::uint64_t total = 0;
  for (const pid_t process : processes) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream account(task.path() / "schedstat");
      std::uint64_t nanoseconds = 0;
      if (!(account >> nanoseconds))
        throw std::runtime_error("cannot read " + task.path().string() + "/schedstat");
      total += nanoseconds;
    }
  }
  return total;
}

}  // namespace postern::bench
