#include "base/ascii.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace postern::base;

std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> elements;
  while (const auto element = next_element(list)) elements.emplace_back(*element);
  return elements;
}

}  // namespace

TEST_CASE("ascii: only the 26 letters have a case") {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool upper = c >= 'A' && c <= 'Z';
    CHECK(lower(c) == (upper ? static_cast<char>(c + 32) : c));
  }
  CHECK(to_lower("AbC\xC4-1") == "abc\xC4-1");
  CHECK(equal_ignoring_case("Content-LENGTH", "content-length"));
  CHECK_FALSE(equal_ignoring_case("a", "ab"));
  CHECK_FALSE(equal_ignoring_case("@", "`"));  // they differ by 32, but are not letters
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK(equal_ignoring_case("", ""));
}

TEST_CASE("ascii: names that a CGI-like reader takes for one are equal as variables") {
  for (const char* name : {"X-Web-User", "x_web_user", "X.Web.User", "X~web!USER"}) {
    CAPTURE(name);
    CHECK(equal_as_variable(name, "X-WEB-USER"));
    CHECK(equal_as_variable("X_WEB.USER", name));
  }
  for (const char* name : {"X-Web-Use", "XWebUser--", "X-Web-User-", "X-Web-Us3r", "X-Web0User"}) {
    CAPTURE(name);
    CHECK_FALSE(equal_as_variable(name, "X-WEB-USER"));
  }
}

TEST_CASE("ascii: trimming takes spaces and tabs, nothing else") {
  CHECK(trim(" \t a b\t ") == "a b");
  CHECK(trim("\r\na\v") == "\r\na\v");
  CHECK(trim(" \t ") == "");
  CHECK(trim("") == "");
}

TEST_CASE("ascii: token characters are those of RFC 9110") {
  const std::string_view others = "!#$%&'*+-.^_`|~";
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool expected = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c != '\0' && others.find(c) != others.npos);
    CAPTURE(i);
    CHECK(is_token_char(c) == expected);
  }
  CHECK(is_token("x-a.b"));
  CHECK_FALSE(is_token(""));
  CHECK_FALSE(is_token("a b"));
  CHECK_FALSE(is_token("a:"));
}

TEST_CASE("ascii: a list gives its elements trimmed and passes over empty ones") {
  CHECK(elements_of("a, b ,c") == std::vector<std::string>{"a", "b", "c"});
  CHECK(elements_of(" ,, a,\t,b,") == std::vector<std::string>{"a", "b"});
  CHECK(elements_of("").empty());
  CHECK(elements_of(" , ").empty());
  CHECK(list_contains("keep-alive, Upgrade", "upgrade"));
  CHECK_FALSE(list_contains("upgraded, xupgrade", "upgrade"));
  CHECK_FALSE(list_contains("", "upgrade"));
}

TEST_CASE("ascii: a decimal is digits only and never overflows") {
  CHECK(parse_decimal("0") == 0);
  CHECK(parse_decimal("007") == 7);
  CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
  for (std::string_view wrong : {"", "+1", "-1", " 1", "1 ", "1,1", "0x1", "1.", "18446744073709551616",
                                 "99999999999999999999", "100000000000000000000000"}) {
    CAPTURE(std::string(wrong));
    CHECK_FALSE(parse_decimal(wrong));
  }
}
