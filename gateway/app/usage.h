// Finds mistakes in a command line and describes them in one sentence that says what to write, also for users
// who know the commands of other servers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

struct CommandUsage {
  std::string name;
  std::vector<std::string> flags;  // for example "--json"
  bool takes_file = false;
};

// The mistake in `words`, the command line after the program's name; nullopt if there is none.
std::optional<std::string> find_usage_mistake(const std::vector<std::string>& words,
                                              const std::vector<CommandUsage>& commands);

}  // namespace postern::app
