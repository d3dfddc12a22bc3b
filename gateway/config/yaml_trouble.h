// Explains why a text is not YAML by the mistake, and not by the location where the parser fails: a quote or
// a brace that is never closed, a line that is indented too far, the file of another program. It examines the
// text roughly, line by line, and does not replace the parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostics.h"

namespace postern::config {

struct YamlTrouble {
  SourceLocation location;
  std::string sentence;
};

// Returns the program whose configuration `text` looks like, if it is not one for Postern: "nginx", "Caddy".
// Empty otherwise.
std::string_view foreign_program(std::string_view text);

// Finds a quoted text that continues on a line where YAML's rules of indentation do not allow it, although
// parsers accept it. Such a quote is closed by accident, by one that was meant to open another text.
std::optional<YamlTrouble> find_runaway_quote(std::string_view text);

// Explains the mistake at which a parser stopped, at `location` and with the message `words`. The sentence
// repeats from the text only keys of Postern, so no part of a secret.
YamlTrouble explain_yaml(std::string_view text, SourceLocation location, std::string_view words);

}  // namespace postern::config
