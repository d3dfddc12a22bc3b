// The buffer that a compressor writes to before its output is copied to chunks of the exact size. Only one
// call uses it at a time, so one per thread is enough for every encoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/chunk.h"

namespace postern::coding {

inline constexpr size_t scratch_size = 32 * 1024;

inline std::array<std::byte, scratch_size>& scratch() {
  thread_local std::array<std::byte, scratch_size> bytes;
  return bytes;
}

inline uint8_t* scratch_begin() { return reinterpret_cast<uint8_t*>(scratch().data()); }

inline void take_scratch(size_t count, base::ChunkQueue& output) {
  output.push_copy(base::Bytes(scratch().data(), count));
}

}  // namespace postern::coding
