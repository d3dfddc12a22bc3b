#include "config/compile_content.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "config/compile.h"
#include "support/temporary_folder.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;

namespace {

struct Compiler {
  // What is wrong with a file in `folder` that has these keys and routes; empty when nothing is.
  std::string problems_of(const std::string& text) {
    const auto document = load_named("listeners: [{ address: \"127.0.0.1:0\" }]\n" + text,
                                     folder.file("p.yaml"), environment_of({}));
    REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
    auto compiled = compile(*document, {.version = 1, .tickets = tickets}, notes);
    if (!compiled) return compiled.error().text();
    snapshot = std::move(*compiled);
    return {};
  }
  const routing::Route& route(std::string_view path) const {
    return *snapshot->routes.match({.host = "a", .path = path, .method = "GET"}).route;
  }

  support::TemporaryFolder folder;
  net::TicketKeys tickets;
  Diagnostics notes;
  std::shared_ptr<const proxy::Snapshot> snapshot;
};

}  // namespace

TEST_CASE("compile content: routes that say the same about compression share their rules") {
  Compiler compiler;
  REQUIRE(
      compiler
          .problems_of("compression: { algorithms: [gzip], level: { gzip: 9 }, min_size: 2KiB }\n"
                       "routes:\n"
                       "  - { match: { path: /a }, respond: { body: x } }\n"
                       "  - { match: { path: /b }, respond: { body: x } }\n"
                       "  - { match: { path: /c }, respond: { body: x }, compression: false }\n"
                       "  - { match: { path: /d }, respond: { body: x }, compression: { types: [a/b] } }\n")
          .empty());
  const coding::Rules& rules = *compiler.route("/a").compression;
  CHECK(compiler.route("/b").compression.get() == &rules);
  CHECK(compiler.route("/c").compression == nullptr);
  CHECK(compiler.route("/d").compression->types == std::vector<std::string>{"a/b"});
  CHECK(compiler.route("/d").compression->levels.gzip == 9);
  CHECK(rules.algorithms == std::vector<coding::Coding>{coding::Coding::gzip});
  CHECK(rules.levels.gzip == 9);
  CHECK(rules.min_size == 2048);
  CHECK(rules.types == coding::Rules::default_types());
}

TEST_CASE("compile content: a folder that is not there, or none, is a problem where it is named") {
  Compiler compiler;
  std::ofstream(compiler.folder.file("file")) << "x";
  const std::string missing = compiler.problems_of("routes: [{ files: ./none }]\n");
  CHECK(missing.find("p.yaml:2:19 routes[0].files: ") != std::string::npos);
  CHECK(missing.find("none does not exist (paths are relative to the folder of this configuration)") !=
        std::string::npos);
  const std::string no_folder = compiler.problems_of("routes: [{ files: { root: ./file } }]\n");
  CHECK(no_folder.find("p.yaml:2:27 routes[0].files: ") != std::string::npos);
  CHECK(no_folder.find("file is a file, not a folder") != std::string::npos);
}

TEST_CASE("compile content: a folder is found beside the file, and a missing page of spa is noted") {
  Compiler compiler;
  std::filesystem::create_directory(compiler.folder.file("dist"));
  REQUIRE(compiler.problems_of("routes: [{ files: ./dist, spa: true }]\n").empty());
  CHECK(std::holds_alternative<routing::Files>(compiler.route("/x").action));
  CHECK(compiler.notes.text().find("\"index.html\" is not in ") != std::string::npos);
  compiler.notes = {};
  std::ofstream(compiler.folder.file("dist/index.html")) << "x";
  REQUIRE(compiler.problems_of("routes: [{ files: ./dist, spa: true }]\n").empty());
  CHECK(compiler.notes.text().empty());
}

TEST_CASE("compile content: the body of a fixed answer is read from its file") {
  Compiler compiler;
  std::ofstream(compiler.folder.file("page.html")) << "<p>\n\thello</p>\n";
  std::ofstream(compiler.folder.file("security.txt")) << "Contact: x";
  std::ofstream(compiler.folder.file("large.txt")) << std::string(64 * 1024 + 1, 'x');
  std::ofstream(compiler.folder.file("full.txt")) << std::string(64 * 1024, 'x');
  REQUIRE(compiler.problems_of(
              "routes:\n"
              "  - { match: { path: /a }, respond: { body_file: page.html } }\n"
              "  - { match: { path: /b }, respond: { body_file: ./security.txt } }\n"
              "  - { match: { path: /c }, respond: { body_file: page.html, content_type: a/b } }\n"
              "  - { match: { path: /d }, respond: { body_file: full.txt } }\n") == "");
  const auto answer = [&](std::string_view path) {
    return std::get<routing::Respond>(compiler.route(path).action).response;
  };
  using Field = std::pair<std::string, std::string>;
  CHECK(answer("/a").body == "<p>\n\thello</p>\n");
  CHECK(answer("/a").headers.back() == Field("Content-Type", "text/html; charset=utf-8"));
  CHECK(answer("/b").headers.back() == Field("Content-Type", "text/plain; charset=utf-8"));
  CHECK(answer("/c").headers.back() == Field("Content-Type", "a/b"));
  CHECK(answer("/d").body.size() == 64 * 1024);
  CHECK(compiler.problems_of("routes: [{ respond: { body_file: none.txt } }]\n")
            .ends_with("p.yaml:2:34 routes[0].respond.body_file: cannot read the file \"none.txt\"\n"));
  CHECK(compiler.problems_of("routes: [{ respond: { body_file: . } }]\n").find("cannot read the file") !=
        std::string::npos);
  CHECK(compiler.problems_of("routes: [{ respond: { body_file: large.txt } }]\n")
            .ends_with("\"large.txt\" is longer than 64KiB; serve it with files\n"));
}
