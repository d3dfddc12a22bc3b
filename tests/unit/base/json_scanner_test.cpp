#include "base/json_scanner.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern::base;

namespace {

std::string found(std::string_view text, std::string_view path = "/type") {
  const auto result = find_in_json(text, *JsonPath::read(path));
  if (!result) return "error " + std::string(result.error());
  if (!result->exists) return "nothing";
  return (result->is_string ? "string " : "other ") + std::string(result->text());
}

}  // namespace

TEST_CASE("json scanner: finds a member, wherever it stands") {
  CHECK(found(R"({"type":"a"})") == "string a");
  CHECK(found(R"( { "x" : [1, {"type": "no"}] , "type" : "a" } )") == "string a");
  CHECK(found(R"({"x":{"type":"no"},"type":"a"})") == "string a");
  CHECK(found(R"({"type":12.5e3})") == "other 12.5e3");
  CHECK(found(R"({"type":null})") == "other null");
  CHECK(found(R"({"type":{"type":"inner"}})") == "other ");
  CHECK(found(R"({"type":[]})") == "other ");
  CHECK(found(R"({"a":1})") == "nothing");
  for (const std::string_view text : {"{}", "[]", "[{\"type\":\"a\"}]", "1", "\"type\"", "null", "[[[]]]"})
    CHECK(found(text) == "nothing");
}

TEST_CASE("json scanner: follows the names of a path, and comes back from each") {
  CHECK(found(R"({"data":{"kind":"a"}})", "/data/kind") == "string a");
  CHECK(found(R"({"kind":"no","data":{"x":{"kind":"no"},"kind":"a"}})", "/data/kind") == "string a");
  CHECK(found(R"({"data":[{"kind":"no"}]})", "/data/kind") == "nothing");
  CHECK(found(R"({"data":"kind"})", "/data/kind") == "nothing");
  CHECK(found(R"({"data":{},"other":{"kind":"no"}})", "/data/kind") == "nothing");
  CHECK(found(R"({"data":{"data":{"kind":"no"}},"x":{"kind":"no"}})", "/data/kind") == "nothing");
  CHECK(found(R"({"a":{"b":{"c":"x"}},"d":1})", "/a/b/c") == "string x");
}

TEST_CASE("json scanner: escapes are read, in names and in values") {
  CHECK(found(R"({"\u0074ype":"a"})") == "string a");
  CHECK(found(R"({"type":"\u0061\n\"\\\/"})") == "string a\n\"\\/");
  CHECK(found(R"({"type":"\ud83d\ude00"})") == "string \xf0\x9f\x98\x80");
  CHECK(found(R"({"type":"\u00e9"})") == "string é");
  CHECK(found(R"({"type":"\ud83d"})") == "error surrogate");
  CHECK(found(R"({"type":"\ude00\ud83d"})") == "error surrogate");
  CHECK(found(R"({"\ud83d":1,"type":"a"})") == "error surrogate");
}

TEST_CASE("json scanner: a name of the path twice is an error, written in whatever way") {
  CHECK(found(R"({"type":"a","type":"b"})") == "error duplicate_name");
  CHECK(found(R"({"type":"a","t\u0079pe":"b"})") == "error duplicate_name");
  CHECK(found(R"({"data":{"kind":"a"},"data":{"kind":"b"}})", "/data/kind") == "error duplicate_name");
  CHECK(found(R"({"other":1,"other":2,"type":"a"})") == "string a");
  CHECK(found(R"({"x":{"type":1,"type":2},"type":"a"})") == "string a");
}

TEST_CASE("json scanner: a name that readers take for one of the path when they ignore case is an error") {
  for (const std::string_view text :
       {R"({"type":"ok","Type":"admin"})", R"({"TYPE":"admin"})", R"({"Type":"admin","type":"ok"})",
        R"({"type":"ok","\u0054ype":"admin"})", R"({"type":"ok","t\u0059pe":{}})"}) {
    CAPTURE(text);
    CHECK(found(text) == "error name_case");
  }
  CHECK(found(R"({"Data":{},"data":{"kind":"a"}})", "/data/kind") == "error name_case");
  CHECK(found(R"({"data":{"kind":"a","Kind":"b"}})", "/data/kind") == "error name_case");
  // Two letters that fold to ASCII: the long s and the Kelvin sign.
  CHECK(found("{\"task\":1,\"ta\u017fk\":2}", "/task") == "error name_case");
  CHECK(found(R"({"task":1,"TAS\u212a":2})", "/task") == "error name_case");
  CHECK(found(R"({"typ":1,"types":2,"x":{"Type":3},"typ\u00e9":4,"type":"a"})") == "string a");
  CHECK(found(R"({"type":{"Type":1}})") == "other ");
}

TEST_CASE("json scanner: what is no JSON is an error, also behind what was looked for") {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "{\"type\":\"a\"",
                                      "{\"type\":\"a\"}x",
                                      "{\"type\":\"a\",}",
                                      "{\"type\" \"a\"}",
                                      "{type:1}",
                                      "{'type':1}",
                                      "[1,]",
                                      "[1 2]",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":+1}",
                                      "{\"a\":1e}",
                                      "{\"a\":-}",
                                      "{\"a\":tru}",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u12",
                                      "{\"a\":1]",
                                      "[1}",
                                      "{}{}",
                                      "nulll",
                                      "{,}",
                                      "[,]",
                                      "{\"a\"}",
                                      "{\"a\":}"}) {
    CAPTURE(text);
    CHECK(found(text) == "error syntax");
  }
  CHECK(found(std::string_view("{\"a\":1}\0", 8)) == "error syntax");
  CHECK(found("\xef\xbb\xbf{}") == "error syntax");  // as in JSON.parse()
}

TEST_CASE("json scanner: nesting ends at 64") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(found(nested(64)) == "nothing");
  CHECK(found(nested(65)) == "error nesting");
  CHECK(found(std::string(1'000'000, '[')) == "error nesting");
}

TEST_CASE("json scanner: a text of 16 MiB is read to its end") {
  const std::string text = "{\"pad\":\"" + std::string(16 * 1024 * 1024, 'x') + "\",\"type\":\"a\"}";
  CHECK(found(text) == "string a");
}

TEST_CASE("json path: names behind slashes, at most eight") {
  CHECK(JsonPath::read("/type")->names() == std::vector<std::string>{"type"});
  CHECK(JsonPath::read("/a/b")->text() == "/a/b");
  for (const std::string_view bad : {"", "type", "/", "/a//b", "/a/", "/1/2/3/4/5/6/7/8/9"})
    CHECK_FALSE(JsonPath::read(bad));
}
