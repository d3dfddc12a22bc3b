// YAML text to a tree of nodes that know their location: the one file that includes yaml-cpp. What YAML lets
// through and a configuration should not is refused here: duplicate keys, anchors, aliases, merge keys, tags,
// several documents, keys that are no text, control characters, anything but UTF-8.
//
// Call it on the main thread, or on one with at least 1 MiB of stack: yaml-cpp recurses.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace postern::config {

struct Key {
  std::string text;
  SourceLocation location;
};

// A tree of plain values; the caller owns all of it. No type is guessed from a scalar: `no`, `010` and
// `1.20` are the text they look like. json_kind() knows what others take them for.
struct Node {
  enum class Kind { null, scalar, sequence, map } kind = Kind::null;
  SourceLocation location;  // its first character; of a null: its key, or the dash before it
  std::string text;         // scalar: its value
  std::string written;      // scalar: its value before substitute() (config/environment.h) changed it
  bool substituted = false;
  bool plain = false;       // scalar: it stood without quotes
  bool has_lines = false;   // scalar: it holds line ends or tabs, which few values may
  bool broken = false;      // a problem was said about this value; say no more
  std::vector<Key> keys;    // map: keys[i] names items[i]; unique, in the order of the file
  std::vector<Node> items;  // sequence or map
};

// What a scalar that stands without quotes is elsewhere, as YAML's core schema and JSON have it: "number" or
// "boolean"; empty for a text, and for what the environment put in.
std::string_view json_kind(const Node& node);

inline constexpr std::size_t max_file_size = std::size_t{1} << 20;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_nodes = 100'000;

// The document in `text`, or nothing when there is no tree to go on with. Every problem found is added to
// `diagnostics` (with errors there may still be a tree, whose duplicates are left out). Throws nothing but
// std::bad_alloc.
std::optional<Node> read_yaml(std::string_view text, Diagnostics& diagnostics);

}  // namespace postern::config
