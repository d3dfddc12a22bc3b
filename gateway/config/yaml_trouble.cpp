#include "config/yaml_trouble.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "config/schema.h"
#include "config/text.h"

namespace postern::config {
namespace {

constexpr std::string_view blanks = " \t\r";

bool is_word_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_';
}

std::size_t word_length(std::string_view text) {
  return static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), [](char letter) { return is_word_letter(letter); }) -
      text.begin());
}

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

struct Line {
  std::string_view text;  // without its end and its comment
  bool is_inner = false;  // inside brackets, a quote or a block of text that began in a line above
};

struct Quote {
  SourceLocation location;
  bool is_runaway = false;  // one of its lines is indented less than a quoted text may be
};

struct Bracket {
  char letter = 0;
  SourceLocation location;
};

// The lines of the text, and the brackets and quotes that are not closed where they should be.
class Outline {
 public:
  explicit Outline(std::string_view text) {
    for (const std::string_view line : lines_of(text)) {
      lines_.push_back({line});
      read_line(line);
      ++number_;
    }
    if (quote_letter_ != 0) long_quotes_.push_back({quote_begin_, true});
  }

  const std::vector<Line>& lines() const { return lines_; }
  const std::vector<Quote>& long_quotes() const { return long_quotes_; }  // those over several lines
  // unclosed(): the first bracket that is closed by one of another kind, or else the last one that is never
  // closed. surplus(): the first bracket that closes nothing. cut_short(): the first quote that is followed
  // by other text.
  std::optional<Bracket> unclosed() const {
    if (mismatched_) return mismatched_;
    return open_.empty() ? std::nullopt : std::optional(open_.back());
  }
  std::optional<Bracket> surplus() const { return surplus_; }
  std::optional<SourceLocation> cut_short() const { return cut_short_; }

 private:
  SourceLocation here(std::size_t at) const { return {number_, static_cast<int>(at) + 1}; }

  void read_line(std::string_view line) {
    const bool is_blank = trimmed(line).empty();
    const std::size_t indent = indent_of(line);
    if (block_indent_) {
      if (is_blank || indent > *block_indent_) {
        lines_.back().is_inner = true;
        return;
      }
      block_indent_.reset();
    }
    lines_.back().is_inner = quote_letter_ != 0 || !open_.empty();
    std::size_t at = 0;
    if (quote_letter_ != 0) {
      if (!is_blank && indent <= quote_indent_ && open_.empty()) is_runaway_ = true;
      at = read_quote(line, 0);
    } else {
      at = indent;
    }
    bool begins_value = quote_letter_ == 0 && at == indent;
    is_behind_brackets_ = false;
    while (at < line.size() && quote_letter_ == 0) {
      const char letter = line[at];
      const char next = at + 1 < line.size() ? line[at + 1] : ' ';
      const bool spaced = next == ' ' || next == '\t' || next == '\r';
      if (letter == '#' && (at == 0 || blanks.find(line[at - 1]) != blanks.npos)) {
        lines_.back().text = line.substr(0, at);
        return;
      }
      if (begins_value && (letter == '"' || letter == '\'')) {
        quote_letter_ = letter;
        quote_begin_ = here(at);
        quote_indent_ = indent;
        is_runaway_ = false;
        at = read_quote(line, at + 1);
        begins_value = false;
        const std::size_t next = line.find_first_not_of(blanks, at);
        const bool has_text = quote_letter_ == 0 && next != line.npos &&
                              std::string_view(",]}:#").find(line[next]) == std::string_view::npos;
        if (has_text && !cut_short_) cut_short_ = quote_begin_;
        continue;
      }
      if (letter == '[' || letter == '{') {
        if (begins_value || !open_.empty()) {
          open_.push_back({letter, here(at)});
          begins_value = true;
          ++at;
          continue;
        }
      } else if ((letter == ']' || letter == '}') &&
                 (begins_value || is_behind_brackets_ || !open_.empty())) {
        close(letter, at);
        is_behind_brackets_ = open_.empty();
        begins_value = false;
      } else if (letter == ',' && !open_.empty()) {
        begins_value = true;
      } else if (letter == ':' && at > 0 && !open_.empty() && line[at - 1] == '"') {
        begins_value = true;  // {"key":"value"}
      } else if ((letter == ':' && spaced) || ((letter == '-' || letter == '?') && spaced && begins_value)) {
        begins_value = true;
      } else if (begins_value && (letter == '|' || letter == '>') && open_.empty()) {
        block_indent_ = indent;
        return;
      } else if (letter != ' ' && letter != '\t') {
        begins_value = false;
      }
      ++at;
    }
  }

