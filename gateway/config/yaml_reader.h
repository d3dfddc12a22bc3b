// Reads YAML into a tree of nodes that know their location; only yaml_reader.cpp includes yaml-cpp. YAML
// features that do not belong in a configuration are refused here: duplicate keys, anchors, aliases, merge
// keys, tags, several documents, keys that are not text, control characters, and any encoding but UTF-8.
//
// Call it on the main thread, or on one with at least 1 MiB of stack, because yaml-cpp recurses.
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

// A tree of plain values, which owns all of its parts. No type is guessed from a scalar: `no`, `010` and
// `1.20` are texts. json_kind() tells the type that other programs see.
struct Node {
  enum class Kind { null, scalar, sequence, map } kind = Kind::null;
  SourceLocation location;  // of its first character; for a null, of its key or of the dash before it
  std::string text;         // scalar: its value
  std::string written;      // scalar: its value before substitute() (config/environment.h) changed it
  bool substituted = false;
  bool plain = false;       // scalar: it is written without quotes
  bool has_lines = false;   // scalar: it holds line ends or tabs, which few keys allow
  bool broken = false;      // its problem is reported, or its variable may be missing; report nothing more
  std::vector<Key> keys;    // map: keys[i] is the key of items[i]; unique, in the order of the file
  std::vector<Node> items;  // sequence or map
};

// Returns the type that YAML's core schema and JSON give to a scalar without quotes: "number" or "boolean".
// Empty for a text, and for a scalar with environment variables.
std::string_view json_kind(const Node& node);

inline constexpr std::size_t max_file_size = std::size_t{1} << 20;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_nodes = 100'000;

// Returns the tree of the document in `text`, or nullopt when decoding cannot continue. Every problem found
// is added to `diagnostics`; a tree may be returned in spite of errors, and has no duplicate keys. Throws
// nothing but std::bad_alloc.
std::optional<Node> read_yaml(std::string_view text, Diagnostics& diagnostics);

}  // namespace postern::config
