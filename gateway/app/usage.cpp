#include "app/usage.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "config/suggest.h"
#include "config/text.h"

namespace postern::app {
namespace {

std::string in_quotes(std::string_view text) { return config::quoted(text); }

struct Foreign {
  std::string_view word;
  std::string_view advice;
};

constexpr std::string_view to_serve = "to serve, write: postern run FILE";
constexpr std::string_view to_check = "to check a file, write: postern check FILE";
constexpr std::string_view to_stop =
    "to stop, send SIGTERM to the process: systemctl stop postern, or kill PID; it finishes what runs";
constexpr std::string_view to_reload =
    "to reload, send SIGHUP to the process: systemctl reload postern, or kill -HUP PID; the log says whether "
    "the "
    "file was taken";

constexpr auto foreign_commands = std::to_array<Foreign>({
    {"start", to_serve},
    {"serve", to_serve},
    {"server", to_serve},
    {"up", to_serve},
    {"restart", to_reload},
    {"reload", to_reload},
    {"stop", to_stop},
    {"quit", to_stop},
    {"shutdown", to_stop},
    {"validate", to_check},
    {"test", to_check},
    {"configtest", to_check},
    {"lint", to_check},
    {"status",
     "what goes on is told by GET /status of the listener for the operator: admin: { address: "
     "\"127.0.0.1:9901\" }"},
    {"config", "to print every key of a configuration, write: postern reference"},
});

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

bool is_help(const std::string& word) { return word == "-h" || word == "--help"; }

bool looks_like_file(const std::string& word) {
  std::error_code error;
  return word.ends_with(".yaml") || word.ends_with(".yml") || word.find('/') != std::string::npos ||
         std::filesystem::is_regular_file(word, error);
}

// The file name that follows an option like "-c site.yaml" or "--config=site.yaml", as other servers use it.
std::string file_behind(const std::vector<std::string>& words, size_t at) {
  const size_t equals = words[at].find('=');
  if (equals != std::string::npos) return words[at].substr(equals + 1);
  return at + 1 < words.size() && !is_option(words[at + 1]) ? words[at + 1] : "FILE";
}

// `command` is empty if the option comes before any command.
std::string advice_on_option(const std::vector<std::string>& words, size_t at, const std::string& command) {
  const std::string name = words[at].substr(0, words[at].find('='));
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::string sentence = "there is no option " + config::shown(name);
  if (is({"-c", "-f", "--config", "--config-file", "--file", "--conf", "--configFile"})) {
    sentence += "; the file stands alone: postern " + (command.empty() ? "run" : command) + ' ' +
                config::shown(file_behind(words, at));
  } else if (is({"-t", "-T", "--test"})) {
    sentence += "; to check a file, write: postern check " + config::shown(file_behind(words, at));
  } else if (is({"-s"})) {
    sentence += "; a running process takes signals: kill -HUP PID reloads, kill PID stops";
  } else if (is({"-p", "--port", "--listen", "--address", "--bind"})) {
    sentence += "; where to listen is written in the file: listeners: [{ address: \":8080\" }]";
  } else if (is({"-d", "--daemon", "-D", "--background"})) {
    sentence += "; Postern stays in the foreground, and systemd keeps it running (packaging/systemd)";
  } else {
    sentence += " (postern " + (command.empty() ? std::string() : command + ' ') + "--help lists all)";
  }
  return sentence;
}

std::string command_mistake(const std::string& word, const std::vector<CommandUsage>& commands) {
  for (const Foreign& foreign : foreign_commands)
    if (foreign.word == word)
      return "there is no command " + in_quotes(word) + "; " + std::string(foreign.advice);
  if (looks_like_file(word))
    return in_quotes(word) + " is not a command; did you mean: postern run " + config::shown(word);
  std::vector<std::string_view> names;
  names.reserve(commands.size());
  for (const CommandUsage& command : commands) names.push_back(command.name);
  return "there is no command " + in_quotes(word) + config::did_you_mean(word, names) +
         " (postern --help lists them)";
}

std::optional<std::string> argument_mistake(const std::vector<std::string>& words,
                                            const CommandUsage& command) {
  const std::string start = command.name + ": ";
  std::string file;
  for (size_t at = 1; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (is_help(word)) return std::nullopt;
    if (is_option(word)) {
      const auto is_in = [&word](const std::vector<std::string>& flags) {
        return std::find(flags.begin(), flags.end(), word.substr(0, word.find('='))) != flags.end();
      };
      if (is_in(command.valued_flags)) {
        if (word.find('=') == std::string::npos) ++at;  // the next word is its value
        continue;
      }
      if (word.find('=') == std::string::npos && is_in(command.flags)) continue;
      return start + advice_on_option(words, at, command.name);
    }
    if (!command.no_argument.empty()) return start + command.no_argument;
    if (!command.takes_file) return start + "takes no argument, and got " + in_quotes(word);
    if (!file.empty())
      return start + "takes one file, and got " + in_quotes(file) + " and " + in_quotes(word);
    file = word;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_usage_mistake(const std::vector<std::string>& words,
                                              const std::vector<CommandUsage>& commands) {
  if (words.empty())
    return "say what to do: \"postern run FILE\" serves, \"postern check FILE\" reports every problem of a "
           "file "
           "(postern --help has the rest)";
  if (is_help(words[0]) || words[0] == "--version") return std::nullopt;
  if (is_option(words[0])) return advice_on_option(words, 0, "");
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandUsage& one) { return one.name == words[0]; });
  if (command == commands.end()) return command_mistake(words[0], commands);
  return argument_mistake(words, *command);
}

}  // namespace postern::app
