#include "base/text_builder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace postern::base {
namespace {

constexpr size_t smallest_capacity = 256;
constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr uint64_t every_byte(uint8_t byte) { return 0x0101010101010101u * byte; }
constexpr uint64_t high_bits = every_byte(0x80);

// Not 0 exactly when one of the eight bytes is 0. (Bits of bytes above the lowest zero byte are not
// reliable.)
constexpr uint64_t zero_bytes(uint64_t word) { return (word - every_byte(1)) & ~word & high_bits; }

constexpr bool is_plain(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

// The number of bytes at the front that need no escape in a JSON string. Compares eight bytes at a time,
// because most text needs none.
size_t plain_prefix(std::string_view text) {
  size_t at = 0;
  while (text.size() - at >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    const uint64_t below_space = (word - every_byte(0x20)) & ~word & high_bits;
    const uint64_t special = (word & high_bits) | below_space | zero_bytes(word ^ every_byte('"')) |
                             zero_bytes(word ^ every_byte('\\')) | zero_bytes(word ^ every_byte(0x7f));
    if (special != 0) break;
    at += sizeof(word);
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

struct Decoded {
  char32_t code = 0xfffd;
  size_t length = 1;  // of the character, or of the longest valid prefix of one (Unicode 3.9)
  bool valid = false;
};

struct Lead {
  uint8_t more;  // number of bytes that follow
  // Bounds of the second byte; they exclude overlong forms, surrogates and codes above U+10FFFF.
  uint8_t lowest;
  uint8_t highest;
};

constexpr Lead lead_of(uint8_t byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1, 0x80, 0xbf};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {2, 0x80, 0xbf};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {3, 0x80, 0xbf};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

// Decodes the character at the front of `text`, whose first byte is 0x80 or above.
Decoded decode(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const Lead lead = lead_of(first);
  if (lead.more == 0) return {};
  char32_t code = first & (0x3fu >> lead.more);
  for (size_t i = 1; i <= lead.more; ++i) {
    const auto byte = i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
    const uint8_t lowest = i == 1 ? lead.lowest : 0x80;
    const uint8_t highest = i == 1 ? lead.highest : 0xbf;
    if (byte < lowest || byte > highest) return {.length = i};
    code = (code << 6) | (byte & 0x3fu);
  }
  return {.code = code, .length = lead.more + size_t{1}, .valid = true};
}

// Characters that control a terminal or the order of the shown text instead of being shown.
constexpr bool is_acting(char32_t code) {
  return code < 0xa0 || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_escape(TextBuilder& out, char32_t code) {
  std::array<char, 6> escape = {'\\', 'u'};
  for (size_t i = 0; i < 4; ++i) escape[i + 2] = hex_digits[(code >> (12 - 4 * i)) & 0xf];
  out.append({escape.data(), escape.size()});
}

void append_ascii_escape(TextBuilder& out, char c) {
  switch (c) {
    case '"': out.append("\\\""); break;
    case '\\': out.append("\\\\"); break;
    case '\n': out.append("\\n"); break;
    case '\r': out.append("\\r"); break;
    case '\t': out.append("\\t"); break;
    default: append_escape(out, static_cast<uint8_t>(c));
  }
}

bool is_word(std::string_view text) {
  return !text.empty() && plain_prefix(text) == text.size() && text.find(' ') == text.npos;
}

}  // namespace

void TextBuilder::grow(size_t count) {
  const size_t wanted = std::max({smallest_capacity, capacity_ * 2, size_ + count});
  auto larger = std::make_unique_for_overwrite<char[]>(wanted);
  if (size_ > 0) std::memcpy(larger.get(), buffer_.get(), size_);
  buffer_ = std::move(larger);
  capacity_ = wanted;
}

TextBuilder& TextBuilder::append(size_t count, char c) {
  if (count > 0) std::memset(claim(count), c, count);
  return *this;
}

TextBuilder& TextBuilder::append_signed(int64_t value) {
  constexpr size_t longest = 20;
  char* at = claim(longest);
  const char* end = std::to_chars(at, at + longest, value).ptr;
  size_ -= static_cast<size_t>(at + longest - end);
  return *this;
}

TextBuilder& TextBuilder::append_unsigned(uint64_t value) {
  constexpr size_t longest = 20;
  char* at = claim(longest);
  const char* end = std::to_chars(at, at + longest, value).ptr;
  size_ -= static_cast<size_t>(at + longest - end);
  return *this;
}

TextBuilder& TextBuilder::append_zero_filled(uint64_t value, size_t width) {
  check(width <= 20, "a 64 bit number has at most 20 digits");
  std::array<char, 20> digits{};
  size_t first = digits.size();
  while (value > 0 || digits.size() - first < width) {
    digits[--first] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return append({digits.data() + first, digits.size() - first});
}

TextBuilder& TextBuilder::append_fixed(double value, int decimals) {
  constexpr std::array<double, 10> scales = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  constexpr double exact_limit = 9e15;  // whole doubles below this are exact
  check(decimals >= 0 && decimals <= 9, "append_fixed() writes 0 to 9 decimals");
  if (!std::isfinite(value)) return append("null");

  const double scale = scales[static_cast<size_t>(decimals)];
  if (std::fabs(value * scale) >= exact_limit) {
    constexpr size_t longest = 330;  // sign, 309 digits, point, 9 decimals
    char* at = claim(longest);
    const char* end = std::to_chars(at, at + longest, value, std::chars_format::fixed, decimals).ptr;
    size_ -= static_cast<size_t>(at + longest - end);
    return *this;
  }
  const int64_t rounded = std::llround(value * scale);
  const auto magnitude = static_cast<uint64_t>(rounded < 0 ? -rounded : rounded);
  if (rounded < 0) append('-');
  const auto unit = static_cast<uint64_t>(scale);
  append_unsigned(magnitude / unit);
  if (decimals > 0) append('.').append_zero_filled(magnitude % unit, static_cast<size_t>(decimals));
  return *this;
}

TextBuilder& TextBuilder::append_shortest(double value) {
  if (!std::isfinite(value)) return append("null");
  constexpr size_t longest = 32;
  char* at = claim(longest);
  const char* end = std::to_chars(at, at + longest, value).ptr;
  size_ -= static_cast<size_t>(at + longest - end);
  return *this;
}

TextBuilder& TextBuilder::append_json_escaped(std::string_view text) {
  while (!text.empty()) {
    const size_t plain = plain_prefix(text);
    append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;

    if (static_cast<uint8_t>(text[0]) < 0x80) {
      append_ascii_escape(*this, text[0]);
      text.remove_prefix(1);
      continue;
    }
    const Decoded character = decode(text);
    if (character.valid && !is_acting(character.code))
      append(text.substr(0, character.length));
    else
      append_escape(*this, character.code);
    text.remove_prefix(character.length);
  }
  return *this;
}

TextBuilder& TextBuilder::append_json_string(std::string_view text) {
  append('"');
  append_json_escaped(text);
  return append('"');
}

TextBuilder& TextBuilder::append_word(std::string_view text) {
  return is_word(text) ? append(text) : append_json_string(text);
}

}  // namespace postern::base
