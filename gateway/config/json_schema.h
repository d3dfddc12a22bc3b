// The keys of a configuration file as a JSON Schema (draft 2020-12), for editors that complete and check
// YAML.
#pragma once

#include <string>

namespace postern::config {

// The schema accepts every file that the gateway accepts. Some rules it cannot express; they are verified
// when the file is loaded: relations between parts of a file, ranges of durations and of sizes with a unit,
// names that are used twice, files. conf/postern.schema.json is this text.
std::string json_schema();

}  // namespace postern::config
