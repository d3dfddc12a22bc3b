#include "http/path_readings.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "http/escapes.h"

namespace postern::http {
namespace {

using Sentence = std::string_view;

enum class EscapedSlash : uint8_t { slash, name };

// How many escapes the overlong sequence with this first byte has.
size_t overlong_size(int first) { return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4; }

// The character that an overlong sequence encodes; -1 when a further byte is not a continuation byte or the
// character is not ASCII.
int overlong_character(std::string_view text, size_t position, int first) {
  const size_t size = overlong_size(first);
  int character = first & (size == 2 ? 0x1f : size == 3 ? 0x0f : 0x07);
  for (size_t i = 1; i < size; ++i) {
    const size_t at = position + 3 * i;
    if (at + 2 >= text.size() || text[at] != '%') return -1;
    const int byte = escaped_byte(text, at);
    if (byte < 0x80 || byte > 0xbf) return -1;
    character = character << 6 | (byte & 0x3f);
  }
  return character < 0x80 ? character : -1;
}

// The character of "%25u002f", which is the canonical spelling of "%u002f"; -1 when the text has another
// form.
int wide_character(std::string_view text, size_t position) {
  const std::string_view form = text.substr(position, 8);
  if (form.size() < 8 || !form.starts_with("%25") || (form[3] != 'u' && form[3] != 'U')) return -1;
  if (form.substr(4, 2) != "00" || hex_digit(form[6]) < 0 || hex_digit(form[7]) < 0) return -1;
  const int character = hex_digit(form[6]) * 16 + hex_digit(form[7]);
  return character < 0x80 ? character : -1;
}

// Appends the result of decoding an escape of `character`. Some escapes stay: those that canonical spelling
// requires, and "?" and "#", which would end the path.
void append_decoded(int character, EscapedSlash escaped_slash, std::string& text) {
  const char c = static_cast<char>(character);
  const bool stays = character <= 0x20 || character >= 0x7f || c == '?' || c == '#' ||
                     (c == '/' && escaped_slash == EscapedSlash::name);
  if (stays)
    append_escape(c, text);
  else
    text += c;
}

std::string decoded(std::string_view path, EscapedSlash escaped_slash, bool odd_forms) {
  std::string text;
  text.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      text += path[i];
      continue;
    }
    int character = escaped_byte(path, i);
    size_t size = 3;
    if (odd_forms) {
      if (const int wide = wide_character(path, i); wide >= 0) {
        character = wide;
        size = 8;
      } else if (is_overlong(path, i, character)) {
        if (const int small = overlong_character(path, i, character); small >= 0) {
          size = 3 * overlong_size(character);
          character = small;
        }
      }
    }
    append_decoded(character, escaped_slash, text);
    i += size - 1;
  }
  std::string canonical;  // a decoded "%" may begin an escape now, or not
  canonical.reserve(text.size());
  append_canonical(text, canonical);
  return canonical;
}

std::string with_slashes(std::string_view path) {
  std::string text(path);
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

std::string without_parameters(std::string_view path) {
  std::string text;
  text.reserve(path.size());
  bool in_parameter = false;
  for (char c : path) {
    if (c == '/') in_parameter = false;
    if (c == ';') in_parameter = true;
    if (!in_parameter) text += c;
  }
  return text;
}

std::string merged(std::string_view path) {
  std::string text;
  text.reserve(path.size());
  for (char c : path)
    if (c != '/' || text.empty() || text.back() != '/') text += c;
  return text;
}

struct Resolved {
  std::string text;
  bool any = false;   // the path had a dot segment
  bool last = false;  // the last segment was a dot segment
};

// Returns nothing when the path climbs above the root.
std::optional<Resolved> resolved(std::string_view path) {
  Resolved made;
  made.text.reserve(path.size());
  for (size_t start = 1; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    const bool dots = segment == "." || segment == "..";
    if (segment == "..") {
      if (made.text.empty()) return std::nullopt;
      made.text.resize(made.text.rfind('/'));
    }
    made.any = made.any || dots;
    made.last = dots && end == path.size();
    if (!dots) made.text.append("/").append(segment);
    start = end + 1;
  }
  if (made.last) made.text += '/';
  return made;
}

}  // namespace

// Returns false when a limit is reached.
bool PathReadings::add(std::string text) {
  const size_t hash = std::hash<std::string>()(text);
  for (size_t i = 0; i < texts_.size(); ++i)
    if (hashes_[i] == hash && texts_[i] == text) return true;
  bytes_ += text.size();
  if (texts_.size() == most || bytes_ > std::max(most_bytes, 8 * texts_.front().size())) {
    failure_ = "the path can be read in too many ways";
    return false;
  }
  hashes_.push_back(hash);
  texts_.push_back(std::move(text));
  return true;
}

// Applies each step alone; the readings that result go through the other steps later.
bool PathReadings::normalise(std::string_view text) {
  if (text.find('\\') != text.npos && !add(with_slashes(text))) return false;
  if (text.find(';') != text.npos && !add(without_parameters(text))) return false;
  if (text.find("//") != text.npos && !add(merged(text))) return false;
  if (text.find("/.") != text.npos) {
    std::optional<Resolved> without_dots = resolved(text);
    if (!without_dots) {
      failure_ = "the path goes above the root";
      return false;
    }
    if (without_dots->any) {
      if (without_dots->last && without_dots->text.size() > 1 &&
          !add(without_dots->text.substr(0, without_dots->text.size() - 1)))
        return false;
      if (!add(std::move(without_dots->text))) return false;
    }
  }
  const size_t end = std::min({text.find("%3F"), text.find("%23"), text.find("%00")});
  return end == text.npos || add(std::string(text.substr(0, end)));
}

bool PathReadings::decode(std::string_view text) {
  if (text.find('%') == text.npos) return true;
  if (!add(decoded(text, EscapedSlash::slash, false))) return false;
  if (text.find("%2F") != text.npos && !add(decoded(text, EscapedSlash::name, false))) return false;
  const bool odd_forms = text.find("%C") != text.npos || text.find("%E0") != text.npos ||
                         text.find("%F0") != text.npos || text.find("%25u") != text.npos ||
                         text.find("%25U") != text.npos;
  return !odd_forms || add(decoded(text, EscapedSlash::slash, true));
}

tl::expected<PathReadings, Sentence> PathReadings::of(std::string_view path) {
  PathReadings readings;
  std::string first;
  first.reserve(path.size());
  append_canonical(path, first);
  readings.texts_.reserve(most);  // views into the texts are used while others are added
  readings.texts_.push_back(std::move(first));
  readings.hashes_.push_back(std::hash<std::string>()(readings.texts_.front()));
  readings.bytes_ = readings.texts_.front().size();
  size_t begin = 0;  // of the readings with this number of decodings
  for (size_t decodings = 0; begin < readings.texts_.size(); ++decodings) {
    for (size_t i = begin; i < readings.texts_.size(); ++i)
      if (!readings.normalise(readings.texts_[i])) return tl::unexpected(readings.failure_);
    const size_t end = readings.texts_.size();
    if (decodings == most_decodings) break;
    for (size_t i = begin; i < end; ++i)
      if (!readings.decode(readings.texts_[i])) return tl::unexpected(readings.failure_);
    begin = end;
  }
  return readings;
}

}  // namespace postern::http
