#include "crypto/base64.h"

#include <array>
#include <cstdint>

namespace postern::crypto {
namespace {

constexpr std::string_view url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr uint8_t foreign = 0xff;  // not a letter of the alphabet; letters are below 64

using Table = std::array<uint8_t, 256>;

constexpr Table decoding_table(std::string_view alphabet) {
  Table table{};
  table.fill(foreign);
  for (size_t value = 0; value < alphabet.size(); ++value)
    table[static_cast<unsigned char>(alphabet[value])] = static_cast<uint8_t>(value);
  return table;
}

constexpr Table url_table = decoding_table(url_alphabet);
constexpr Table standard_table = decoding_table(standard_alphabet);

uint32_t octet(std::string_view bytes, size_t index) { return static_cast<unsigned char>(bytes[index]); }

std::string encode(std::string_view bytes, std::string_view alphabet, bool padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  size_t index = 0;
  for (; index + 3 <= bytes.size(); index += 3) {
    uint32_t group = octet(bytes, index) << 16 | octet(bytes, index + 1) << 8 | octet(bytes, index + 2);
    text += alphabet[group >> 18];
    text += alphabet[group >> 12 & 63];
    text += alphabet[group >> 6 & 63];
    text += alphabet[group & 63];
  }
  if (size_t rest = bytes.size() - index; rest != 0) {
    uint32_t group = octet(bytes, index) << 16 | (rest == 2 ? octet(bytes, index + 1) << 8 : 0);
    text += alphabet[group >> 18];
    text += alphabet[group >> 12 & 63];
    if (rest == 2) text += alphabet[group >> 6 & 63];
    if (padded) text.append(3 - rest, '=');
  }
  return text;
}

// `text` contains letters only, without padding.
std::optional<std::string> decode(std::string_view text, const Table& table) {
  size_t rest = text.size() % 4;
  if (rest == 1) return std::nullopt;
  std::string bytes(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  auto letter = [&](size_t index) -> uint32_t { return table[static_cast<unsigned char>(text[index])]; };

  size_t out = 0;
  size_t in = 0;
  uint32_t seen = 0;  // the bitwise or of all letters: a foreign one sets a high bit
  for (; in + 4 <= text.size(); in += 4, out += 3) {
    uint32_t a = letter(in), b = letter(in + 1), c = letter(in + 2), d = letter(in + 3);
    seen |= a | b | c | d;
    uint32_t group = a << 18 | b << 12 | c << 6 | d;
    bytes[out] = static_cast<char>(group >> 16);
    bytes[out + 1] = static_cast<char>(group >> 8);
    bytes[out + 2] = static_cast<char>(group);
  }
  uint32_t unused = 0;
  if (rest != 0) {
    uint32_t a = letter(in), b = letter(in + 1), c = rest == 3 ? letter(in + 2) : 0;
    seen |= a | b | c;
    uint32_t group = a << 18 | b << 12 | c << 6;
    bytes[out] = static_cast<char>(group >> 16);
    if (rest == 3) bytes[out + 1] = static_cast<char>(group >> 8);
    unused = rest == 3 ? group & 0xff : group & 0xffff;
  }
  if (seen >= 64 || unused != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string encode_base64url(std::string_view bytes) { return encode(bytes, url_alphabet, false); }

std::optional<std::string> decode_base64url(std::string_view text) { return decode(text, url_table); }

std::string encode_base64(std::string_view bytes) { return encode(bytes, standard_alphabet, true); }

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode(text, standard_table);
}

}  // namespace postern::crypto
