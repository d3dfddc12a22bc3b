#include "config/yaml_trouble.h"

#include <doctest/doctest.h>

#include <string>
#include <tuple>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

// The first line that is said of `text`.
std::string first(std::string_view text) {
  const std::string said = said_of(text);
  return said.substr(0, said.find('\n'));
}

}  // namespace

TEST_CASE("yaml trouble: a quote is told where it opens") {
  for (const auto& [text, wanted] : {
           std::pair{"a: \"x\nb: 1\n", "f:1:4"},
           {"a: 'x\nb: 1\n", "f:1:4"},
           {"listeners:\n  - address: \":1\nroutes:\n  - upstream: \"http://a\"\n", "f:2:14"},
           {"listeners:\n  - address: \":1\nroutes:\n  - upstream: \"\n", "f:2:14"},
           {"a:\n  b: \"x\n  c: \"y\"\n", "f:2:6"},
       }) {
    const auto& the_text = text;
    CAPTURE(the_text);
    CHECK(first(text) ==
          std::string(wanted) + " not YAML: the quote that opens here is not closed on its line");
  }
}

TEST_CASE("yaml trouble: a quote that is closed too early is told where it opens") {
  CHECK(first("a: [\"x, \"y\"]\n") ==
        "f:1:5 not YAML: text follows behind the quote that opens here; is a quote or a comma missing?");
}

TEST_CASE("yaml trouble: quotes that may go on over lines do") {
  for (const char* text :
       {"a: \"x\n  b: 1\n  c\"\n", "a: 'don''t\n  stop'\n", "a: \"x \\\" y\"\n", "a: don't\n",
        "a: |\n  \"\n  '\n", "a: [\"x\n  y\"]\n", "a: x # \"\n", "{\"a\":\"x\n y\"}\n"}) {
    CAPTURE(text);
    CHECK(first(text).find("not YAML") == std::string::npos);
  }
}

TEST_CASE("yaml trouble: a bracket is told where it opens") {
  CHECK(first("a: { b: 1\nc: 2\n") == "f:1:4 not YAML: the { that opens here is never closed");
  CHECK(first("a: [1, 2\nb: { c: 1 }\n") == "f:1:4 not YAML: the [ that opens here is never closed");
  CHECK(first("a: { b: [1, 2 }\n") == "f:1:9 not YAML: the [ that opens here is never closed");
  CHECK(first("a: { b: 1 }}\n") == "f:1:12 not YAML: this } closes nothing");
}

TEST_CASE("yaml trouble: a line that is indented wrongly is told with the entry above it") {
  CHECK(first("a:\n  - b: 1\n     c: 2\n") ==
        "f:3:6 not YAML: indented further than the entry it belongs to (line 2, column 5)");
  CHECK(first("a: 1\n  b: 2\n") ==
        "f:2:3 not YAML: indented further than the entry it belongs to (line 1, column 1)");
  CHECK(first("a:\n    b: 1\n  c: 2\n") ==
        "f:3:3 not YAML: indented to column 3, where nothing above begins; the entry above begins in line 2, "
        "column 5");
  CHECK(first("a:\n  - b: 1\n  c: 2\n") ==
        "f:3:3 not YAML: a key stands where a list has its dashes (line 2, column 3); indent it further to "
        "make it "
        "part of the entry above");
}

TEST_CASE("yaml trouble: the space that YAML needs is asked for") {
  for (const auto& [text, wanted] : {
           std::pair{"listeners:\n  -address: x\n",
                     "f:2:3 listeners: a dash needs a space behind it: write \"- address\"\n"},
           {"routes:\n  - upstream:http://a\n",
            "f:2:5 routes[0]: the colon behind a key needs a space behind it: write \"upstream: ...\"\n"},
       }) {
    const auto& the_text = text;
    CAPTURE(the_text);
    CHECK(said_of(text).find(wanted) != std::string::npos);
  }
}

TEST_CASE("yaml trouble: a colon that is missing is asked for in its own line") {
  CHECK(first("routes:\n  - upstream http://a\n    match: { path: / }\n") ==
        "f:2:13 not YAML: a key needs a colon behind it: write \"upstream: ...\"");
  CHECK(first("jwt:\n  a:\n    secret hunter2\n    algorithms: [HS256]\n") ==
        "f:3:11 not YAML: a key needs a colon behind it: write \"secret: ...\"");
  CHECK(first("upstreams:\n  own http://a\n  other: {}\n").find("own") == std::string::npos);
}

