// The keys of a configuration file as a JSON Schema (draft 2020-12), for editors that complete and check
// YAML.
#pragma once

#include <string>

namespace postern::config {

// It accepts every file that the gateway accepts. What it cannot say, it leaves to `postern check`: what one
// part of a file says about another, ranges of durations and sizes, names that are used twice, files.
// conf/postern.schema.json is this text.
std::string json_schema();

}  // namespace postern::config
