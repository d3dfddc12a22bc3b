#include "policy/pattern.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using postern::policy::Pattern;

namespace {

std::shared_ptr<const Pattern> pattern(std::string_view text) { return Pattern::compile(text).value(); }

}  // namespace

TEST_CASE("pattern: the whole text must fit") {
  CHECK(pattern("/users/[0-9]+")->fits("/users/7"));
  CHECK_FALSE(pattern("/users/[0-9]+")->fits("/users/7/x"));
  CHECK_FALSE(pattern("/users/[0-9]+")->fits("/a/users/7"));
  CHECK(pattern("^/users/[0-9]+$")->fits("/users/7"));
  CHECK(pattern("/a|/b")->fits("/b"));
  CHECK_FALSE(pattern("/a|/b")->fits("/bc"));
  CHECK(pattern("/\xc3.")->fits("/\xc3\xa9"));  // bytes are compared
}

TEST_CASE("pattern: what is no expression is refused with RE2's words") {
  CHECK(Pattern::compile("(").error().starts_with("is not an RE2 expression: missing )"));
  CHECK_FALSE(Pattern::compile("(?!x)").has_value());
}

TEST_CASE("pattern: one that no path can fit is known") {
  for (const char* text : {"users/[0-9]+", "\\.php$", "^api", "[a-z]+", "x.*"}) {
    CAPTURE(text);
    CHECK(pattern(text)->fits_no_path());
  }
  for (const char* text : {"/users", ".*\\.php", "^/a", "(/a|b)", "[^a]b", "(?i)/A"}) {
    CAPTURE(text);
    CHECK_FALSE(pattern(text)->fits_no_path());
  }
}

TEST_CASE("pattern: the folder is what stands there letter by letter") {
  const std::pair<const char*, const char*> cases[] = {
      {"/users/[0-9]+", "/users/"},
      {"^/users/[0-9]+$", "/users/"},
      {"/users", "/"},
      {"/users/", "/users/"},
      {"/v1\\.2/x.*", "/v1.2/"},
      {"/a/?", "/"},
      {"/a/b*/c", "/a/"},
      {"/a/{2}x", "/"},
      {"/a/|/b/", "/"},
      {"/a/(b|c)", "/"},
      {".*\\.php", "/"},
      {"(?i)/users/x", "/"},
      {"/a/\\d+", "/a/"},
      {"/a/\\Qb/c\\E", "/"},
      {"/files/.*", "/files/"},
      {"/a/b/+c", "/a/"},
      {"/", "/"},
      {"", "/"},
  };
  for (const auto& [text, folder] : cases) {
    const auto& the_text = text;
    CAPTURE(the_text);
    CHECK(pattern(text)->folder() == folder);
  }
}

// A path that matches must be in the folder, because otherwise the table would not find its route.
TEST_CASE("pattern: no random path that fits lies outside of the folder") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"/",   "a",   "b",    "\\.", ".",   "*",   "?",    "+",    "[ab]",
                                           "(a",  ")",   "|",    "^",   "$",   "{2}", "\\d",  "[^/]", "/a/",
                                           "\\Q", "\\E", "(?i)", "-",   "\\/", "{",   "\\pL", "(?:b"};
  const std::string letters = "/abAB.-12";
  int fitting = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "/";
    for (unsigned i = random() % 6; i > 0; --i) text += pieces[random() % pieces.size()];
    const auto made = Pattern::compile(text);
    if (!made) continue;
    const std::string folder = (*made)->folder();
    for (int i = 0; i < 20; ++i) {
      std::string path = "/";
      for (unsigned length = random() % 6; length > 0; --length) path += letters[random() % letters.size()];
      if (!(*made)->fits(path)) continue;
      ++fitting;
      const bool lies_in_it = path.starts_with(folder) || path + '/' == folder;
      if (!lies_in_it) FAIL(text << " fits " << path << " outside of " << folder);
    }
  }
  CHECK(fitting > 1000);
}
