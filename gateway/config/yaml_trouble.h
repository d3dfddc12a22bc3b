// Why a text is no YAML, said of the mistake and not of the location where a parser stumbles over it: a quote
// or a brace that is never closed, a line that is indented too far, a file of another program. A light
// reading of the text, line by line; it decides nothing that the parser decides.
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

// The program whose configuration `text` looks like, when it is none of ours: "nginx", "Caddy"; else empty.
std::string_view foreign_program(std::string_view text);

// A quote that YAML's rules of indentation do not let go on where it does, though parsers take it: it was
// closed by accident, by a quote that was meant to open another text.
std::optional<YamlTrouble> find_runaway_quote(std::string_view text);

// What a parser that gave up at `location` with `words` stumbled over. Nothing of the text is repeated but
// keys.
YamlTrouble explain_yaml(std::string_view text, SourceLocation location, std::string_view words);

}  // namespace postern::config
