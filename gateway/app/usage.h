// What is wrong with a command line, in one sentence that says what to write: also to those who know the
// commands of other servers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

struct CommandUsage {
  std::string name;
  std::vector<std::string> flags;  // "--json"
  bool takes_file = false;
};

// The mistake in `words`, the command line behind the program's name; nothing when there is none.
std::optional<std::string> find_usage_mistake(const std::vector<std::string>& words,
                                              const std::vector<CommandUsage>& commands);

}  // namespace postern::app
