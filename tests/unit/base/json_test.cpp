#include "base/json.h"

#include <doctest/doctest.h>

using postern::base::Json;
using postern::base::JsonLimits;
using postern::base::JsonProblem;
using postern::base::parse_json;

namespace {

JsonProblem::Kind problem(std::string_view text, JsonLimits limits = {}) {
  auto parsed = parse_json(text, limits);
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error().kind;
}

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}

}  // namespace

TEST_CASE("json: a document is read into the value it says") {
  auto parsed = parse_json(R"( {"a": [1, -2, 2.5, true, null, "x\u00e9"], "b": {"c": {}}, "d": []} )");
  REQUIRE(parsed.has_value());
  CHECK(*parsed == Json({{"a", {1, -2, 2.5, true, nullptr, "x\xc3\xa9"}},
                         {"b", {{"c", Json::object()}}},
                         {"d", Json::array()}}));
}

TEST_CASE("json: a scalar is a document") {
  CHECK(parse_json("7").value() == 7);
  CHECK(parse_json("\"x\"").value() == "x");
  CHECK(parse_json("null").value().is_null());
}

TEST_CASE("json: every cut of a document is a syntax problem") {
  std::string text = R"({"a":[1,{"b":"c"}],"d":false})";
  REQUIRE(parse_json(text).has_value());
  for (size_t size = 0; size < text.size(); ++size)
    CHECK(problem(std::string_view(text).substr(0, size)) == JsonProblem::Kind::syntax);
}

TEST_CASE("json: what is not RFC 8259 is a syntax problem") {
  for (std::string_view text : {"{}x",
                                "{} {}",
                                "{'a':1}",
                                "{a:1}",
                                "[1,]",
                                "{\"a\":1,}",
                                "01",
                                "+1",
                                ".5",
                                "1.",
                                "NaN",
                                "Infinity",
                                "-",
                                "\"\n\"",
                                "\"\\x41\"",
                                "\"\\ud800\"",
                                "\"\xff\"",
                                "\"\xc0\xaf\"",
                                "\"\xed\xa0\x80\"",
                                "//\n1",
                                "/**/1",
                                "True",
                                "1e400",
                                "-1e400",
                                ""})
    CHECK_MESSAGE(problem(text) == JsonProblem::Kind::syntax, std::string(text));
}

TEST_CASE("json: a byte order mark is no part of a text") {
  CHECK(problem("\xef\xbb\xbf{}") == JsonProblem::Kind::syntax);
  CHECK(problem("{}\xef\xbb\xbf") == JsonProblem::Kind::syntax);
}

TEST_CASE("json: nothing hides behind a NUL") {
  using namespace std::string_view_literals;
  CHECK(problem("{\"a\":1}\0{\"a\":2}"sv) == JsonProblem::Kind::syntax);
  CHECK(problem("{}\0"sv) == JsonProblem::Kind::syntax);
  CHECK(problem("\0{}"sv) == JsonProblem::Kind::syntax);
  CHECK(parse_json(R"("\u0000")").value() == std::string(1, '\0'));
}

TEST_CASE("json: a name twice in one object is refused, however it is written") {
  CHECK(problem(R"({"a":1,"a":1})") == JsonProblem::Kind::duplicate_name);
  CHECK(problem(R"({"a":1,"\u0061":2})") == JsonProblem::Kind::duplicate_name);
  CHECK(problem(R"({"x":[{"b":{},"c":1,"b":{}}]})") == JsonProblem::Kind::duplicate_name);
  CHECK(parse_json(R"({"a":{"a":[{"a":1},{"a":2}]},"A":1})").has_value());
}

TEST_CASE("json: depth is taken at the limit and refused one above") {
  CHECK(parse_json(nested(32)).has_value());
  CHECK(problem(nested(33)) == JsonProblem::Kind::too_deep);
  CHECK(problem(std::string(100'000, '[')) == JsonProblem::Kind::too_deep);
  CHECK(parse_json("[{}]", {.depth = 2}).has_value());
  CHECK(problem("[{\"a\":[]}]", {.depth = 2}) == JsonProblem::Kind::too_deep);
  CHECK(parse_json("1", {.depth = 0}).has_value());
}

TEST_CASE("json: size is taken at the limit and refused one above") {
  CHECK(parse_json("[1,2]", {.size = 5}).has_value());
  CHECK(problem("[1,2]", {.size = 4}) == JsonProblem::Kind::too_large);
}

TEST_CASE("json: numbers keep their kind and the ends of their range") {
  CHECK(parse_json("18446744073709551615").value().get<uint64_t>() == UINT64_MAX);
  CHECK(parse_json("-9223372036854775808").value().get<int64_t>() == INT64_MIN);
  CHECK(parse_json("18446744073709551616").value().is_number_float());
  CHECK(parse_json("1.0").value().is_number_float());
}

TEST_CASE("json: members are found by exact name and only in objects") {
  Json value = parse_json(R"({"a":"text","b":1})").value();
  CHECK(postern::base::find_member(value, "b") != nullptr);
  CHECK(postern::base::find_member(value, "B") == nullptr);
  CHECK(postern::base::find_member(value["a"], "a") == nullptr);
  REQUIRE(postern::base::find_string(value, "a") != nullptr);
  CHECK(*postern::base::find_string(value, "a") == "text");
  CHECK(postern::base::find_string(value, "b") == nullptr);
}

TEST_CASE("json: text that is not UTF-8 is written with replacements instead of throwing") {
  CHECK(postern::base::write_json(Json("a\xff\x62")) == "\"a\xef\xbf\xbd\x62\"");
  CHECK(postern::base::write_json({{"a", {1, "b"}}}) == R"({"a":[1,"b"]})");
}

TEST_CASE("json: a description says nothing of the text") {
  auto parsed = parse_json(R"({"password":"hunter2","password":1})");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(describe(parsed.error().kind) == "has the same name twice in one object");
}
