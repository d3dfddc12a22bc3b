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
  std::vector<std::string> valued_flags{};  // those that have a value behind them
  std::string
      no_argument{};  // the sentence for any other argument, which is not repeated; empty: the usual one
};

// The mistake in `words`, the command line after the program's name; nullopt if there is none.
std::optional<std::string> find_usage_mistake(const std::vector<std::string>& words,
                                              const std::vector<CommandUsage>& commands);

}  // namespace postern::app
