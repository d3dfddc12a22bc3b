#include "config/suggest.h"

#include <doctest/doctest.h>

using namespace postern::config;

TEST_CASE("suggest: the distance counts inserts, removals, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("upstream", "upstream") == 0);
  CHECK(edit_distance("upstrem", "upstream") == 1);
  CHECK(edit_distance("upstraem", "upstream") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("suggest: a near word is found whatever its case, a far one is not") {
  const std::vector<std::string_view> words = {"upstream", "origins", "jwt", "body_size"};
  CHECK(suggest("upstrem", words) == "upstream");
  CHECK(suggest("Origin", words) == "origins");
  CHECK(suggest("JWT", words) == "jwt");
  CHECK(suggest("body-size", words) == "body_size");
  CHECK(suggest("zzzzzz", words).empty());
  CHECK(suggest("", words).empty());
  CHECK(suggest(std::string(65, 'a'), {std::string_view("a")}).empty());
  CHECK(did_you_mean("upstrem", words) == "; did you mean \"upstream\"?");
  CHECK(did_you_mean("zzzzzz", words).empty());
}

TEST_CASE("suggest: the beginning of a word stands for it") {
  CHECK(suggest("warning", {"info", "warn"}) == "warn");
  CHECK(suggest("least", {"round_robin", "least_connections"}) == "least_connections");
}
