// Whether a part of the file says the same as before: a number for what it says, whatever its layout.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "config/yaml_reader.h"

namespace postern::config {

// Equal for trees whose maps hold the same keys with equal values, in any order, whose lists hold equal items
// in the same order, and whose scalars are the same text, the environment put in. Keys named in `but` are
// passed over at the top. Others are different with all likelihood (64 bits of a SHA-256).
uint64_t fingerprint(const Node& node, std::initializer_list<std::string_view> but = {});

// One number for several, in their order.
uint64_t fingerprint(std::initializer_list<uint64_t> parts);

}  // namespace postern::config
