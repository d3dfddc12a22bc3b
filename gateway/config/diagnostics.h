// Collects all problems of a configuration file: for each the place, the key, and one sentence. Reading,
// decoding, validating and compiling add to one Diagnostics; none of them stops at the first problem. This
// file must not know YAML, and a sentence must never hold a secret: it quotes what is written in the file,
// and never the value of an environment variable (Document::quote).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::config {

struct SourceLocation {
  int line = 0;    // 1-based; 0: not in the file (a default)
  int column = 0;  // 1-based, in bytes
  friend auto operator<=>(const SourceLocation&, const SourceLocation&) = default;
};

enum class Severity : uint8_t { warning, error };

struct Problem {
  Severity severity = Severity::error;
  std::string file;
  SourceLocation location;
  std::string key;       // "routes[2].upstream"; empty: the file as a whole
  std::string sentence;  // no trailing stop
};

// `file:line:col key: sentence`, a warning as `file:line:col warning: key: sentence`. Without a location only
// `file`, without a key only the sentence. One line, no control characters.
std::string to_text(const Problem& problem);

// A value that can be copied and moved. One thread at a time may use it.
class Diagnostics {
 public:
  // Further problems are counted but not kept.
  static constexpr std::size_t max_problems = 1000;

  Diagnostics() = default;
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  // Makes the diagnostics of a file that could not be read at all; `postern check` then exits with 2.
  static Diagnostics unreadable_file(std::string file, std::string sentence);

  void error(SourceLocation location, std::string key, std::string sentence);
  void warn(SourceLocation location, std::string key, std::string sentence);

  bool unreadable() const { return unreadable_; }
  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return problems_.empty(); }
  std::size_t errors() const { return errors_; }
  // True when further problems would only be counted, so that callers can save the work of finding
  // suggestions.
  bool full() const { return problems_.size() >= max_problems; }

  // In the order in which they were found; after sort(), in the order of line and column.
  const std::vector<Problem>& problems() const { return problems_; }
  void sort();

  // Returns one line per problem, each ended by '\n'. A last line says how many problems were left out.
  std::string text() const;

  // Returns all of it as JSON:
  // {"file","unreadable","errors","left_out",
  //  "problems":[{"severity","file","line","column","key","sentence"}]}
  std::string json() const;

 private:
  void add(Problem problem);

  std::string file_;
  std::vector<Problem> problems_;
  std::size_t errors_ = 0;
  std::size_t left_out_ = 0;
  bool unreadable_ = false;
};

}  // namespace postern::config
