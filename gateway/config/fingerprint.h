// Whether a part of the file says the same as before: a number for what it says, whatever its layout.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/yaml_reader.h"

namespace postern::config {

// Equal for trees whose maps hold the same keys with equal values, in any order, whose lists hold equal items
// in the same order, and whose scalars are the same text, the environment put in. Keys named in `but` are
// passed over at the top. Others are different with all likelihood (64 bits of a SHA-256).
uint64_t fingerprint(const Node& node, const std::vector<std::string_view>& but = {});

// One number for several, in their order.
uint64_t fingerprint(std::initializer_list<uint64_t> parts);

// The same for values of any kind.
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
