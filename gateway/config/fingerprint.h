// Fingerprints: numbers by which a reload finds out whether a part of the file has changed. The layout of the
// file does not matter.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/yaml_reader.h"

namespace postern::config {

// Returns the same number for equal trees: their maps hold the same keys with equal values in any order,
// their lists hold equal items in the same order, and their scalars are the same text after substitution of
// environment variables. The keys in `but` are left out at the top level of the tree. Other trees have
// another number with very high probability (64 bits of a SHA-256).
uint64_t fingerprint(const Node& node, const std::vector<std::string_view>& but = {});

// Combines several numbers into one; their order matters.
uint64_t fingerprint(std::initializer_list<uint64_t> parts);

// Makes a fingerprint of values that are added one after the other.
class Fingerprint {
 public:
  void add(std::string_view text);
  template <class Number>
  requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void add(Number number) { add(std::string_view(reinterpret_cast<const char*>(&number), sizeof(number))); }
  uint64_t number() const;

 private:
  std::string text_;
};

}  // namespace postern::config
