// Parses the field lines of a head or of trailers, which are complete in memory, into a list of views. It
// does no I/O.
#pragma once

#include <cstddef>
#include <string_view>

#include <tl/expected.hpp>

#include "base/chunk.h"
#include "http/headers.h"
#include "http1/deviations.h"
#include "http1/reading.h"

namespace postern::http1 {

// Why a section of fields is refused, and the byte in it that breaks the rule.
struct FieldFault {
  enum class Kind : uint8_t { malformed, too_many } kind = Kind::malformed;
  std::string_view detail;  // a literal
  size_t at = 0;
};

// Reads the lines of `section` from `start` up to the empty line that ends it. HeadScanner has found that
// line and has refused the line ends that `reading` does not allow. A folded value is joined in place: its
// line ends become spaces. At most `fields_max` fields are added to `into`.
tl::expected<void, FieldFault> read_fields(base::Chunk& section, size_t start, size_t fields_max,
                                           Reading reading, http::Headers& into, Deviations& deviations);

}  // namespace postern::http1
