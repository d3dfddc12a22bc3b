// The ways in which an endpoint's response may differ from HTTP and still have one reading only: it is sent
// on, written anew. Their names, and what to do about each, are in finding.h.
#pragma once

#include <cstdint>

namespace postern::telemetry {

enum class Deviation : uint8_t {
  both_lengths,
  repeated_length,
  repeated_chunked,
  chunked_in_http_1_0,
  line_feed,
  folded_field,
  space_before_colon,
  padded_chunk_size,
};
inline constexpr int deviation_count = static_cast<int>(Deviation::padded_chunk_size) + 1;

}  // namespace postern::telemetry