TEST_CASE("yaml trouble: no word of a secret is repeated, however it is written") {
  for (const char* entry :
       {"secret:\n      -hunter2: x: y", "secret:\n      - a\n      -hunter2",
        "secret:\n     hunter2:x\n     y: z: q", "secret:\n      hunter2\n       - y: z: 1",
        "secret:  \n     hunter2\n     -hunter2\n    b: c: d", "secret:\n    hunter2:x\n    y: z: q",
        "secret:\n  hunter2:x\n  y: z: q", "secret:\nhunter2:x\ny: z: q",
        "secret: |\n    hunter2:x\n    y: z: q", "secret: abc\n    hunter2:x\n    y: z: q",
        "secret: abc\n    hunter2\n      - y: z", "secret:\"abc\n    hunter2:x",
        "\"secret\":\n      hunter2:x\n    y: z: q", "'secret':\n      -hunter2: x: y",
        "? secret\n    :\n      hunter2:x\n    y: z: q", "secret: [hunter2", "secret: {hunter2"}) {
    const std::string said = said_of("jwt:\n  a:\n    " + std::string(entry) + "\n");
    CAPTURE(entry);
    CAPTURE(said);
    CHECK_FALSE(said.empty());
    CHECK(said.find("hunter2") == std::string::npos);
  }
  for (const char* entry :
       {"secret:hunter2:", "Secret:hunter2: x", "secert:hunter2: x", "secret=hunter2: x", "secret hunter2: x",
        "secret:hunter2: x\n    secret:hunter2: x", "secret:hunter2: !t y", "secret:hunter2: &a y",
        "secret:hunter2: {<<: y}", "secret: !hunter2", "secret: {hunter2: x}", "secret: [hunter2]"}) {
    const std::string in_jwt =
        said_of("jwt:\n  a:\n    algorithms: [HS256]\n    " + std::string(entry) + "\n");
    const std::string above = said_of("jwt:\n  " + std::string(entry) + "\n");
    const std::string in_route = said_of("routes:\n  - upstream: a\n    " + std::string(entry) + "\n");
    CAPTURE(entry);
    CHECK(in_jwt.find("hunter2") == std::string::npos);
    CHECK(in_route.find("hunter2") == std::string::npos);
    const bool is_a_name = std::string_view(entry).starts_with("secret: ");  // of a token rule, there
    if (!is_a_name) CHECK(above.find("hunter2") == std::string::npos);
  }
  CHECK(said_of("jwt:\n  a:\n    algorithms: [HS256]\n    secret:hunter2:\n")
            .find("f:4:5 jwt.a.secret: the colon behind a key needs a space behind it") != std::string::npos);
  CHECK(said_of("jwt: { a: { algorithms: [HS256], secret: one,hunter2 } }\n").find("hunter2") ==
        std::string::npos);
}

TEST_CASE("yaml trouble: files of other programs are known by their look, and ours are not taken for them") {
  for (const auto& [text, program] : {
           std::pair{"server {\n  listen 80;\n}\n", "nginx"},
           {"user www-data;\nhttp {\n  server { listen 80; }\n}\n", "nginx"},
           {"upstream api { server 10.0.0.1:80; }\n", "nginx"},
           {"example.com {\n  reverse_proxy localhost:3000\n}\n", "Caddy"},
           {":8080\nreverse_proxy localhost:3000\n", "Caddy"},
           {"# my site\nlocalhost {\n  file_server\n}\n", "Caddy"},
           {"global\n  maxconn 10\ndefaults\n  mode http\nfrontend web\n  bind :80\n", "HAProxy"},
           {"<VirtualHost *:80>\n  ServerName a.example\n</VirtualHost>\n", "Apache"},
           {"listeners:\n  - address: \":80\"\n", ""},
           {"{\n  \"listeners\": [\n    {\n      \"address\": \":80\" } ] }\n", ""},
           {"{ listeners: [{ address: \":80\" }] }\n", ""},
           {"---\nroutes: []\n", ""},
           {"server: x\nlisten: y\n", ""},
           {"[listeners]\naddress = \":80\"\n", "a program that reads TOML"},
           {"listeners = 1\n", "a program that reads TOML"},
           {"export default {\n  server: {}\n}\n", "Vite"},
           {"import { defineConfig } from 'vite'\n", "Vite"},
           {"import common\n", "Caddy"},
           {"[listeners]\n", ""},
           {"# server {\n#   listen 80;\n", ""},
           {"", ""},
           {"a word", ""},
       }) {
    const auto& the_text = text;
    CAPTURE(the_text);
    CHECK(foreign_program(text) == program);
  }
}
