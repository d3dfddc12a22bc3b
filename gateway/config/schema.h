// Every key that a configuration file may hold, with its type, default and meaning: the declarations of all
// sections (config/key.h) as one flat table. Decoding reads the same declarations and uses the table for
// hints, and reference.cpp prints it, so they cannot disagree.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

// The shape of a value.
enum class Shape : uint8_t {
  value,    // a single value or a list of single values
  section,  // a map with fixed keys
  list,     // a list of maps with fixed keys
  named,    // a map from names, which the operator chooses, to maps with fixed keys
};

// What a change of a key means for open WebSockets and event streams.
enum class Holds : uint8_t {
  unknown,   // the key is not one of a route
  open,      // it applies to them: a change closes them, at the rate of limits.tunnel_drain
  new_only,  // it applies to new ones only
  by_key,    // a map, each of whose keys has its own
};

struct SchemaKey {
  std::string path;  // "listeners[].tls.key": [] an item of a list, * a chosen name
  Shape shape = Shape::value;
  std::string type;            // for people: "duration, 10ms to 24h, or none"
  std::string default_text;    // the value of a missing key; "required" if it must not be missing
  std::string description;     // whole sentences that are clear on their own, as an editor shows them
  std::string example;         // the value that the reference prints; for Shape::named, the name
  bool commented_out = false;  // printed as a comment and not as a key
  std::string range{};         // "10ms to 24h"; empty: none
  std::string unit{};          // "ms, s, m or h"; empty: none
  Holds holds = Holds::unknown;
  bool inherits_holds = false;  // `holds` is that of the map that contains the key
  bool needs_restart = false;
  bool folded = false;     // a map whose keys are described elsewhere, or in its own description
  bool is_folded = false;  // the key is in a folded map
};

// The table, in the order of the reference: a key comes after the map that contains it. It lives as long as
// the process.
std::span<const SchemaKey> schema();

// Returns the last part of the path: "key" of "listeners[].tls.key".
std::string_view key_name(const SchemaKey& key);

// True for a key directly inside `parent`: "listeners[].tls" inside "listeners[]", "listeners" inside "" (the
// top level).
bool is_inside(const SchemaKey& key, std::string_view parent);

// Names of the keys directly inside `parent`, in the order of the table.
std::vector<std::string_view> keys_inside(std::string_view parent);

}  // namespace postern::config
