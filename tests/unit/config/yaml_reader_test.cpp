#include "config/yaml_reader.h"

#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

// A tree on one line, with places: {a@1:1: "x"@1:4}
std::string print(const Node& node) {
  const std::string location =
      '@' + std::to_string(node.location.line) + ':' + std::to_string(node.location.column);
  if (node.kind == Node::Kind::null) return "null" + location;
  if (node.kind == Node::Kind::scalar) return '"' + node.text + '"' + location;
  const bool is_map = node.kind == Node::Kind::map;
  std::string out = is_map ? "{" : "[";
  for (std::size_t index = 0; index < node.items.size(); ++index) {
    if (index > 0) out += ", ";
    if (is_map) out += node.keys[index].text + ": ";
    out += print(node.items[index]);
  }
  return out + (is_map ? "}" : "]") + location;
}

struct Reading {
  std::string tree;
  std::string said;
};

Reading read(std::string_view text) {
  Diagnostics diagnostics("f");
  const auto node = read_yaml(text, diagnostics);
  diagnostics.sort();
  return {node ? print(*node) : "nothing", diagnostics.text()};
}

}  // namespace

TEST_CASE("yaml reader: nodes know their line and column") {
  const Reading reading =
      read("# comment\nworkers: 2\nlisteners:\n  - address: \":443\"\n    tls: { key: a }\n");
  CHECK(reading.said.empty());
  CHECK(reading.tree ==
        "{workers: \"2\"@2:10, listeners: [{address: \":443\"@4:14, tls: {key: "
        "\"a\"@5:17}@5:10}@4:5]@4:3}@2:1");
}

TEST_CASE("yaml reader: places hold with Windows line ends, a byte order mark and text beyond ASCII") {
  CHECK(read("a: 1\r\nb: 2\r\n").tree == "{a: \"1\"@1:4, b: \"2\"@2:4}@1:1");
  CHECK(read("\xef\xbb\xbf"
             "a: 1\n")
            .tree == "{a: \"1\"@1:4}@1:1");
  CHECK(read("{\xc3\xa4: 1, b: 2}").tree == "{\xc3\xa4: \"1\"@1:6, b: \"2\"@1:12}@1:1");
}

TEST_CASE("yaml reader: a missing value stands at its key or its dash") {
  CHECK(read("a:\n\n# x\nb: 1\n").tree == "{a: null@1:1, b: \"1\"@4:4}@1:1");
  CHECK(read("- 1\n-   # - no\n\n  # - no\n- 2\n-").tree == "[\"1\"@1:3, null@2:1, \"2\"@5:3, null@6:1]@1:1");
  CHECK(read("a: ~\nb: null\n").tree == "{a: null@1:1, b: null@2:1}@1:1");
}

TEST_CASE("yaml reader: scalars stay the text they are") {
  CHECK(
      read("[no, 010, 1.20, \"null\", '', 1:30, 0x1f]").tree ==
      "[\"no\"@1:2, \"010\"@1:6, \"1.20\"@1:11, \"null\"@1:17, \"\"@1:25, \"1:30\"@1:29, \"0x1f\"@1:35]@1:1");
}

TEST_CASE("yaml reader: duplicate keys are problems that name both lines, and the first is kept") {
  const Reading reading = read("a: 1\nb: { c: 1, c: 2 }\na: 3\na: 4\n");
  CHECK(reading.said ==
        "f:2:12 b.c: duplicate key \"c\"; it stands in line 2 already\n"
        "f:3:1 a: duplicate key \"a\"; it stands in line 1 already\n"
        "f:4:1 a: duplicate key \"a\"; it stands in line 1 already\n");
  CHECK(reading.tree == "{a: \"1\"@1:4, b: {c: \"1\"@2:9}@2:4}@1:1");
}

TEST_CASE("yaml reader: anchors, aliases, merge keys and tags are refused") {
  const std::string no_anchors =
      "anchors and aliases are not taken here; a text that begins with & or * needs quotes\n";
  CHECK(read("a: &x 1\nb: *x\n").said == "f:1:4 a: " + no_anchors + "f:2:4 b: " + no_anchors);
  CHECK(read("a: *nowhere\n").said == "f:1:4 " + no_anchors);
  CHECK(read("a: &a [*a]\n").said == "f:1:4 a: " + no_anchors + "f:1:8 a[0]: " + no_anchors);
  CHECK(read("x: 1\n<<: { a: 1 }\n").said ==
        "f:2:1 <<: merge keys (<<) are not taken here; write the keys out in each place\n");
  CHECK(read("a: !!int 3\n").said ==
        "f:1:4 a: YAML tags are not taken here; a text that begins with ! needs quotes\n");
  CHECK(read("a: !x [3]\n").said ==
        "f:1:4 a: YAML tags are not taken here; a text that begins with ! needs quotes\n");
}

