#include "base/text_builder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/json.h"

using postern::base::TextBuilder;

namespace {

std::string fixed(double value, int decimals) {
  TextBuilder out;
  return std::string(out.append_fixed(value, decimals).view());
}

std::string shortest(double value) {
  TextBuilder out;
  return std::string(out.append_shortest(value).view());
}

std::string escaped(std::string_view text) {
  TextBuilder out;
  return std::string(out.append_json_escaped(text).view());
}

std::string word(std::string_view text) {
  TextBuilder out;
  return std::string(out.append_word(text).view());
}

}  // namespace

TEST_CASE("text builder: what is appended comes out in order, however often the buffer grows") {
  TextBuilder out;
  std::string expected;
  CHECK(out.empty());
  for (int i = 0; i < 2000; ++i) {
    out.append("piece ").append_number(i).append(';').append("");
    expected += "piece " + std::to_string(i) + ";";
  }
  CHECK(out.view() == expected);
  CHECK(out.size() == expected.size());
  CHECK(out.append(3, '.').append(0, 'x').view() == expected + "...");
  out.truncate(6);
  CHECK(out.view() == "piece ");
}

TEST_CASE("text builder: clear keeps the memory") {
  TextBuilder out(1000);
  out.append(1000, 'a');
  const size_t capacity = out.capacity();
  const char* memory = out.view().data();
  out.clear();
  CHECK(out.empty());
  out.append(capacity, 'b');
  CHECK(out.capacity() == capacity);
  CHECK(out.view().data() == memory);
}

TEST_CASE("text builder: a moved-from builder is empty and can be used again") {
  TextBuilder first;
  first.append("kept");
  TextBuilder second = std::move(first);
  CHECK(second.view() == "kept");
  first.append("new");
  CHECK(first.view() == "new");
  second = std::move(first);
  CHECK(second.view() == "new");
}

TEST_CASE("text builder: numbers of every width are decimal") {
  TextBuilder out;
  out.append_number(0).append(' ').append_number(uint8_t{255}).append(' ').append_number(int16_t{-7});
  out.append(' ').append_number(std::numeric_limits<int64_t>::min());
  out.append(' ').append_number(std::numeric_limits<uint64_t>::max());
  CHECK(out.view() == "0 255 -7 -9223372036854775808 18446744073709551615");
}

TEST_CASE("text builder: zeros fill a number up to its width and never cut it") {
  TextBuilder out;
  out.append_zero_filled(7, 3).append(' ').append_zero_filled(0, 2).append(' ').append_zero_filled(1234, 2);
  CHECK(out.append(' ').append_zero_filled(0, 0).view() == "007 00 1234 ");
}

TEST_CASE("text builder: fixed-point doubles are rounded to the digits asked for") {
  CHECK(fixed(0, 3) == "0.000");
  CHECK(fixed(1.2345, 3) == "1.235");
  CHECK(fixed(1.2344, 3) == "1.234");
  CHECK(fixed(0.9996, 3) == "1.000");
  CHECK(fixed(-12.5, 0) == "-13");
  CHECK(fixed(-0.05, 2) == "-0.05");
  CHECK(fixed(-0.0004, 3) == "0.000");
  CHECK(fixed(123456.5, 9) == "123456.500000000");
  CHECK(fixed(123456789.5, 9) == "123456789.500000000");
  CHECK(fixed(1e17, 2) == "100000000000000000.00");
  CHECK(fixed(-1e17, 1) == "-100000000000000000.0");
  CHECK(fixed(std::numeric_limits<double>::max(), 9).size() == 309 + 1 + 9);
}

TEST_CASE("text builder: doubles that JSON has no number for become null") {
  CHECK(fixed(std::numeric_limits<double>::quiet_NaN(), 3) == "null");
  CHECK(fixed(std::numeric_limits<double>::infinity(), 3) == "null");
  CHECK(shortest(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("text builder: shortest doubles read back as the same value") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(2) == "2");
  for (const double value : {1.0 / 3, 1e300, -2.2250738585072014e-308, 123456.789})
    CHECK(std::stod(shortest(value)) == value);
}

TEST_CASE("text builder: JSON escapes keep every ASCII character at every place in a word") {
  for (int code = 0; code < 0x80; ++code) {
    for (size_t before = 0; before < 17; ++before) {
      const std::string text = std::string(before, 'x') + static_cast<char>(code) + "tail of the text";
      TextBuilder out;
      out.append_json_string(text);
      const auto read = postern::base::parse_json(out.view());
      REQUIRE(read);
      REQUIRE(read->get<std::string>() == text);
      REQUIRE(out.view().find_first_of(std::string_view("\0\n\r\t\x1b\x7f", 6)) == std::string_view::npos);
    }
  }
}

TEST_CASE("text builder: JSON escapes are the short ones where people know them") {
  CHECK(escaped("a\"b\\c\nd\re\tf") == R"(a\"b\\c\nd\re\tf)");
  CHECK(escaped(std::string_view("\0\x1b[2J\x7f", 6)) == R"(\u0000\u001b[2J\u007f)");
  CHECK(escaped("") == "");
}

TEST_CASE("text builder: well-formed UTF-8 passes unchanged") {
  const std::string text = "Grüße, 日本語, 🚀 \u00a0 \ud7ff \ue000 \U0010ffff";
  CHECK(escaped(text) == text);
}

TEST_CASE("text builder: each ill-formed piece of UTF-8 becomes one replacement character") {
  CHECK(escaped("\x80") == R"(\ufffd)");
  CHECK(escaped("a\xc3") == R"(a\ufffd)");
  CHECK(escaped("\xc3(") == R"(\ufffd()");
  CHECK(escaped("\xc0\xaf") == R"(\ufffd\ufffd)");                      // overlong
  CHECK(escaped("\xe0\x80\x80") == R"(\ufffd\ufffd\ufffd)");            // overlong
  CHECK(escaped("\xed\xa0\x80") == R"(\ufffd\ufffd\ufffd)");            // surrogate
  CHECK(escaped("\xf4\x90\x80\x80") == R"(\ufffd\ufffd\ufffd\ufffd)");  // above U+10FFFF
  CHECK(escaped("\xf0\x9f\x9a") == R"(\ufffd)");  // a truncated character is one ill-formed piece
  CHECK(escaped("\xf0\x9f\x9aX\xff") == R"(\ufffdX\ufffd)");
}

TEST_CASE("text builder: characters that act on a screen are escaped") {
  CHECK(escaped("\u009b2J") == R"(\u009b2J)");
  CHECK(escaped("\u202egpj.exe") == R"(\u202egpj.exe)");
  CHECK(escaped("a\u2028b\u2066c\ufeff") == R"(a\u2028b\u2066c\ufeff)");
}

TEST_CASE("text builder: any bytes at all give valid JSON") {
  uint64_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text += static_cast<char>(state >> 56);
    }
    TextBuilder out;
    out.append_json_string(text);
    REQUIRE(postern::base::parse_json(out.view()).has_value());
  }
}

TEST_CASE("text builder: one printable word is bare, everything else is quoted") {
  CHECK(word("/api/x?a=b") == "/api/x?a=b");
  CHECK(word("") == R"("")");
  CHECK(word("two words") == R"("two words")");
  CHECK(word("say\"so") == R"("say\"so")");
  CHECK(word("back\\slash") == R"("back\\slash")");
  CHECK(word("line\nbreak") == R"("line\nbreak")");
  CHECK(word("é") == R"("é")");
}
