// Prints the table of config/schema.h: every key with its type, default and meaning, for people and for
// programs.
#pragma once

#include <string>

namespace postern::config {

// Returns a configuration file that has every key, with comments. Keys that exclude another key, or that need
// a file of their own, are commented out. conf/reference.yaml is this text.
std::string reference_yaml();

// Returns JSON, in the order of the YAML:
// {"keys":[{"key","type","default","meaning","required","range","unit","restart","open_sockets"}]}
// A key is a path in which [] is an item of a list and * is a name that the operator chooses. Keys that
// belong to several maps are listed for each of them, although the YAML shows them once. `range` and `unit`
// are present where a value has them. `restart`: a change needs a restart. `open_sockets`: a change of this
// key leaves open WebSockets and event streams as they are ("stay"), or closes them ("closed").
std::string reference_json();

}  // namespace postern::config
