// Prints config/schema.h: every key with its type, default and meaning, for people and for programs.
#pragma once

#include <string>

namespace postern::config {

// A configuration file that holds every key, with comments; what excludes something else, or needs a file of
// its own to mean anything, stands as a comment. conf/reference.yaml is this text.
std::string reference_yaml();

// {"keys":[{"key","type","default","meaning","required","range","unit","restart","open_sockets"}]}, in the
// order of the YAML. A key is a path in which [] is an item of a list and * a name that the operator chooses.
// Keys that the YAML shows in one place, and that are keys of another one as well, stand in both. `range` and
// `unit` are there where a value has them; `restart`: a change needs one; `open_sockets`: a change of this
// key leaves open WebSockets and event streams as they are ("stay"), or closes them ("closed").
std::string reference_json();

}  // namespace postern::config
