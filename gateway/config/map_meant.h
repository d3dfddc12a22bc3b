// What is meant where a single value, or a list, stands in place of a map: `admin: ":9901"`, `respond: 404`.
#pragma once

#include <string>
#include <string_view>

#include "config/yaml_reader.h"

namespace postern::config {

// The map as it would be written, with the value in it: `{ address: ":9901" }`. Empty where the value fits no
// key of that map, or where the environment took part in it.
std::string map_meant(std::string_view schema, const Node& node);

// The map as it is mostly written, for values that say nothing ("true"); empty where there is none to show.
std::string_view usual_map(std::string_view schema);

}  // namespace postern::config