  void close(char letter, std::size_t at) {
    if (open_.empty()) {
      if (!surplus_) surplus_ = Bracket{letter, here(at)};
      return;
    }
    const bool fits = (open_.back().letter == '[') == (letter == ']');
    if (!fits && !mismatched_) mismatched_ = open_.back();
    open_.pop_back();
  }

  // Reads on inside a quote, and returns the position after it.
  std::size_t read_quote(std::string_view line, std::size_t at) {
    for (; at < line.size(); ++at) {
      if (quote_letter_ == '"' && line[at] == '\\') {
        ++at;
      } else if (line[at] == quote_letter_) {
        if (quote_letter_ == '\'' && at + 1 < line.size() && line[at + 1] == '\'') {
          ++at;
          continue;
        }
        quote_letter_ = 0;
        if (quote_begin_.line != number_) long_quotes_.push_back({quote_begin_, is_runaway_});
        return at + 1;
      }
    }
    return line.size();
  }

  std::vector<Line> lines_;
  int number_ = 1;
  std::vector<Bracket> open_;
  std::optional<Bracket> mismatched_;
  std::optional<Bracket> surplus_;
  std::optional<SourceLocation> cut_short_;
  bool is_behind_brackets_ = false;
  std::optional<std::size_t> block_indent_;
  char quote_letter_ = 0;
  SourceLocation quote_begin_;
  std::size_t quote_indent_ = 0;
  bool is_runaway_ = false;
  std::vector<Quote> long_quotes_;
};

YamlTrouble trouble_of(SourceLocation location, std::string sentence) {
  return {location, "not YAML: " + std::move(sentence)};
}

YamlTrouble unclosed_quote(SourceLocation location) {
  return trouble_of(location, "the quote that opens here is not closed on its line");
}

// A column in which entries of a map or a list begin.
struct Column {
  std::size_t column = 0;  // 1-based
  int line = 0;
  bool has_dashes = false;
};

std::string in_words(const Column& column) {
  return "line " + std::to_string(column.line) + ", column " + std::to_string(column.column);
}

// The columns that are open at the end of line `last`.
std::vector<Column> columns_before(const std::vector<Line>& lines, int last) {
  std::vector<Column> open;
  for (int number = 1; number <= std::min(last, static_cast<int>(lines.size())); ++number) {
    const Line& line = lines[static_cast<std::size_t>(number - 1)];
    if (line.is_inner || trimmed(line.text).empty()) continue;
    std::size_t at = indent_of(line.text);
    while (true) {
      const bool has_dash = at < line.text.size() && line.text[at] == '-' &&
                            (at + 1 == line.text.size() || line.text[at + 1] == ' ');
      while (!open.empty() && open.back().column > at + 1) open.pop_back();
      const bool is_known =
          !open.empty() && open.back().column == at + 1 && open.back().has_dashes == has_dash;
      if (!is_known)
        open.push_back({at + 1, number, has_dash});
      else
        open.back().line = number;
      if (!has_dash) break;
      const std::size_t next = line.text.find_first_not_of(' ', at + 1);
      if (next == std::string_view::npos) break;
      at = next;
    }
  }
  return open;
}