TEST_CASE("yaml reader: a second document is refused, with its place") {
  CHECK(read("---\na: 1\n").said.empty());
  CHECK(read("a: 1\n...\n").said.empty());
  CHECK(read("a: 1\n---\nb: 2\n").said.starts_with("f:2:1 a second YAML document begins here"));
}

TEST_CASE("yaml reader: what is no YAML is a problem at its line and column") {
  CHECK(read("a: b: c").said ==
        "f:1:5 not YAML: a second \": \" in one entry; a value with \": \" in it needs quotes\n");
  CHECK(read("a: 1\nb: [1, 2\nc: 3\n").said == "f:2:4 not YAML: the [ that opens here is never closed\n");
  CHECK(read("a:\n\tb: 1\n").said.starts_with("f:2:3 not YAML: indented with a tab"));
  CHECK(read("a: \"x").said == "f:1:4 not YAML: the quote that opens here is not closed on its line\n");
  CHECK(read("[").said == "f:1:1 not YAML: the [ that opens here is never closed\n");
}

TEST_CASE("yaml reader: a no-break space in front is a mistake, but in the text of a block scalar") {
  const std::string blank = "\u00a0";
  const std::string mistake = "indented with a no-break space or the like";
  CHECK(read("a:\n" + blank + "b: 1\n").said.starts_with("f:2:1 " + mistake));
  CHECK(read("a:\n  b: |-\n    text\n\n    " + blank + "more\n  c: >2\n    " + blank + "d\n").said.empty());
  CHECK(read("a: |\n  text\n" + blank + "b: 1\n").said.starts_with("f:3:1 " + mistake));
}

TEST_CASE("yaml reader: keys are texts") {
  CHECK(read("? [a]\n: b\nc: d\n").said == "f:1:3 a key must be a text, not a list or a map\n");
  CHECK(read("? {a: b}\n: b\n").said == "f:1:3 a key must be a text, not a list or a map\n");
  CHECK(read("~: b\n").said == "f:1:1 a key is missing before the colon, or is null\n");
  CHECK(read("\"\": b\n").said == "f:1:1 a key is empty or holds a control character\n");
  CHECK(read("\"a\\nb\": b\n").said == "f:1:1 a key is empty or holds a control character\n");
}

TEST_CASE("yaml reader: anything but UTF-8 text is refused, with its place") {
  using namespace std::string_view_literals;
  CHECK(read("a: 1\nb: \xff\n").said == "f:2:4 the file is not UTF-8 text\n");
  CHECK(read("\xff\xfe"
             "a\0"sv)
            .said == "f:1:1 the file is not UTF-8 text\n");
  CHECK(read("a\0:\0 \0b\0"sv).said.starts_with("f:1:2 the file holds a control character"));
  CHECK(read("a: 1\nb: \x1b[2J\n").said.starts_with("f:2:4 the file holds a control character"));
  CHECK(read("a: 1\rb: 2\n").said.starts_with("f:1:5 the line ends in a carriage return alone"));
  CHECK(read("a: \"x\\ey\"\n").said.starts_with("f:1:4 a: the value holds a control character"));
}

TEST_CASE("yaml reader: size, depth and count have limits") {
  CHECK(read(std::string(max_file_size + 1, ' ')).said == "f:1:1 the file is larger than 1 MiB\n");
  CHECK(read(std::string(max_depth, '[') + std::string(max_depth, ']')).said.empty());
  CHECK(read(std::string(max_depth + 1, '[') + std::string(max_depth + 1, ']')).said ==
        "f:1:33 "
        "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: "
        "nested deeper than 32 levels\n");
  CHECK(read(std::string(100'000, '[')).said.find("nested deeper than 32 levels") != std::string::npos);
  std::string many = "[";
  for (std::size_t count = 0; count <= max_nodes; ++count) many += "1,";
  CHECK(read(many + "]").said.find("the file has more than 100000 values") != std::string::npos);
}

TEST_CASE("yaml: a scalar without quotes may be a number or a boolean to others") {
  const auto kind_of = [](const std::string& text) {
    Diagnostics diagnostics("f");
    const auto root = read_yaml(text, diagnostics);
    REQUIRE(root.has_value());
    return std::string(json_kind(*root));
  };
  for (const char* number :
       {"10", "-1", "+1", "010", "1.5", ".5", "1.", "1e3", "0x1F", "0o17", ".inf", "-.inf", ".nan"})
    CHECK_MESSAGE(kind_of(number) == "number", number);
  for (const char* boolean : {"true", "False", "TRUE"}) CHECK_MESSAGE(kind_of(boolean) == "boolean", boolean);
  for (const char* text :
       {"'10'", "\"true\"", "a", "1a", "1.2.3", "yes", "no", "tRue", ".", "0x", "[1]", "null"})
    CHECK_MESSAGE(kind_of(text).empty(), text);
}
