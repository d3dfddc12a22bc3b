// Whatever a file holds, loading it ends; a refusal has an error with a place in the file, each problem
// prints as one clean line, what came from the environment is never among the words, and a second load says
// the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/load.h"
#include "config/text.h"

namespace {

constexpr std::string_view secret = "Quetzalcoatl-51";

std::optional<std::string> environment(std::string_view name) {
  if (name == "SECRET") return std::string(secret);
  if (name == "PORT") return "8443";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using postern::base::check;
  using namespace postern::config;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  const auto loaded = load_text(input, "fuzz.yaml", environment);
  const Diagnostics& diagnostics = loaded ? loaded->warnings : loaded.error();
  const std::string text = diagnostics.text();
  check(loaded.has_value() != diagnostics.has_errors(),
        "a file is refused for its errors and for nothing else");
  check(!diagnostics.unreadable(), "a text can always be read");
  if (loaded) check(!loaded->listeners.empty() && !loaded->routes.empty(), "a good file serves something");

  const auto lines = std::count(input.begin(), input.end(), '\n') + 1;
  for (const Problem& problem : diagnostics.problems()) {
    check(problem.location.line >= 1 && problem.location.line <= lines && problem.location.column >= 1,
          "a problem has a place in the file");
    const std::string line = to_text(problem);
    check(find_control(line) == std::string::npos && is_utf8(line), "a problem prints as one clean line");
  }
  check(is_utf8(diagnostics.json()), "JSON is UTF-8");
  const bool may_hold_secret = input.find(secret.substr(0, 6)) != std::string_view::npos;
  check(may_hold_secret || text.find(secret.substr(0, 6)) == std::string::npos,
        "no variable's value is printed");

  const auto again = load_text(input, "fuzz.yaml", environment);
  check((again ? again->warnings : again.error()).text() == text, "the same file gets the same words");
  return 0;
}
