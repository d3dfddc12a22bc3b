#include "base/text_arena.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using postern::base::TextArena;

TEST_CASE("text arena: parts are joined and stay where they are") {
  TextArena arena;
  std::vector<std::pair<std::string_view, std::string>> kept;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = "value " + std::to_string(i);
    kept.emplace_back(arena.keep({text, ";", text}), text + ";" + text);
  }
  bool same = true;
  for (const auto& [view, text] : kept) same = same && view == text;
  CHECK(same);
}

TEST_CASE("text arena: empty and very large texts are kept too") {
  TextArena arena;
  CHECK(arena.keep("").empty());
  const std::string large(300'000, 'x');
  const std::string_view before = arena.keep("before");
  const std::string_view view = arena.keep(large);
  const std::string_view after = arena.keep("after");
  CHECK(view == large);
  CHECK(before == "before");
  CHECK(after == "after");
}

TEST_CASE("text arena: a cleared one can be used again") {
  TextArena arena;
  arena.keep("gone");
  arena.clear();
  CHECK(arena.keep({"a", "b"}) == "ab");
}

TEST_CASE("text arena: its texts survive its being moved") {
  TextArena arena;
  const std::string_view small = arena.keep("small");
  const TextArena moved = std::move(arena);
  CHECK(small == "small");
}

TEST_CASE("text arena: nothing is kept without any memory, and is a text all the same") {
  postern::base::TextArena arena;
  for (const std::string_view empty : {arena.keep(""), arena.keep({}), arena.keep({"", "", ""})}) {
    CHECK(empty.empty());
    CHECK(empty.data() != nullptr);  // null would mean that there is no text
  }
  CHECK(arena.keep("a") == "a");
  CHECK(arena.keep("").data() != nullptr);
}
