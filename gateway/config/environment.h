// Replaces ${VAR} and ${VAR:-default} in the values of a file. It works on scalars after the YAML was parsed,
// so a variable can change a value but never the structure around it. Keys are not changed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostics.h"
#include "config/yaml_reader.h"

namespace postern::config {

// Returns the value of a variable; nullopt: it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The environment of this process. No thread may call setenv() while it is used.
Environment process_environment();

// Replaces in every scalar of the tree
//   ${NAME}            the variable's value; if it is not set, an error with its name
//   ${NAME:-default}   the same; the text up to the next "}" if it is not set or empty
//   $${                the two characters "${"
// NAME is [A-Za-z_][A-Za-z0-9_]*. Any other "$" stays. Values that were put in are not substituted again. The
// written form is kept in Node::written, and no diagnostic repeats the value of a variable.
//
// With `may_be_missing`, a value that needs a variable that is not set is marked Node::broken, without an
// error.
void substitute(Node& root, const Environment& environment, Diagnostics& diagnostics,
                bool may_be_missing = false);

}  // namespace postern::config