// A line that ends with "key:" or "- " is continued by deeper lines; other lines are complete.
bool waits_for_more(std::string_view line) {
  const std::string_view text = trimmed(line);
  return text.ends_with(':') || text == "-" || text.ends_with(" -");
}

bool is_our_key(std::string_view word) {
  const auto keys = schema();
  return std::any_of(keys.begin(), keys.end(), [&](const SchemaKey& key) { return key_name(key) == word; });
}

// "SENTENCE: write ADVICE", if `word`, which the advice repeats, is a key of Postern. Any other word may be
// part of a secret, wherever it is.
std::string with_advice(std::string sentence, std::string_view word, const std::string& advice) {
  return is_our_key(word) ? std::move(sentence) + ": write " + quoted(advice) : sentence;
}

// What a line says behind its dashes, and the offset where that begins.
struct Entry {
  std::size_t begin;
  std::string_view text;
};
Entry entry_of(std::string_view line) {
  std::size_t begin = indent_of(line);
  while (line.substr(begin).starts_with("- "))
    begin = std::min(line.find_first_not_of(' ', begin + 1), line.size());
  return {begin, line.substr(begin)};
}

std::optional<YamlTrouble> explain_indentation(const Outline& outline, int number) {
  const std::vector<Line>& lines = outline.lines();
  if (number < 2 || static_cast<std::size_t>(number) > lines.size()) return std::nullopt;
  const Line& line = lines[static_cast<std::size_t>(number - 1)];
  if (line.is_inner || trimmed(line.text).empty()) return std::nullopt;
  const std::vector<Column> open = columns_before(lines, number - 1);
  if (open.empty()) return std::nullopt;
  const std::size_t column = indent_of(line.text) + 1;
  const SourceLocation location{number, static_cast<int>(column)};
  const bool has_dash = trimmed(line.text).starts_with('-');
  int above = number - 1;
  while (above > 1 && trimmed(lines[static_cast<std::size_t>(above - 1)].text).empty()) --above;
  if (column > open.back().column) {
    const std::string_view entry = lines[static_cast<std::size_t>(above - 1)].text;
    if (waits_for_more(entry)) return std::nullopt;
    const std::string_view word = trimmed(entry);
    if (has_dash && word_length(word) == word.size())
      return trouble_of({above, static_cast<int>(indent_of(entry) + word.size()) + 1},
                        with_advice("a key needs a colon behind it", word, std::string(word) + ":"));
    return trouble_of(location,
                      "indented further than the entry it belongs to (" + in_words(open.back()) + ")");
  }
  for (const Column& known : open) {
    if (known.column != column || known.has_dashes == has_dash) continue;
    const bool also_fits = std::any_of(open.begin(), open.end(), [&](const Column& other) {
      return other.column == column && other.has_dashes == has_dash;
    });
    if (also_fits) continue;
    return trouble_of(location, known.has_dashes
                                    ? "a key stands where a list has its dashes (" + in_words(known) +
                                          "); indent it further to make it part of the entry above"
                                    : "a dash stands where a map has its keys (" + in_words(known) + ")");
  }
  const bool is_known =
      std::any_of(open.begin(), open.end(), [&](const Column& known) { return known.column == column; });
  if (is_known) return std::nullopt;
  return trouble_of(location, "indented to column " + std::to_string(column) +
                                  ", where nothing above begins; the entry above begins in " +
                                  in_words(open.back()));
}

