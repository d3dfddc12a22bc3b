#include "app/cli.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "app/endpoint_probe.h"
#include "app/hash_command.h"
#include "app/key_probe.h"
#include "app/revoke_command.h"
#include "app/supervisor.h"
#include "app/usage.h"
#include "coding/encoder.h"
#include "config/compile.h"
#include "config/examine_files.h"
#include "config/json_schema.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/unused_parts.h"

namespace postern::app {
namespace {

constexpr int good = 0;
constexpr int has_problems = 1;
constexpr int unusable = 2;

// The files that are tried when no file is named.
constexpr const char* usual_files[] = {"./postern.yaml", "/etc/postern/postern.yaml"};

// errno of the first failed write to the standard output; 0: none has failed.
int output_error = 0;

void print(std::string_view text, std::FILE* to = stdout) {
  const bool is_whole = std::fwrite(text.data(), 1, text.size(), to) == text.size();
  if (!is_whole && to == stdout && output_error == 0) output_error = errno;
}

void complain(const std::string& sentence) { print("postern: " + sentence + '\n', stderr); }

// Fails when the output was not written completely, for example because the disk is full.
int finish_output(int status) {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  if (output_error == 0) return status;
  complain("the output could not be written: " + std::string(std::strerror(output_error)));
  return status == good ? has_problems : status;
}

// Returns true when there is a file to use; otherwise the problem was printed.
bool choose_file(const char* command, std::string& file) {
  if (!file.empty()) return true;
  for (const char* usual : usual_files) {
    std::error_code error;
    if (!std::filesystem::exists(usual, error)) continue;
    file = usual;
    complain(std::string(command) + " takes " + file);
    return true;
  }
  complain(std::string(command) + ": no file is named, and there is neither " + usual_files[0] + " nor " +
           usual_files[1] + "; write: postern " + command + " FILE");
  return false;
}

int report(const config::Diagnostics& problems, bool json) {
  print(json ? problems.json() + "\n" : problems.text());
  if (problems.unreadable()) return unusable;
  return problems.has_errors() ? has_problems : good;
}

int run(std::string file) {
  if (file == "-") {
    complain("run: the standard input cannot be reloaded; name a file");
    return unusable;
  }
  if (!choose_file("run", file)) return unusable;
  tl::expected<config::Document, config::Diagnostics> document = config::load_file(file);
  if (!document) {
    print(document.error().text(), stderr);
    return document.error().unreadable() ? unusable : has_problems;
  }
  return Supervisor(file, std::move(*document)).run();
}

struct CheckOptions {
  std::string file;
  bool json = false;
  bool syntax = false;
  bool probe = false;
};

// Checks that need files, keys and patterns in addition to the text of the configuration; with `probe` also
// whether the keys of providers can be fetched.
void look_further(const config::Attempt& attempt, bool probe, config::Diagnostics& findings) {
  const config::Document& document = attempt.document;
  if (findings.has_errors()) return config::examine_files(document, net::unix_now(), findings);
  net::TicketKeys tickets;
  std::vector<std::shared_ptr<const identity::KeySource>> key_sources;
  const auto compiled = config::compile(
      document, {.tickets = tickets, .now_unix = net::unix_now(), .key_sources = &key_sources}, findings);
  if (!compiled)
    for (const config::Problem& problem : compiled.error().problems())
      findings.error(problem.location, problem.key, problem.sentence);
  else if (probe)
    probe_keys(document, key_sources, findings);
  config::examine_log(document, findings);
}

int check(CheckOptions options) {
  if (!choose_file("check", options.file)) return unusable;
  const config::Attempt attempt =
      config::attempt_file(options.file, {.variables_may_be_missing = options.syntax});
  config::Diagnostics findings = attempt.diagnostics;
  if (attempt.has_document && !options.syntax) look_further(attempt, options.probe, findings);
  if (attempt.has_document && !findings.has_errors())
    config::warn_of_unused_parts(attempt.document, findings);
  if (attempt.has_document && options.probe) probe_endpoints(attempt.document, findings);
  findings.sort();
  const int status = report(findings, options.json);
  if (status == good && !options.json)
    print(options.file +
          (options.syntax ? ": in order, as far as the text alone can tell\n" : ": in order\n"));
  return status;
}

int hash(const std::string& name) {
  const std::optional<crypto::PasswordAlgorithm> algorithm = password_algorithm(name);
  if (!algorithm) {
    complain("hash: --algorithm takes argon2id, yescrypt or bcrypt");
    return unusable;
  }
  const tl::expected<std::string, std::string> made = hash_password_of_input(*algorithm);
  if (made)
    print(*made + '\n');
  else
    complain("hash: " + made.error());
  return made ? good : has_problems;
}

int revoke_tokens(RevokeOptions options) {
  if (!choose_file("revoke", options.file)) return unusable;
  const tl::expected<std::string, std::string> answer = revoke(options);
  if (answer)
    print(*answer);
  else
    complain("revoke: " + answer.error());
  return answer ? good : has_problems;
}

int version() {
  print("postern " POSTERN_VERSION "\n");
  print(net::library_versions() + "\n");
  print(coding::library_versions() + "\n");
  return good;
}

std::vector<CommandUsage> usage_of(const CLI::App& program) {
  std::vector<CommandUsage> commands;
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    CommandUsage usage{command->get_name(), {}, false};
    if (usage.name == "hash")
      usage.no_argument =
          "takes no password as an argument, which everybody on this machine could read; it asks for it, or "
          "reads a line of the standard input";
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_positional()) usage.takes_file = true;
      const bool has_value = !option->get_positional() && option->get_items_expected_max() > 0;
      for (const std::string& name : option->get_lnames())
        (has_value ? usage.valued_flags : usage.flags).push_back("--" + name);
    }
    commands.push_back(std::move(usage));
  }
  return commands;
}

