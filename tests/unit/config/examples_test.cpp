#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

std::vector<std::string> examples() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_SOURCE_DIR "/conf")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

tl::expected<Document, Diagnostics> load_example(const std::string& name,
                                                 const Environment& environment = environment_of({})) {
  return load_file(std::string(POSTERN_SOURCE_DIR "/conf/") + name, environment);
}

}  // namespace

TEST_CASE("examples: every file in conf loads without a problem or a warning") {
  const auto files = examples();
  CHECK(files.size() >= 13);
  for (const std::string& file : files) {
    const auto loaded = load_file(file, environment_of({}));
    CAPTURE(file);
    CHECK_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().text()));
    if (loaded) CHECK(loaded->warnings.text() == "");
  }
}

TEST_CASE("examples: the minimal file has five lines") {
  std::ifstream file(POSTERN_SOURCE_DIR "/conf/minimal.yaml");
  std::string line;
  int lines = 0;
  while (std::getline(file, line)) ++lines;
  CHECK(lines == 5);
  const auto loaded = load_example("minimal.yaml");
  REQUIRE(loaded.has_value());
  CHECK(loaded->routes[0].paths == std::vector<std::string>{"/"});
  CHECK(loaded->upstreams.size() == 1);
}

TEST_CASE("examples: the demonstration takes its port and folder from the environment") {
  const auto loaded = load_example(
      "demo.yaml", environment_of({{"POSTERN_PORT", "9443"}, {"POSTERN_DEMO_DIR", "/somewhere"}}));
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->listeners.size() == 1);
  CHECK(loaded->listeners[0].host == "127.0.0.1");
  CHECK(loaded->listeners[0].port == 9443);
  CHECK(loaded->listeners[0].tls->certificates[0].certificate == "/somewhere/localhost.pem");
  CHECK(loaded->listeners[0].tls->certificates[0].key == "/somewhere/localhost.key");
  REQUIRE(loaded->origins.size() == 1);
  CHECK(loaded->origins[0].allow[0].text == "https://localhost:9443");
  CHECK(loaded->origins[0].allow[1].text == "https://127.0.0.1:9443");
  CHECK(loaded->upstreams[0].endpoints[0].demo);
  CHECK(loaded->jwt[0].secret.size() >= 32);
  CHECK(load_example("demo.yaml")->listeners[0].port == 8443);
}
