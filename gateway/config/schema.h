// Every key a configuration file may hold, with its type, default and meaning: the declarations of all
// sections (config/key.h) as one flat table. Decoding asks which keys are known, and reference.cpp prints the
// table, so the two cannot disagree.
#pragma once

#include <cstdint>
#include <span>
#include <string>
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

// What a change of a key means for WebSockets and event streams that are open.
enum class Holds : uint8_t {
  unknown,   // the key is none of a route
  open,      // they are held to it: a change closes them, at the pace of limits.tunnel_drain
  new_only,  // it is for those that are still to come
  by_key,    // a map, whose keys say it
};

struct SchemaKey {
  std::string path;  // "listeners[].tls.key": [] an item of a list, * a chosen name
  Shape shape = Shape::value;
  std::string type;            // for people: "duration, 10ms to 24h, or none"
  std::string default_text;    // what holds when nothing is said; "required" when something must be
  std::string description;     // whole sentences that mean something alone, as an editor shows them
  std::string example;         // the value that the reference prints; of a named map: the name
  bool commented_out = false;  // printed as a comment and not as a key
  std::string range{};         // "10ms to 24h"; empty: none
  std::string unit{};          // "ms, s, m or h"; empty: none
  Holds holds = Holds::unknown;
  bool inherits_holds = false;  // `holds` is said of the map that it stands in
  bool needs_restart = false;
  bool folded = false;     // a map whose keys are described elsewhere, or in its own description
  bool is_folded = false;  // stands in such a map
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