// Explains "upstream:http://x" and "-address: x", where YAML takes the colon or the dash for a part of a
// word.
std::optional<YamlTrouble> explain_missing_space(const Outline& outline, int number) {
  for (int at = std::min(number, static_cast<int>(outline.lines().size())); at >= std::max(number - 1, 1);
       --at) {
    const Line& line = outline.lines()[static_cast<std::size_t>(at - 1)];
    if (line.is_inner) continue;
    const std::size_t column = indent_of(line.text);
    const std::string_view whole = line.text.substr(column);
    if (whole.size() > 1 && whole[0] == '-' && is_word_letter(whole[1])) {
      const std::string_view word = whole.substr(1, word_length(whole.substr(1)));
      return trouble_of({at, static_cast<int>(column) + 1},
                        with_advice("a dash needs a space behind it", word, "- " + std::string(word)));
    }
    const auto [begin, text] = entry_of(line.text);
    const std::size_t length = word_length(text);
    const bool is_glued = length > 0 && length + 1 < text.size() && text[length] == ':' &&
                          blanks.find(text[length + 1]) == blanks.npos;
    const bool is_url = is_glued && text.substr(length).starts_with("://");
    if (is_glued && !is_url) {
      const std::string_view word = text.substr(0, length);
      return trouble_of(
          {at, static_cast<int>(begin + length) + 1},
          with_advice("the colon behind a key needs a space behind it", word, std::string(word) + ": ..."));
    }
  }
  return std::nullopt;
}

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "key = value"
bool is_toml(std::string_view line) {
  return word_length(line) > 0 && trimmed(line.substr(word_length(line))).starts_with('=');
}

// Returns the character at a location, for errors such as "a text that begins with @ needs quotes"; 0: there
// is none.
char letter_at(std::string_view text, SourceLocation location) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (location.line < 1 || static_cast<std::size_t>(location.line) > lines.size()) return 0;
  const std::string_view line = lines[static_cast<std::size_t>(location.line - 1)];
  const std::size_t at = static_cast<std::size_t>(location.column - 1);
  return at < line.size() ? line[at] : '\0';
}

// Explains "upstream http://x" in the line above an entry: YAML takes both for one text, up to the colon of
// the entry.
std::optional<YamlTrouble> explain_missing_colon(const Outline& outline, int number) {
  if (number < 2 || static_cast<std::size_t>(number) > outline.lines().size()) return std::nullopt;
  const Line& above = outline.lines()[static_cast<std::size_t>(number - 2)];
  const auto [begin, text] = entry_of(above.text);
  const std::string_view word = text.substr(0, word_length(text));
  const bool has_value = word.size() < text.size() && blanks.find(text[word.size()]) != blanks.npos;
  if (above.is_inner || !has_value || !is_our_key(word)) return std::nullopt;
  return trouble_of({number - 1, static_cast<int>(begin + word.size()) + 1},
                    "a key needs a colon behind it: write " + quoted(std::string(word) + ": ..."));
}

// Explains a tab after a dash: "-\tkey: value".
std::optional<YamlTrouble> explain_tab_behind_dash(std::string_view text, int number) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (number < 1 || static_cast<std::size_t>(number) > lines.size()) return std::nullopt;
  const std::string_view line = lines[static_cast<std::size_t>(number - 1)];
  const std::size_t dash = indent_of(line);
  if (!line.substr(dash).starts_with("-\t")) return std::nullopt;
  return trouble_of({number, static_cast<int>(dash) + 2}, "a tab stands behind the dash; YAML wants a space");
}

}  // namespace

