// What the tests of the config room share: texts in, documents or printed problems out.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/load.h"

namespace postern::config {

inline Environment environment_of(std::map<std::string, std::string, std::less<>> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// Documents of these tests go into the folder that POSTERN_DUMP_DOCUMENTS names, each with what was said of
// it, for tests/integration/test_schema.py to compare with the verdict of the JSON Schema.
inline void dump_document(std::string_view text, const Diagnostics& said) {
  const char* folder = std::getenv("POSTERN_DUMP_DOCUMENTS");
  if (!folder) return;
  static int count = 0;
  const std::string name = std::string(folder) + '/' + std::to_string(count++);
  std::ofstream(name + ".yaml", std::ios::binary) << text;
  std::ofstream(name + ".json") << said.json();
}

inline tl::expected<Document, Diagnostics> load_named(std::string_view text, const std::string& name,
                                                      const Environment& environment = environment_of({})) {
  auto loaded = load_text(text, name, environment);
  dump_document(text, loaded ? loaded->warnings : loaded.error());
  return loaded;
}

inline tl::expected<Document, Diagnostics> load(std::string_view text,
                                                Environment environment = environment_of({})) {
  return load_named(text, "f", environment);
}

// Everything said about `text`, one line each, whether it is good or not; the file is called "f".
inline std::string said_of(std::string_view text, Environment environment = environment_of({})) {
  const auto loaded = load(text, environment);
  return loaded ? loaded->warnings.text() : loaded.error().text();
}

// A good file without the parts that a test adds. Its routes are the last thing in it, two spaces deep.
inline const std::string rest =
    "listeners: [{ address: \"127.0.0.1:0\" }]\n"
    "upstreams: { api: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
    "routes:\n"
    "  - upstream: api\n";

// `part` before `rest`, so that its first line is line 1.
inline std::string said_of_part(const std::string& part) { return said_of(part + "\n" + rest); }

}  // namespace postern::config
