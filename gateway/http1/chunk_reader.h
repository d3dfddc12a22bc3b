// Decodes a chunked body (RFC 9112 7.1), up to the line of the last chunk; the trailers after it are read as
// a section of fields. The result does not depend on how the bytes were cut into pieces. It does no I/O and
// allocates no memory.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http1/deviations.h"
#include "http1/reading.h"

namespace postern::http1 {

// Larger lengths become negative in readers that use signed numbers.
inline constexpr uint64_t body_length_max = std::numeric_limits<int64_t>::max();

class ChunkReader {
 public:
  explicit ChunkReader(Reading reading) : reading_(reading) {}

  struct Step {
    base::Bytes data;   // of the body; empty: more bytes are needed, or `last`
    bool last = false;  // the line of the last chunk was read
  };
  // Consumes the front of `input` up to the next piece of data. On an error it returns the broken rule, and
  // `input` begins with the byte that breaks it.
  tl::expected<Step, std::string_view> next(base::Bytes& input, Deviations& deviations);

 private:
  enum class At : uint8_t {
    size,          // its first digit
    more_size,     //
    padding,       // white space after the size
    extension,     // the first character of an extension's name
    name,          //
    value,         // its first character
    token,         //
    quoted,        // its further characters
    escaped,       // in a quoted value, after a backslash
    after_quoted,  //
    line_feed,     // of the line of a size
    data,          //
    data_end,      // the CR after the data
    data_end_lf,   //
  };

  // Processes one byte of framing; returns the rule that it breaks, or an empty text.
  std::string_view take(char byte);
  std::string_view take_digit(char byte);
  std::string_view end_of_part(char byte);
  std::string_view end_line();
  bool forgives() const { return reading_ == Reading::forgiving; }

  uint64_t remaining_ = 0;      // of the current chunk
  uint64_t framing_bytes_ = 0;  // of the body
  uint64_t data_bytes_ = 0;     // of the body
  Reading reading_;
  At at_ = At::size;
  bool line_read_ = false;  // the last byte ended the line of a size
  bool padded_ = false;     // the last byte showed the deviation of that name
  bool bare_line_feed_ = false;
};

}  // namespace postern::http1
