// Reads messages as the gateway does and says what it would send on, for differential.py to hold against
// other readers. Standard input: any number of [kind, length (4 bytes, big endian), bytes], kind "q" for what
// a client sends, "r" for an endpoint's answer to GET and "h" to HEAD. Standard output, for each: a line "M
// <method or status> <target> <body> <what is written>", in hexadecimal, for each message that was read
// whole, and a line "E accepted" or "E refused". Cut at other places the bytes must give the same, or the
// program ends.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "support/parsed_messages.h"
#include "support/random_cuts.h"
#include "support/rewritten.h"

namespace support = postern::support;
namespace http = postern::http;

namespace {

std::string in_hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "x";  // so that nothing is a word too
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

void say_message(std::string_view first, std::string_view second, std::string_view body,
                 std::string_view written) {
  std::cout << "M " << in_hexadecimal(first) << ' ' << in_hexadecimal(second) << ' ' << in_hexadecimal(body)
            << ' ' << in_hexadecimal(written) << '\n';
}

support::Parsed parse(char kind, const support::Pieces& pieces) {
  if (kind == 'q') return support::parse_requests(pieces);
  support::ResponseReading reading;
  if (kind == 'h') reading.methods = {http::Method::head, http::Method::get};
  return support::parse_responses(pieces, reading);
}

bool read_one(char kind, std::string_view bytes) {
  const support::Parsed parsed = parse(kind, {bytes});
  for (const support::Pieces& pieces :
       {support::cut_into_bytes(bytes), support::cut_at_random(bytes, static_cast<uint32_t>(bytes.size()))}) {
    if (parse(kind, pieces).messages == parsed.messages) continue;
    std::fputs("the cuts make a difference\n", stderr);
    return false;
  }
  bool to_head = kind == 'h';
  for (const support::ParsedMessage& message : parsed.messages) {
    if (!message.complete) continue;
    if (kind == 'q') {
      if (!message.authority.empty())
        say_message(message.method, message.target, message.body, support::rewritten(message));
    } else if (message.status >= 200) {
      say_message(std::to_string(message.status), to_head ? "HEAD" : "GET", message.body,
                  support::rewritten_response(message, to_head));
      to_head = false;
    }
  }
  std::cout << (parsed.refused() ? "E refused\n" : "E accepted\n");
  return true;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  const std::string all{std::istreambuf_iterator<char>(std::cin), {}};
  constexpr size_t header = 5;
  std::string_view rest = all;
  while (rest.size() >= header) {
    size_t length = 0;
    for (size_t i = 1; i < header; ++i) length = length << 8 | static_cast<unsigned char>(rest[i]);
    if (rest.size() - header < length) break;
    if (!read_one(rest[0], rest.substr(header, length))) return 1;
    rest.remove_prefix(header + length);
  }
  if (rest.empty()) return 0;
  std::fputs("the input ends in the middle\n", stderr);
  return 2;
}
