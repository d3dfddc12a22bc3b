#include "config/key.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "base/json.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

namespace {

enum class Colour : uint8_t { red, green };

struct Inner {
  uint32_t count = 3;
  std::string name;
};

struct Outer {
  base::Duration time = 5s;
  std::optional<base::Duration> patience;
  bool on = true;
  uint64_t bytes = 0;
  Colour colour = Colour::green;
  std::vector<std::string> tags = {"a"};
  Inner inner;
  std::optional<Inner> maybe;
  SourceLocation time_location;
};

const Keys<Inner>& inner_keys() {
  static const auto keys = Keys<Inner>("inner")
                               .key("count", &Inner::count, number(1, 9), "How many there are of it.")
                               .key("name", &Inner::name, text(), "What it is called by others.");
  return keys;
}

const Keys<Outer>& outer_keys() {
  static const auto keys =
      Keys<Outer>("outer")
          .key("time", &Outer::time, duration(10ms, 1h, none), "How long it may take in all.")
          .located(&Outer::time_location)
          .key("patience", &Outer::patience, duration(1s, 1h), "How long others may take for it.")
          .key("on", &Outer::on, boolean(), "Whether there is any of it.")
          .needs_restart()
          .key("bytes", &Outer::bytes, config::size(1, 1024, none), "How many bytes it may have.")
          .key("colour", &Outer::colour, words<Colour>({{"red", Colour::red}, {"green", Colour::green}}),
               "Which colour it has of two.")
          .key("tags", &Outer::tags, list_of("list of texts", text(), "is empty; leave it out"),
               "What it is marked with, in words.")
          .key("inner", &Outer::inner, map(inner_keys), "What is inside of it, as a map.")
          .key("maybe", &Outer::maybe, map(inner_keys).or_none().short_for("count"),
               "What may be inside of it, as a map.")
          .check([](const Fields& fields, Outer& outer) {
            if (fields.is_good("bytes") && outer.colour == Colour::red)
              fields.take("bytes")->complain("stands beside red");
          });
  return keys;
}

struct Read {
  Outer outer;
  std::string said;
};

Read read(const std::string& text, const std::function<void(const Value&, Outer&)>& reader) {
  Read made;
  Diagnostics diagnostics("f");
  const auto root = read_yaml(text, diagnostics);
  REQUIRE(root.has_value());
  reader(Value(*root, "", "outer", diagnostics), made.outer);
  diagnostics.sort();
  made.said = diagnostics.text();
  return made;
}

Read read(const std::string& text) {
  return read(text, [](const Value& value, Outer& outer) { outer_keys().read(value, &outer); });
}

const KeyRow& row(std::string_view name) { return outer_keys().row(name); }

uint64_t held_by(const Section& keys, const void* object) {
  Fingerprint fingerprint;
  keys.add_to(fingerprint, object);
  return fingerprint.number();
}

}  // namespace

TEST_CASE("key: values go into the members that the declarations name") {
  const auto [outer, said] = read(
      "{ time: 2m, patience: 3s, on: false, bytes: 1KiB, colour: green, tags: [x, y], inner: { count: 4 }, "
      "maybe: { name: z } }");
  CHECK(said.empty());
  CHECK(outer.time == 2min);
  CHECK(outer.time_location.column == 9);
  CHECK(outer.patience == 3s);
  CHECK_FALSE(outer.on);
  CHECK(outer.bytes == 1024);
  CHECK(outer.tags == std::vector<std::string>{"x", "y"});
  CHECK(outer.inner.count == 4);
  REQUIRE(outer.maybe.has_value());
  CHECK(outer.maybe->count == 3);
  CHECK(outer.maybe->name == "z");
}

TEST_CASE("key: a word stands for no limit, no map, or a map of one key") {
  CHECK(read("{ time: none, bytes: none }").outer.time == base::no_limit);
  CHECK(read("{ bytes: none }").outer.bytes == 0);
  CHECK_FALSE(read("{ maybe: none }").outer.maybe.has_value());
  CHECK(read("{ maybe: 7 }").outer.maybe->count == 7);
}

