#include "http1/characters.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern::http1;

TEST_CASE(
    "characters: the ends of values and tokens are found wherever they are, and whatever stands around") {
  for (const char around : {'a', ' ', '\t', '\x80', '\xff', '~', '!'}) {
    for (size_t length = 1; length <= 20; ++length) {
      for (size_t place = 0; place < length; ++place) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string text(length, around);
          text[place] = static_cast<char>(byte);
          const char* const end = text.data() + length;
          const bool fits = may_be_in_value(text[place]);
          REQUIRE(find_value_end(text.data(), end) == (fits ? end : text.data() + place));
          const char* token = text.data();
          while (token != end && may_be_in_token(*token)) ++token;
          REQUIRE(find_token_end(text.data(), end) == token);
        }
      }
    }
  }
}
