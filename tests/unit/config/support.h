// What the tests of the config room share: texts in, documents or printed problems out.
#pragma once

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

inline tl::expected<Document, Diagnostics> load(std::string_view text,
                                                Environment environment = environment_of({})) {
  return load_text(text, "f", environment);
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
