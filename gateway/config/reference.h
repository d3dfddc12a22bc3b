// Prints config/schema.h: every key with its type, default and meaning, for people and for programs.
#pragma once

#include <string>

namespace postern::config {

// A configuration file that holds every key, with comments; what excludes something else, or needs a file of
// its own to mean anything, stands as a comment. conf/reference.yaml is this text.
std::string reference_yaml();

// {"keys":[{"key","type","default","meaning","required"}]}, in the order of the YAML. A key is a path in
// which [] is an item of a list and * a name that the operator chooses.
std::string reference_json();

}  // namespace postern::config
