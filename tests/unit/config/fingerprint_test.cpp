#include "config/fingerprint.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace postern::config;

namespace {

uint64_t of(std::string_view yaml, std::initializer_list<std::string_view> but = {}) {
  Diagnostics diagnostics("test.yaml");
  const std::optional<Node> root = read_yaml(yaml, diagnostics);
  REQUIRE(root);
  return fingerprint(*root, but);
}

}  // namespace

TEST_CASE("fingerprint: layout, quotes, comments and the order of keys do not count") {
  CHECK(of("{ a: x, b: [1, 2] }") == of("# a comment\nb:\n  - \"1\"\n  - 2\na: 'x'\n"));
}

TEST_CASE("fingerprint: every key, value and order of a list counts") {
  const uint64_t one = of("{ a: x, b: [1, 2] }");
  for (std::string_view other :
       {"{ a: y, b: [1, 2] }", "{ c: x, b: [1, 2] }", "{ a: x, b: [2, 1] }", "{ a: x }", "{ a: x, b: [12] }",
        "{ a: x, b: 12 }", "{ a: [1, 2], b: x }", "{ a: x, b: [[1, 2]] }", "{ a: x, b: [1, 2], c: }"})
    CHECK_MESSAGE(of(other) != one, other);
}

TEST_CASE("fingerprint: a key that is passed over is so at the top alone") {
  CHECK(of("{ name: x, a: 1 }", {"name"}) == of("{ a: 1, name: y }", {"name"}));
  CHECK(of("{ name: x, a: 1 }", {"name"}) == of("{ a: 1 }"));
  CHECK(of("{ a: { name: x } }", {"name"}) != of("{ a: { name: y } }", {"name"}));
}

TEST_CASE("fingerprint: of several, their order counts") {
  CHECK(fingerprint({1, 2}) == fingerprint({1, 2}));
  CHECK(fingerprint({1, 2}) != fingerprint({2, 1}));
  CHECK(fingerprint({1, 2}) != fingerprint({12}));
}

TEST_CASE("fingerprint: of values of any kind, where each ends and their order count") {
  const auto of_texts = [](std::initializer_list<std::string_view> texts) {
    Fingerprint all;
    for (std::string_view text : texts) all.add(text);
    return all.number();
  };
  CHECK(of_texts({"a", "b"}) == of_texts({"a", "b"}));
  CHECK(of_texts({"a", "b"}) != of_texts({"ab"}));
  CHECK(of_texts({"a", "b"}) != of_texts({"b", "a"}));
  const auto of_number = [](auto number) {
    Fingerprint all;
    all.add(number);
    return all.number();
  };
  CHECK(of_number(1.5) != of_number(1.25));
  CHECK(of_number(1) != of_number(2));
}
