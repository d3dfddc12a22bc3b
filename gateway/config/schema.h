// Every key a configuration file may hold, with its type, default and meaning. Decoding asks this table which
// keys are known and reference.cpp prints it, so the two cannot disagree.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace postern::config {

// What stands after the colon.
enum class Shape : uint8_t {
  value,    // a single value or a list of such
  section,  // a map with fixed keys
  list,     // a list of maps with fixed keys
  named,    // a map of names the operator chooses, each a map with fixed keys
};

struct SchemaKey {
  std::string_view path;  // "listeners[].tls.key": [] an item of a list, * a chosen name
  Shape shape;
  std::string_view type;          // for people: "duration"
  std::string_view default_text;  // what holds when nothing is said; "required" when something must be
  std::string_view description;   // whole sentences that mean something alone, as an editor shows them
  std::string_view example;       // the value that the reference prints; of a named map: the name
  bool commented_out = false;     // printed as a comment and not as a key
};

// In the order of the reference: a key after the one it stands in.
std::span<const SchemaKey> schema();

// Last part of the path: "key" of "listeners[].tls.key".
std::string_view key_name(const SchemaKey& key);

// True for a key that stands directly inside `parent`: "listeners[].tls" inside "listeners[]", "listeners"
// inside "" (the top level).
bool is_inside(const SchemaKey& key, std::string_view parent);

// Names of the keys directly inside `parent`, in the order of the table.
std::vector<std::string_view> keys_inside(std::string_view parent);

}  // namespace postern::config
