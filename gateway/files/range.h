// The Range field: which bytes of a file a request asks for (RFC 9110 14).
#pragma once

#include <cstdint>
#include <string_view>

namespace postern::files {

struct Range {
  enum class Kind : uint8_t {
    whole,          // no range, or one that may be ignored: an unknown unit, invalid syntax, several ranges
    part,           // `first` up to and including `last`
    unsatisfiable,  // well-formed, but beyond the end
  } kind = Kind::whole;
  uint64_t first = 0;
  uint64_t last = 0;
};

// Reads the value of a Range field, for a representation of `size` bytes. Several ranges are answered with
// the whole representation (14.2 allows it): no common client asks for them, and they can be abused to cause
// much work.
Range read_range(std::string_view field, uint64_t size);

}  // namespace postern::files
