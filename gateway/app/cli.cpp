#include "app/cli.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/supervisor.h"
#include "coding/encoder.h"
#include "config/compile.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/suggest.h"

namespace postern::app {
namespace {

constexpr int good = 0;
constexpr int has_problems = 1;
constexpr int unusable = 2;

void print(std::string_view text, std::FILE* to = stdout) { std::fwrite(text.data(), 1, text.size(), to); }

int report(const config::Diagnostics& problems, bool json) {
  print(json ? problems.json() + "\n" : problems.text());
  if (problems.unreadable()) return unusable;
  return problems.has_errors() ? has_problems : good;
}

int run(const std::string& file) {
  tl::expected<config::Document, config::Diagnostics> document = config::load_file(file);
  if (!document) {
    print(document.error().text(), stderr);
    return document.error().unreadable() ? unusable : has_problems;
  }
  return Supervisor(file, std::move(*document)).run();
}

int check(const std::string& file, bool json) {
  tl::expected<config::Document, config::Diagnostics> document = config::load_file(file);
  if (!document) return report(document.error(), json);
  net::TicketKeys tickets;
  config::Diagnostics findings = document->warnings;
  const auto compiled =
      config::compile(*document, {.tickets = tickets, .now_unix = net::unix_now()}, findings);
  if (!compiled)
    for (const config::Problem& problem : compiled.error().problems())
      findings.error(problem.place, problem.key, problem.sentence);
  findings.sort();
  const int status = report(findings, json);
  if (status == good && !json) print(file + ": in order\n");
  return status;
}

std::vector<std::string> commands_of(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

int version() {
  print("postern " POSTERN_VERSION "\n");
  print(net::library_versions() + "\n");
  print(coding::library_versions() + "\n");
  return good;
}

}  // namespace

int run_command_line(int argument_count, char** arguments) {
  CLI::App program("Postern: everything your web app talks to, behind one origin.", "postern");
  program.require_subcommand(1);
  program.footer(
      "Examples:\n"
      "  postern check site.yaml          every problem of the file at once\n"
      "  postern run site.yaml            serve; SIGHUP reloads, SIGTERM drains\n"
      "  postern reference                every key with its default and meaning\n\n"
      "Exit status: 0 good, 1 problems, 2 wrong usage or unreadable file.");
  program.set_version_flag("--version", "postern " POSTERN_VERSION);

  std::string file;
  bool json = false;
  CLI::App* run_command = program.add_subcommand("run", "Serve from a configuration file");
  run_command->add_option("file", file, "YAML configuration")->required();
  run_command->footer(
      "Example: postern run site.yaml\n\n"
      "Signals: SIGHUP reloads the file (the old configuration stays when the new one has problems),\n"
      "SIGTERM and SIGINT drain (a second one ends at once), SIGUSR1 reopens the log file.");
  CLI::App* check_command = program.add_subcommand("check", "Report every problem of a configuration file");
  check_command->add_option("file", file, "YAML configuration")->required();
  check_command->add_flag("--json", json, "Print JSON");
  check_command->footer(
      "Example: postern check site.yaml\n\nExit status: 0 in order, 1 problems, 2 unreadable.");
  CLI::App* reference_command =
      program.add_subcommand("reference", "Print every key with default and meaning");
  reference_command->add_flag("--json", json, "Print JSON");
  reference_command->footer("Example: postern reference > reference.yaml");
  CLI::App* version_command =
      program.add_subcommand("version", "Print the version and those of the libraries");
  version_command->footer("Example: postern version");

  const std::string_view word = argument_count > 1 ? arguments[1] : "";
  const std::vector<std::string> commands = commands_of(program);
  if (!word.empty() && word.front() != '-' &&
      std::find(commands.begin(), commands.end(), word) == commands.end()) {
    const std::vector<std::string_view> views(commands.begin(), commands.end());
    print("postern: there is no command \"" + std::string(word) + "\"" + config::did_you_mean(word, views) +
              " (postern --help lists them)\n",
          stderr);
    return unusable;
  }
  try {
    program.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? good : unusable;
  }
  if (run_command->parsed()) return run(file);
  if (check_command->parsed()) return check(file, json);
  if (reference_command->parsed()) {
    print(json ? config::reference_json() : config::reference_yaml());
    return good;
  }
  return version();
}

}  // namespace postern::app
