#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;

namespace {

Document loaded(const std::string& top, const std::string& route = "") {
  const auto document = load(top + "\n" + rest + (route.empty() ? "" : "    " + route + "\n"));
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  return *document;
}

std::string said_of_route(const std::string& keys) { return said_of(rest + "    " + keys + "\n"); }

}  // namespace

TEST_CASE("compression: off unless the file says so, and then with defaults") {
  CHECK_FALSE(loaded("").compression.has_value());
  CHECK_FALSE(loaded("").routes[0].compression.has_value());
  CHECK_FALSE(loaded("compression: false").compression.has_value());
  const Document on = loaded("compression: true");
  REQUIRE(on.compression.has_value());
  CHECK(*on.compression == coding::Rules());
  CHECK(on.routes[0].compression == on.compression);
  CHECK(loaded("compression: {}").compression == coding::Rules());
}

TEST_CASE("compression: every key is taken") {
  const Document document = loaded(
      "compression: { algorithms: [gzip, br], types: [\"text/*\", Application/JSON], min_size: 4KiB, "
      "level: { gzip: 9, br: 1, zstd: 7 } }");
  const coding::Rules& compression = *document.compression;
  CHECK(compression.algorithms == std::vector{coding::Coding::gzip, coding::Coding::brotli});
  CHECK(compression.types == std::vector<std::string>{"text/*", "application/json"});
  CHECK(compression.min_size == 4096);
  CHECK(compression.levels.gzip == 9);
  CHECK(compression.levels.brotli == 1);
  CHECK(compression.levels.zstd == 7);
}

TEST_CASE("compression: a route changes what it names, or leaves itself out") {
  CHECK_FALSE(loaded("compression: true", "compression: false").routes[0].compression.has_value());
  CHECK(loaded("", "compression: true").routes[0].compression == coding::Rules());
  const Document document = loaded("compression: { min_size: 4KiB, level: { gzip: 9 } }",
                                   "compression: { algorithms: [gzip], level: { br: 2 } }");
  const coding::Rules& compression = *document.routes[0].compression;
  CHECK(compression.algorithms == std::vector{coding::Coding::gzip});
  CHECK(compression.min_size == 4096);
  CHECK(compression.levels.gzip == 9);
  CHECK(compression.levels.brotli == 2);
  CHECK(document.compression->algorithms.size() == 3);
}

TEST_CASE("compression: what is wrong is said where it stands") {
  CHECK(said_of_part("compression: on") ==
        "f:1:14 compression: \"on\" is neither true nor false; write \"true\"\n");
  CHECK(said_of_part("compression: { algorithms: [deflate] }")
            .starts_with("f:1:29 compression.algorithms[0]: "));
  CHECK(said_of_part("compression: { algorithms: [] }") ==
        "f:1:28 compression.algorithms: is empty; write compression: false for none\n");
  CHECK(said_of_part("compression: { algorithms: [br, br] }") ==
        "f:1:33 compression.algorithms[1]: \"br\" stands in this list already\n");
  CHECK(said_of_part("compression: { types: [] }").find("is empty") != std::string::npos);
  for (const char* type : {"text", "text/", "/css", "*/*", "text/c*", "text/css/x", "te xt/css", "*"}) {
    CAPTURE(type);
    CHECK(
        said_of_part("compression: { types: [\"" + std::string(type) + "\"] }").find("is not a media type") !=
        std::string::npos);
  }
  CHECK(said_of_part("compression: { types: [text/event-stream] }").find("is never compressed") !=
        std::string::npos);
  CHECK(said_of_part("compression: { level: { gzip: 0 } }").find("out of range: 1 to 9") !=
        std::string::npos);
  CHECK(said_of_part("compression: { level: { br: 10 } }").find("out of range: 1 to 9") != std::string::npos);
  CHECK(said_of_part("compression: { min_size: 1k, levle: 5 }") ==
        "f:1:30 compression.levle: unknown key \"levle\"; did you mean \"level\"?\n");
  CHECK(said_of_route("compression: { algorithm: [br] }").find("did you mean \"algorithms\"") !=
        std::string::npos);
}

