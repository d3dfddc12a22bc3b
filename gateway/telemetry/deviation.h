// The ways in which an endpoint's response may deviate from HTTP and still have only one meaning: such a
// response is rewritten and forwarded. Their names and remedies are in finding.cpp.
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
