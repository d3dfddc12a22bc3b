#include "app/hash_command.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace postern::app {
namespace {

using Line = tl::expected<std::string, std::string>;

termios shown_settings;  // of the terminal, before its echo was turned off

// A terminal must not stay without echo when the user gives up.
void show_again_and_end(int signal) {
  tcsetattr(STDIN_FILENO, TCSANOW, &shown_settings);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

constexpr auto ending_signals = std::to_array<int>({SIGINT, SIGTERM, SIGHUP, SIGQUIT});

// The terminal shows nothing that is typed while this exists.
class HiddenTyping {
 public:
  HiddenTyping() {
    if (tcgetattr(STDIN_FILENO, &shown_settings) != 0) return;
    for (const int signal : ending_signals) std::signal(signal, show_again_and_end);
    termios hidden = shown_settings;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    hidden.c_lflag |= ECHONL;
    is_hidden_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenTyping() {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_settings);
    for (const int signal : ending_signals) std::signal(signal, SIG_DFL);
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
  bool is_hidden() const { return is_hidden_; }

 private:
  bool is_hidden_ = false;
};

// Reads up to the end of the line, which is not part of the result, or of the input. Byte by byte and without
// a buffer, in which a copy would stay.
Line read_line() {
  std::string line;
  line.reserve(crypto::password_max + 1);
  for (;;) {
    char byte = 0;
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return tl::unexpected("the password could not be read: " + std::string(std::strerror(errno)));
    if (got == 0 || byte == '\n') break;
    line += byte;
    if (line.size() > crypto::password_max) {
      crypto::wipe(line);
      return tl::unexpected("the password has more than " + std::to_string(crypto::password_max) + " bytes");
    }
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Line ask(std::string_view prompt) {
  // The standard output is for the hash alone.
  if (write(STDERR_FILENO, prompt.data(), prompt.size()) < 0)
    return tl::unexpected(std::string("the terminal cannot be written to"));
  return read_line();
}

Line ask_twice() {
  const HiddenTyping hidden;
  if (!hidden.is_hidden()) return tl::unexpected(std::string("the terminal would show the password"));
  Line password = ask("Password: ");
  if (!password) return password;
  Line again = ask("Again: ");
  const bool is_same = again && *again == *password;
  if (again) crypto::wipe(*again);
  if (is_same) return password;
  crypto::wipe(*password);
  return tl::unexpected(again ? std::string("the two passwords differ") : again.error());
}

}  // namespace

std::optional<crypto::PasswordAlgorithm> password_algorithm(std::string_view name) {
  if (name == "argon2id") return crypto::PasswordAlgorithm::argon2id;
  if (name == "yescrypt") return crypto::PasswordAlgorithm::yescrypt;
  if (name == "bcrypt") return crypto::PasswordAlgorithm::bcrypt;
  return std::nullopt;
}

tl::expected<std::string, std::string> hash_password_of_input(crypto::PasswordAlgorithm algorithm) {
  Line password = isatty(STDIN_FILENO) != 0 ? ask_twice() : read_line();
  if (!password) return password;
  const std::string problem = crypto::password_problem(algorithm, *password);
  Line hash = problem.empty() ? Line(crypto::PasswordHash::make(algorithm, *password).text())
                              : Line(tl::unexpected(problem));
  crypto::wipe(*password);
  return hash;
}

}  // namespace postern::app
