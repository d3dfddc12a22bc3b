#include "config/text.h"

#include <doctest/doctest.h>

using namespace postern::config;

TEST_CASE("text: UTF-8 is taken in its shortest form and nothing else") {
  for (const char* good :
       {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xff\xfe", "\xe2\x82", "\xf0\x80\x80\xaf", "\xe2\x28\xa1"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
  std::size_t at = 0;
  CHECK_FALSE(is_utf8("ab\xc3\xa4\xff", &at));
  CHECK(at == 4);
}

TEST_CASE("text: control characters are found, C1 in UTF-8 among them") {
  CHECK(find_control("a\xc2\x85z") == 1);
  CHECK(find_control("a\x7f") == 1);
  CHECK(find_control("a\xc2\xa0z\xc3\x85") == std::string_view::npos);
  CHECK(find_control("\ta\n", 1) == 2);
}

TEST_CASE("text: what is shown is cut between characters") {
  CHECK(shown("a\xe2\x80\xae"
              "b\xe2\x81\xa6\xe2\x82\xac",
              80) ==
        "a\\xe2\\x80\\xae"
        "b\\xe2\\x81\\xa6\xe2\x82\xac");
  CHECK(shown("abcdef", 4) == "abcd...");
  CHECK(shown("abc\xc3\xa4", 4) == "abc...");
  CHECK(shown("abc\xc3\xa4", 5) == "abc\xc3\xa4");
  CHECK(quoted(std::string(200, 'x')).size() == 85);
}
