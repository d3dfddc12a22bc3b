// Suggestions for a single value, or a list, in place of a map: `admin: ":9901"`, `respond: 404`.
#pragma once

#include <string>
#include <string_view>

#include "config/yaml_reader.h"

namespace postern::config {

// Returns the map that was probably meant, with the value in it: `{ address: ":9901" }`. Empty when the value
// fits no key of that map, or contains environment variables.
std::string map_meant(std::string_view schema, const Node& node);

// Returns an example of the map, for a value that gives no hint ("true"). Empty when there is no example.
std::string_view usual_map(std::string_view schema);

}  // namespace postern::config