std::string_view foreign_program(std::string_view text) {
  constexpr std::size_t looked_at = 200;
  int nginx = 0, caddy = 0, haproxy = 0, apache = 0;
  std::vector<std::string_view> lines = lines_of(text);
  if (lines.size() > looked_at) lines.resize(looked_at);
  for (const std::string_view line : lines) {
    const std::string_view words = trimmed(line.substr(0, line.find(" #")));
    if (words.empty() || words.front() == '#') continue;
    const std::string_view first = words.substr(0, word_length(words));
    const std::string_view behind = trimmed(words.substr(first.size()));
    if (is_any(first, {"export", "import", "module", "const"}) && words.find_first_of(";{='\"") != words.npos)
      return "Vite";
    if (is_toml(words)) return "a program that reads TOML";
    // A line that a configuration of Postern may have: "key: value" or "- value".
    const bool has_key = !first.empty() && words.substr(first.size()).starts_with(':');
    if (has_key && !words.ends_with('{') && !words.ends_with(';')) return {};
    if (words.starts_with("- ") || words.front() == '"') return {};
    const bool opens = words.ends_with('{');
    if (is_any(first, {"server", "http", "events", "location", "upstream", "worker_processes", "user",
                       "listen", "server_name", "proxy_pass", "root", "include"}) &&
        (words.ends_with(';') || opens || (words.ends_with('}') && words.find('{') != words.npos)))
      nginx += 1;
    if (is_any(first, {"reverse_proxy", "file_server", "handle", "handle_path", "encode", "respond", "redir",
                       "php_fastcgi", "tls", "basic_auth", "basicauth", "import", "root"}) &&
        !words.ends_with(';') && !behind.empty() && behind.front() != ':')
      caddy += 1;
    if (opens &&
        (words.front() == ':' || words.find('.') != words.npos || words.starts_with("localhost") ||
         words.starts_with("http://") || words.starts_with("https://")) &&
        !first.starts_with("server"))
      caddy += 1;
    if (is_any(first, {"global", "defaults", "frontend", "backend", "listen"}) && !words.ends_with(';') &&
        !opens && behind.find_first_of(":{") == behind.npos)
      haproxy += 1;
    if (is_any(first, {"bind", "mode", "default_backend", "use_backend", "balance", "server", "option",
                       "timeout"}) &&
        !behind.empty() && !words.ends_with(';') && !opens && behind.front() != ':')
      haproxy += 1;
    if (words.starts_with("<VirtualHost") || first == "ProxyPass" || first == "ServerName") apache += 1;
  }
  const int most = std::max({nginx, caddy, haproxy, apache});
  if (most == 0) return {};
  if (apache == most) return "Apache";
  if (nginx == most) return "nginx";
  return haproxy == most && haproxy > 1 ? "HAProxy" : caddy > 0 ? "Caddy" : "";
}

std::optional<YamlTrouble> find_runaway_quote(std::string_view text) {
  const Outline outline(text);
  for (const Quote& quote : outline.long_quotes())
    if (quote.is_runaway) return unclosed_quote(quote.location);
  return std::nullopt;
}

YamlTrouble explain_yaml(std::string_view text, SourceLocation location, std::string_view words) {
  if (words.find("unknown escape") != words.npos)
    return trouble_of(
        location,
        "a backslash in double quotes begins an escape; use single quotes, and / in paths of files");
  const Outline outline(text);
  if (!outline.long_quotes().empty()) return unclosed_quote(outline.long_quotes().front().location);
  if (const auto quote = outline.cut_short())
    return trouble_of(*quote,
                      "text follows behind the quote that opens here; is a quote or a comma missing?");
  if (const auto bracket = outline.unclosed())
    return trouble_of(bracket->location,
                      "the " + std::string(1, bracket->letter) + " that opens here is never closed");
  if (const auto bracket = outline.surplus())
    return trouble_of(bracket->location, "this " + std::string(1, bracket->letter) + " closes nothing");
  if (auto found = explain_missing_space(outline, location.line)) return *found;
  if (auto found = explain_indentation(outline, location.line)) return *found;
  if (auto found = explain_tab_behind_dash(text, location.line)) return *found;
  if (words == "end of map flow not found" || words == "end of sequence flow not found")
    return trouble_of(location,
                      "a comma is missing in front of this, or what opened before it is not closed");
  const char letter = letter_at(text, location);
  if (words == "unknown token" && (letter == '@' || letter == '`' || letter == '%'))
    return trouble_of(location, "a text that begins with " + std::string(1, letter) + " needs quotes");
  if (words == "illegal map value") {
    if (auto found = explain_missing_colon(outline, location.line)) return *found;
    return trouble_of(location, "a second \": \" in one entry; a value with \": \" in it needs quotes");
  }
  return trouble_of(location, std::string(words));
}

}  // namespace postern::config
