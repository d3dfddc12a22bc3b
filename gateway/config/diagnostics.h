// What is wrong with a configuration file, all of it at once: where, under which key, and in one sentence.
// Reading, decoding, validating and compiling add to one Diagnostics; nothing stops at the first problem.
// It must not know YAML, nor ever hold a secret: a sentence quotes what is written in the file, and never
// what an environment variable put there (Document::quote).
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

// A plain value: copy it, move it. One thread at a time.
class Diagnostics {
 public:
  // More than this many are counted but not kept.
  static constexpr std::size_t max_problems = 1000;

  Diagnostics() = default;
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  // The one problem of a file that could not be read at all; `postern check` exits 2 for it.
  static Diagnostics unreadable_file(std::string file, std::string sentence);

  void error(SourceLocation location, std::string key, std::string sentence);
  void warn(SourceLocation location, std::string key, std::string sentence);

  bool unreadable() const { return unreadable_; }
  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return problems_.empty(); }
  std::size_t errors() const { return errors_; }
  // True when further problems would only be counted: no need to look for suggestions any more.
  bool full() const { return problems_.size() >= max_problems; }

  // In order of line and column once sort() was called, and in order of discovery before.
  const std::vector<Problem>& problems() const { return problems_; }
  void sort();

  // One line per problem, each ended by '\n'; a last line counts what was left out.
  std::string text() const;

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
