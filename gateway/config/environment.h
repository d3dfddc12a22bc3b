// ${VAR} and ${VAR:-default} in the values of a file. Substitution works on scalars after YAML was parsed, so
// a variable can change a value and never the structure around it; keys are left alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostics.h"
#include "config/yaml_reader.h"

namespace postern::config {

// The value of a variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The environment of this process. Nothing may call setenv() meanwhile.
Environment process_environment();

// Replaces in every scalar of the tree
//   ${NAME}            the variable's value; not set: a problem that names it
//   ${NAME:-default}   the same, or the text up to the next "}" when it is not set or empty
//   $${                the two characters "${"
// NAME is [A-Za-z_][A-Za-z0-9_]*. A lone "$" stays. What was substituted is not looked at again. The written
// form is kept in Node::written, and no diagnostic repeats a variable's value.
//
// Where variables `may_be_missing`, a value that needs one that is not set becomes a broken one, of which
// nothing is said.
void substitute(Node& root, const Environment& environment, Diagnostics& diagnostics,
                bool may_be_missing = false);

}  // namespace postern::config
