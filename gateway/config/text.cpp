#include "config/text.h"

#include "base/ascii.h"
#include "config/suggest.h"
#include "http/redaction.h"

namespace postern::config {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// Returns the length of the well-formed sequence at `at`; 0: it is not well-formed (RFC 3629 section 4).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || text.size() - at < length) return 0;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte_at(text, at + 1) < low || byte_at(text, at + 1) > high) return 0;
  for (std::size_t next = 2; next < length; ++next) {
    if ((byte_at(text, at + next) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool is_control(std::string_view text, std::size_t at) {
  const unsigned char byte = byte_at(text, at);
  if (byte < 0x20 || byte == 0x7f) return true;
  return byte == 0xc2 && at + 1 < text.size() && byte_at(text, at + 1) >= 0x80 &&
         byte_at(text, at + 1) < 0xa0;
}

// U+200E, U+200F, U+2028 to U+202E and U+2066 to U+2069: they reorder or break a line.
bool is_layout(std::string_view character) {
  if (character.size() != 3 || byte_at(character, 0) != 0xe2) return false;
  const unsigned char middle = byte_at(character, 1);
  const unsigned char last = byte_at(character, 2);
  if (middle == 0x80) return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
  return middle == 0x81 && last >= 0xa6 && last <= 0xa9;
}

void append_hex(std::string& out, unsigned char byte) {
  out += hex_digits[byte >> 4];
  out += hex_digits[byte & 15];
}

}  // namespace

bool is_utf8(std::string_view text, std::size_t* bad) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (length == 0) {
      if (bad != nullptr) *bad = at;
      return false;
    }
    at += length;
  }
  return true;
}

std::size_t find_control(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (is_control(text, at)) return at;
  }
  return std::string_view::npos;
}

std::string shown(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    if (at + (length == 0 ? 1 : length) > limit) return out + "...";
    if (length == 0 || is_control(text, at) || is_layout(text.substr(at, length))) {
      const std::size_t count = length == 0 ? 1 : length;
      for (std::size_t next = 0; next < count; ++next) {
        out += "\\x";
        append_hex(out, byte_at(text, at + next));
      }
      at += count;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  return '"' + shown(http::redact_url(text, http::usual_secret_names())) + '"';
}

std::string key_path(const std::string& path, std::string_view key) {
  constexpr std::size_t longest = 64;
  const std::string name = shown(http::redact_url(key, http::usual_secret_names()), longest);
  return path.empty() ? name : path + '.' + name;
}

std::string without_value(std::string_view key) {
  const std::size_t end = key.find_first_of(":= ");
  std::string name(key.substr(0, end));
  if (end == std::string_view::npos) return name;
  const bool may_be_secret = http::is_secret_name(name, http::usual_secret_names()) ||
                             edit_distance(base::to_lower(name), "secret") <= 2;
  return may_be_secret ? name.append("...") : std::string(key);
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& letter : out) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return out;
}

}  // namespace postern::config
