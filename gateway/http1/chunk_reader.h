// A chunked body out of bytes (RFC 9112 7.1), up to the line of the last chunk; trailers are a section of
// fields like any other. It does not matter how the bytes were cut. No I/O, no memory.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http1/deviations.h"
#include "http1/reading.h"

namespace postern::http1 {

// Lengths beyond this are negative to readers with signed numbers.
inline constexpr uint64_t body_length_max = std::numeric_limits<int64_t>::max();

class ChunkReader {
 public:
  explicit ChunkReader(Reading reading) : reading_(reading) {}

  struct Step {
    base::Bytes data;   // of the body; empty: more must come, or `last`
    bool last = false;  // the line of the last chunk is read
  };
  // Takes from the front of `input` up to the next piece of data. Else the rule that was broken, by the byte
  // that `input` begins with then.
  tl::expected<Step, std::string_view> next(base::Bytes& input, Deviations& deviations);

 private:
  enum class At : uint8_t {
    size,          // its first digit
    more_size,     //
    padding,       // white space behind it
    extension,     // the first character of an extension's name
    name,          //
    value,         // its first character
    token,         //
    quoted,        //
    escaped,       // in a quoted value, behind a backslash
    after_quoted,  //
    line_feed,     // of the size's line
    data,          //
    data_end,      // the CR behind it
    data_end_lf,   //
  };

  // One byte of framing; gives the rule that it breaks, or nothing.
  std::string_view take(char byte);
  std::string_view take_digit(char byte);
  std::string_view end_of_part(char byte);
  std::string_view end_line();
  bool forgives() const { return reading_ == Reading::forgiving; }

  uint64_t remaining_ = 0;      // of the chunk
  uint64_t framing_bytes_ = 0;  // of the body
  uint64_t data_bytes_ = 0;     // of the body
  Reading reading_;
  At at_ = At::size;
  bool line_read_ = false;  // the byte that was taken last ended a size's line
  bool padded_ = false;     // the byte that was taken last showed a deviation
  bool bare_line_feed_ = false;
};

}  // namespace postern::http1