TEST_CASE("key: what is wrong is said of the value, with the range and the words of its declaration") {
  CHECK(read("{ time: 1ms }").said == "f:1:9 time: \"1ms\" is out of range: 10ms to 1h, or none\n");
  CHECK(read("{ patience: none }").said ==
        "f:1:13 patience: \"none\" is not possible here; write 1h at most\n");
  CHECK(read("{ colour: gren }").said ==
        "f:1:11 colour: \"gren\" is not red or green; did you mean \"green\"?\n");
  CHECK(read("{ tags: [] }").said == "f:1:9 tags: is empty; leave it out\n");
  CHECK(read("{ maybe: 10 }").said == "f:1:10 maybe: \"10\" is out of range: 1 to 9\n");
  CHECK(read("{ inner: { cuont: 4 } }").said.find("did you mean \"count\"?") != std::string::npos);
}

TEST_CASE(
    "key: what keys need of each other is looked at when all are read, and not of values that are wrong") {
  CHECK(read("{ bytes: 1, colour: red }").said == "f:1:10 bytes: stands beside red\n");
  CHECK(read("{ bytes: x, colour: red }").said.find("beside red") == std::string::npos);
}

TEST_CASE("key: a default is that of the member, in the words of a file") {
  CHECK(row("time").default_text == "5s");
  CHECK(row("patience").default_text == "none");
  CHECK(row("on").default_text == "true");
  CHECK(row("bytes").default_text == "none");
  CHECK(row("colour").default_text == "green");
  CHECK(row("tags").default_text == "[a]");
  CHECK(row("inner").default_text == "the defaults of its keys");
  CHECK(row("maybe").default_text == "none");
  CHECK(row("on").needs_restart);
}

TEST_CASE("key: a missing key is said where it is required, and an included one fills a part") {
  struct Whole {
    Inner part;
  };
  const auto keys = Keys<Inner>("part").key("count", &Inner::count, number(1, 9), "How many.").required();
  const auto whole = Keys<Whole>("whole").include(keys, &Whole::part);
  Diagnostics diagnostics("f");
  const auto root = read_yaml("{ count: 5 }", diagnostics);
  Whole made;
  whole.read(Value(*root, "", "", diagnostics), &made);
  CHECK(made.part.count == 5);
  const auto empty = read_yaml("{}", diagnostics);
  whole.read(Value(*empty, "", "", diagnostics), &made);
  CHECK(diagnostics.text().find("count: is missing") != std::string::npos);
}

TEST_CASE("key: what open sockets are held to is what is not for new ones alone") {
  const auto keys = SocketKeys<Inner>("held")
                        .key("count", &Inner::count, number(1, 9), "How many there are.", Holds::open)
                        .key("name", &Inner::name, text(), "What it is called.", Holds::new_only);
  const Inner usual;
  Inner other_count;
  other_count.count = 4;
  Inner other_name;
  other_name.name = "x";
  CHECK(held_by(keys, &usual) != held_by(keys, &other_count));
  CHECK(held_by(keys, &usual) == held_by(keys, &other_name));
}

TEST_CASE("key: the schema of a section has its keys, their ranges and the words that may stand instead") {
  const auto schema = base::parse_json(outer_keys().json_schema());
  REQUIRE(schema.has_value());
  const base::Json& keys = (*schema)["properties"];
  CHECK((*schema)["additionalProperties"] == false);
  CHECK(keys["time"]["default"] == "5s");
  CHECK(keys["time"]["anyOf"][0]["pattern"] == "^((0|[1-9][0-9]*)(ms|s|m|h)|none)$");
  CHECK(keys["on"]["default"] == true);
  CHECK(keys["bytes"]["anyOf"][0]["maximum"] == 1024);
  CHECK(keys["colour"]["anyOf"][0]["enum"] == base::Json::array({"red", "green"}));
  CHECK(keys["tags"]["minItems"] == 1);
  CHECK(keys["inner"]["$ref"] == "#/$defs/inner");
  CHECK(keys["maybe"]["anyOf"][0]["$ref"] == "#/$defs/inner");
}