// Writes usage lines like "Usage: postern check [--json] [FILE]" instead of CLI11's own form.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string) const override {
    if (app->get_parent() == nullptr) return "Usage: postern COMMAND [OPTIONS] [FILE]\n";
    std::string text = "Usage: postern " + app->get_name();
    bool takes_file = false;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) takes_file = true;
      if (option->get_positional() || option == app->get_help_ptr()) continue;
      const bool has_value = option->get_items_expected_max() > 0;
      text += " [" + option->get_name() + (has_value ? ' ' + option->get_type_name() : "") + ']';
    }
    return text + (takes_file ? " [FILE]\n" : "\n");
  }
};

// Accepts common spellings of other programs.
std::vector<std::string> words_of(int argument_count, char** arguments) {
  std::vector<std::string> words(arguments + std::min(argument_count, 1), arguments + argument_count);
  if (words.empty()) return words;
  if (words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  } else if (words[0] == "-v" || words[0] == "-V") {
    words[0] = "--version";
  }
  return words;
}

}  // namespace

int run_command_line(int argument_count, char** arguments) {
  CLI::App program("Postern: everything your web app talks to, behind one origin.", "postern");
  program.formatter(std::make_shared<HelpFormatter>());
  program.require_subcommand(1);
  program.footer(
      "Examples:\n"
      "  postern check site.yaml          every problem of the file at once\n"
      "  postern run site.yaml            serve; SIGHUP reloads, SIGTERM drains\n"
      "  postern reference                every key with its default and meaning\n\n"
      "run, check and revoke without a file take ./postern.yaml, then /etc/postern/postern.yaml, and say "
      "which.\n\n"
      "Exit status: 0 good, 1 problems, 2 wrong usage or unreadable file.");
  program.set_version_flag("--version", "postern " POSTERN_VERSION);

  std::string file;
  std::string algorithm = "argon2id";
  CheckOptions options;
  bool json = false;
  CLI::App* run_command = program.add_subcommand("run", "Serve from a configuration file");
  run_command->add_option("file", file, "YAML configuration");
  run_command->footer(
      "Example: postern run site.yaml\n\n"
      "Signals: SIGHUP reloads the file (the old configuration stays when the new one has problems),\n"
      "SIGTERM and SIGINT drain (a second one ends at once), SIGUSR1 reopens the log file.");
  CLI::App* check_command = program.add_subcommand("check", "Report every problem of a configuration file");
  check_command->add_option("file", options.file, "YAML configuration; - is the standard input");
  check_command->add_flag("--json", options.json,
                          "Print JSON: {\"errors\":1,\"problems\":[{\"line\":2, ...}]}");
  check_command->add_flag("--syntax", options.syntax,
                          "Look at the text alone: certificates, keys, folders and variables may be missing");
  check_command->add_flag(
      "--probe", options.probe,
      "Connect to each endpoint and fetch the keys of jwt, and warn where nobody answers");
  check_command->footer(
      "Example: postern check site.yaml\n\n"
      "Exit status: 0 in order (warnings change nothing), 1 problems, 2 unreadable.");
  CLI::App* reference_command =
      program.add_subcommand("reference", "Print every key with default and meaning");
  reference_command->add_flag("--json", json, "Print JSON, for editors and other programs");
  reference_command->footer("Example: postern reference > reference.yaml");
  CLI::App* schema_command =
      program.add_subcommand("schema", "Print a JSON Schema of the configuration, for editors");
  schema_command->footer(
      "Example: postern schema > postern.schema.json\n\n"
      "An editor that understands YAML completes and checks a file beside it that begins with\n"
      "  # yaml-language-server: $schema=postern.schema.json");
  CLI::App* hash_command =
      program.add_subcommand("hash", "Make the hash of a password, for the users of basic_auth");
  hash_command->add_option("--algorithm", algorithm, "argon2id (default), yescrypt or bcrypt")
      ->type_name("NAME");
  hash_command->footer(
      "Examples:\n"
      "  postern hash                           asks for the password twice, and does not show it\n"
      "  postern hash --algorithm bcrypt <FILE  takes the first line of FILE\n\n"
      "What it prints stands in the configuration behind the user, in double or single quotes:\n"
      "  basic_auth: { staging: { users: { alice: '$argon2id$v=19$m=19456,t=2,p=1$…' } } }");
  RevokeOptions revoke_options;
  CLI::App* revoke_command =
      program.add_subcommand("revoke", "Revoke tokens in a running gateway, before they expire");
  revoke_command->add_option("file", revoke_options.file,
                             "YAML configuration, which names the admin listener");
  const auto revoke_option = [&](const char* name, std::string& value, const char* type, const char* help) {
    revoke_command->add_option(name, value, help)->type_name(type);
  };
  revoke_option("--sub", revoke_options.subject, "TEXT", "Every token of this subject (sub)");
  revoke_option("--sid", revoke_options.session, "TEXT", "Every token of this session (sid)");
  revoke_option("--jti", revoke_options.token_id, "TEXT", "The token with this id (jti)");
  revoke_option("--issued-before", revoke_options.issued_before, "TIME",
                "Tokens issued before: now, 2026-12-01T08:00:00Z or Unix seconds; alone or with --sub");
  revoke_option("--issuer", revoke_options.issuer, "URL", "Only tokens with this issuer (iss)");
  revoke_option("--for", revoke_options.lasts, "DURATION",
                "How long it is in effect, such as 12h; without it revocations.token_life");
  revoke_command->add_flag("--json", revoke_options.json, "Print JSON: {\"revoked\":1,\"known\":0, ...}");
  revoke_command->footer(
      "Examples:\n"
      "  postern revoke --sub ann                       keeps ann out, also with new tokens\n"
      "  postern revoke --sub ann --issued-before now   logs ann out; a new login gets in\n"
      "  postern revoke --issued-before now             logs everybody out\n\n"
      "Open WebSockets and event streams of the tokens end within a second. The configuration needs admin "
      "and\n"
      "revocations: true; GET /revocations of the admin listener lists what is in effect.");
  CLI::App* version_command =
      program.add_subcommand("version", "Print the version and those of the libraries");
  version_command->footer("Example: postern version");

  std::vector<std::string> words = words_of(argument_count, arguments);
  if (const auto mistake = find_usage_mistake(words, usage_of(program))) {
    complain(*mistake);
    return unusable;
  }
  std::reverse(words.begin(), words.end());  // CLI11 expects the vector in reverse order
  try {
    program.parse(words);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, wrong;
    const int status = program.exit(error, out, wrong);
    print(out.str());
    print(wrong.str(), stderr);
    return finish_output(status == 0 ? good : unusable);
  }
  if (run_command->parsed()) return run(file);
  if (check_command->parsed()) return finish_output(check(options));
  if (reference_command->parsed()) {
    print(json ? config::reference_json() : config::reference_yaml());
    return finish_output(good);
  }
  if (schema_command->parsed()) {
    print(config::json_schema());
    return finish_output(good);
  }
  if (revoke_command->parsed()) return finish_output(revoke_tokens(std::move(revoke_options)));
  if (hash_command->parsed()) return finish_output(hash(algorithm));
  return finish_output(version());
}

}  // namespace postern::app
