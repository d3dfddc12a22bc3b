// Which bytes may stand where in a message (RFC 9110 5.5 and 5.6.2), as tables.
#pragma once

#include <array>

namespace postern::http1 {

inline constexpr auto token_bytes = [] {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 0x20] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Of a field's value: visible characters, spaces, tabs and the bytes beyond ASCII.
inline constexpr auto value_bytes = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x20; c < 256; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}();

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool may_be_in_token(char c) { return token_bytes[static_cast<unsigned char>(c)]; }
constexpr bool may_be_in_value(char c) { return value_bytes[static_cast<unsigned char>(c)]; }

}  // namespace postern::http1
