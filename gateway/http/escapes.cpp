#include "http/escapes.h"

#include <array>

#include "base/ascii.h"

namespace postern::http {
namespace {

constexpr std::array<bool, 256> need_escape() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = i <= 0x20 || i >= 0x7f;
  for (char c : std::string_view("<>\"{}|^`")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto needs_escape = need_escape();

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = base::lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

int escaped_byte(std::string_view text, size_t position) {
  if (text.size() - position < 3) return -1;
  const int high = hex_digit(text[position + 1]);
  const int low = hex_digit(text[position + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_overlong(std::string_view path, size_t position, int byte) {
  if (byte < 0xc0 || position + 3 >= path.size() || path[position + 3] != '%') return false;
  const int second = escaped_byte(path, position + 3);
  if (second < 0x80 || second > 0xbf) return false;
  return byte < 0xc2 || (byte == 0xe0 && second < 0xa0) || (byte == 0xf0 && second < 0x90);
}

void append_escape(char c, std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  text += {'%', digits[byte / 16], digits[byte % 16]};
}

std::string in_ascii(std::string_view target) {
  std::string text;
  text.reserve(target.size());
  for (char c : target) {
    if (static_cast<unsigned char>(c) < 0x80)
      text += c;
    else
      append_escape(c, text);
  }
  return text;
}

void append_canonical(std::string_view path, std::string& text) {
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%') {
      const int byte = escaped_byte(path, i);
      append_escape(byte < 0 ? '%' : static_cast<char>(byte), text);
      if (byte >= 0) i += 2;
    } else if (needs_escape[static_cast<unsigned char>(c)]) {
      append_escape(c, text);
    } else {
      text += c;
    }
  }
}

}  // namespace postern::http