namespace {

struct Choice {
  std::string left;
  std::string right;
  std::string middle;
  bool off = false;
};

const Keys<Choice>& choice_keys() {
  static const auto keys = Keys<Choice>("choice")
                               .key("left", &Choice::left, text(), "The way to the left.")
                               .key("right", &Choice::right, text(), "The way to the right.")
                               .key("off", &Choice::off, boolean(), "Whether there is no way at all.")
                               .key("middle", &Choice::middle, text(), "The way between the two.")
                               .required_without("right")
                               .at_most_one_of({"off", "left", "right"}, "stands beside {}; there is one way")
                               .at_least_one_of({"left", "right", "off"}, "has no way")
                               .needs("middle", "left", "needs left: it begins there")
                               .needs("off", "middle");
  return keys;
}

std::string said_of_choice(const std::string& text, Choice* choice = nullptr) {
  Choice made;
  Diagnostics diagnostics("f");
  const auto root = read_yaml(text, diagnostics);
  REQUIRE(root.has_value());
  choice_keys().read(Value(*root, "", "choice", diagnostics), choice ? choice : &made);
  diagnostics.sort();
  return diagnostics.text();
}

}  // namespace

TEST_CASE("key: a key that stands beside another one of which there is one is refused, and not read") {
  Choice choice;
  CHECK(said_of_choice("{ right: b, left: a }", &choice) ==
        "f:1:10 right: stands beside left; there is one way\n");
  CHECK(choice.right.empty());
  CHECK(choice.left == "a");
  CHECK(said_of_choice("{ off: true, right: b, middle: c }") ==
        "f:1:21 right: stands beside off; there is one way\n"
        "f:1:32 middle: needs left: it begins there\n");
}

TEST_CASE("key: what is off is as good as not there") {
  CHECK(said_of_choice("{ off: false, right: b }").empty());
  CHECK(said_of_choice("{ off: false, middle: c, lfet: a }").find("has no way") == std::string::npos);
  CHECK(said_of_choice("{ off: false, middle: c }") ==
        "f:1:1 has no way\nf:1:23 middle: needs left: it begins there\n");
}

TEST_CASE("key: what is missing is said of the key, or of the map where one of several is needed") {
  CHECK(said_of_choice("{}") == "f:1:1 has no way\nf:1:1 middle: is missing\n");
  CHECK(said_of_choice("{ right: b }").empty());
  CHECK(said_of_choice("{ left: a }") == "f:1:1 middle: is missing\n");
  CHECK(choice_keys().row("middle").default_text == "required without right");
}

TEST_CASE("key: the schema of a map says what its keys need of each other") {
  const auto schema = base::parse_json(choice_keys().json_schema());
  REQUIRE(schema.has_value());
  const base::Json& relations = (*schema)["allOf"];
  REQUIRE(relations.size() == 5);
  CHECK(relations[0] == base::Json::parse(R"({"anyOf":[{"required":["middle"]},{"required":["right"]}]})"));
  CHECK(relations[1]["not"]["anyOf"].size() == 3);
  CHECK(relations[1]["not"]["anyOf"][2] ==
        base::Json::parse(R"({"allOf":[{"required":["left"]},{"required":["right"]}]})"));
  CHECK(relations[2]["anyOf"][2] ==
        base::Json::parse(R"({"required":["off"],"properties":{"off":{"not":{"enum":[false,"false"]}}}})"));
  CHECK(relations[3] ==
        base::Json::parse(R"({"anyOf":[{"required":["left"]},{"not":{"required":["middle"]}}]})"));
}
