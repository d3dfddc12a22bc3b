#include "config/load.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

// A file that is gone when the test is over.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "postern-load-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << text;
    close(descriptor);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("load: a good file is a document that knows its path") {
  const TemporaryFile file(rest);
  const auto loaded = load_file(file.path());
  REQUIRE(loaded.has_value());
  CHECK(loaded->file == file.path());
  CHECK(loaded->routes.size() == 1);
}

TEST_CASE("load: six different mistakes are six lines, in order, with their places") {
  CHECK(said_of("workers: many\n"
                "listeners:\n"
                "  - address: \":99999\"\n"
                "origins:\n"
                "  web: { allow: [\"app.example.com\"] }\n"
                "upstreams:\n"
                "  api: { endpoints: [\"http://127.0.0.1:3001/v1\"], timeouts: { connect: 5 } }\n"
                "routes:\n"
                "  - upstrem: api\n"
                "    origins: web\n") ==
        "f:1:10 workers: \"many\" is not a number (write decimal digits and nothing else)\n"
        "f:3:14 listeners[0].address: \":99999\" has no port from 0 to 65535\n"
        "f:5:18 origins.web.allow[0]: \"app.example.com\" has no scheme; browsers send one; write "
        "\"https://app.example.com\"\n"
        "f:7:22 upstreams.api.endpoints[0]: \"http://127.0.0.1:3001/v1\" has a path or a query; an endpoint "
        "is scheme, "
        "host and port; write \"http://127.0.0.1:3001\"\n"
        "f:7:72 upstreams.api.timeouts.connect: \"5\" has no unit; write 500ms, 5s, 2m or 1h\n"
        "f:9:5 routes[0].upstrem: unknown key \"upstrem\"; did you mean \"upstream\"?\n");
}

TEST_CASE("load: a file that cannot be read is told from one with mistakes") {
  const auto missing = load_file("/nonexistent/postern.yaml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().unreadable());
  CHECK(missing.error().text() ==
        "/nonexistent/postern.yaml: the file cannot be read: No such file or directory\n");
  const auto folder = load_file(std::filesystem::temp_directory_path().string());
  REQUIRE_FALSE(folder.has_value());
  CHECK(folder.error().unreadable());
  const TemporaryFile file("workers: x\n");
  const auto wrong = load_file(file.path());
  REQUIRE_FALSE(wrong.has_value());
  CHECK_FALSE(wrong.error().unreadable());
  CHECK(wrong.error().has_errors());
}

TEST_CASE("load: an empty file says what it needs") {
  const std::string said = "f:1:1 the file is empty; listeners and routes are the least it needs\n";
  CHECK(said_of("") == said);
  CHECK(said_of("# nothing\n") == said);
  CHECK(said_of("---\n") == said);
  CHECK(said_of("[]") ==
        "f:1:1 must be a map (workers, trusted_proxies, forwarded, …); its keys stand without dashes; "
        "listeners and routes are the least it needs (postern reference prints every key)\n");
}

TEST_CASE("load: a file over 1 MiB is refused") {
  const TemporaryFile file(std::string((1u << 20) + 1, '#'));
  const auto loaded = load_file(file.path());
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().text() == file.path() + ":1:1 the file is larger than 1 MiB\n");
}

TEST_CASE("load: a variable that is not set is one problem, not two") {
  CHECK(said_of("listeners: [{ address: \"127.0.0.1:${PORT}\" }]\nroutes: [{ upstream: \"http://a\" }]\n") ==
        "f:1:24 listeners[0].address: the environment variable PORT is not set (a default is written "
        "${PORT:-value})\n");
}

TEST_CASE("load: the document quotes a value as it is written") {
  const auto loaded =
      load("listeners: [{ address: \"127.0.0.1:${PORT}\" }]\nroutes: [{ upstream: \"http://a\" }]\n",
           environment_of({{"PORT", "8443"}}));
  REQUIRE(loaded.has_value());
  const ListenerDocument& listener = loaded->listeners[0];
  CHECK(listener.port == 8443);
  CHECK(loaded->quote(listener.address_location, "127.0.0.1:8443") == "\"127.0.0.1:${PORT}\"");
  CHECK(loaded->quote(loaded->routes[0].upstream_location, "http://a") == "\"http://a\"");
}

TEST_CASE("load: thousands of mistakes stay bounded") {
  std::string text = rest;
  for (int count = 0; count < 5000; ++count) text += "k" + std::to_string(count) + ": 1\n";
  const auto loaded = load(text);
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().errors() == 5000);
  CHECK(loaded.error().problems().size() == Diagnostics::max_problems);
}