namespace {

const std::string parts = "listeners: [{ address: \"127.0.0.1:0\" }]\nroutes:\n";

// Of one route in flow style; its "{" stands in line 3, column 5.
std::string said_of_files(const std::string& route) { return said_of(parts + "  - " + route + "\n"); }

FilesDocument files_of(const std::string& route) {
  const auto document = load(parts + "  - " + route + "\n");
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  REQUIRE(document->routes[0].files.has_value());
  return *document->routes[0].files;
}

}  // namespace

TEST_CASE("files: a folder is enough, and every key is taken") {
  const FilesDocument plain = files_of("{ files: ./dist }");
  CHECK(plain.root == "./dist");
  CHECK(plain.index == "index.html");
  CHECK(plain.cache.empty());
  CHECK_FALSE(plain.precompressed);
  CHECK_FALSE(plain.hidden);
  CHECK_FALSE(plain.single_page.has_value());
  CHECK(plain.root_location == SourceLocation{3, 14});
  const FilesDocument full = files_of(
      "{ files: { root: /srv/site, index: home.htm, precompressed: true, hidden: true, "
      "cache: { \"/assets/*\": \"public, max-age=60\", \"*.html\": no-cache, \"*\": no-store, /a.txt: "
      "private } } }");
  CHECK(full.root == "/srv/site");
  CHECK(full.index == "home.htm");
  CHECK(full.precompressed);
  CHECK(full.hidden);
  REQUIRE(full.cache.size() == 4);
  CHECK(full.cache[0] == std::pair<std::string, std::string>("/assets/*", "public, max-age=60"));
  CHECK(full.cache[3].first == "/a.txt");
  CHECK(full.root_location == SourceLocation{3, 22});
}

TEST_CASE("files: the page of a single-page application") {
  using Paths = std::vector<std::string>;
  CHECK(files_of("{ files: ./d, spa: true }").single_page->except == Paths{"/api", "/ws", "/socket.io"});
  CHECK(files_of("{ files: ./d, spa: {} }").single_page->except == Paths{"/api", "/ws", "/socket.io"});
  CHECK(files_of("{ files: ./d, spa: { except: [/x] } }").single_page->except == Paths{"/x"});
  CHECK(files_of("{ files: ./d, spa: { except: [] } }").single_page->except == Paths{});
  CHECK_FALSE(files_of("{ files: ./d, spa: false }").single_page.has_value());
  CHECK(said_of_files("{ respond: { body: x }, spa: true }") ==
        "f:3:34 routes[0].spa: needs files: it is their index that answers\n");
  CHECK(said_of_files("{ files: ./d, spa: { except: [api] } }").find("does not begin with \"/\"") !=
        std::string::npos);
  CHECK(said_of_files("{ files: ./d, spa: yes }").find("write \"true\"") != std::string::npos);
}

TEST_CASE("files: what is wrong is said where it stands") {
  CHECK(said_of_files("{ files: { index: a.html } }") == "f:3:14 routes[0].files.root: is missing\n");
  CHECK(said_of_files("{ files: { root: ./d, index: a/b } }").find("is not a file name") !=
        std::string::npos);
  CHECK(said_of_files("{ files: { root: ./d, index: .x } }").find("hidden") != std::string::npos);
  CHECK(said_of_files("{ files: { root: ./d, indx: a } }").find("did you mean \"index\"") !=
        std::string::npos);
  CHECK(said_of_files("{ files: { root: ./d, cache: { assets: x } } }") ==
        "f:3:36 routes[0].files.cache: \"assets\" begins with neither \"/\" nor \"*\"\n");
  CHECK(said_of_files("{ files: { root: ./d, cache: { \"/a*b\": x } } }").find("in its middle") !=
        std::string::npos);
  CHECK(said_of_files("{ files: { root: ./d, cache: { \"*a*\": x } } }").find("\"*\"") != std::string::npos);
  CHECK(said_of_files("{ files: { root: ./d, cache: { \"*\": \"a\\nb\" } } }").find("control character") !=
        std::string::npos);
  CHECK(said_of_files("{ files: ./d, respond: { body: x } }").find("a route has one action") !=
        std::string::npos);
}
