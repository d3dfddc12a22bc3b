// Random bytes from OpenSSL's generator, and short ids that cost a few nanoseconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern::crypto {

// Fills `bytes` with random bytes that are fit for keys and masks. Never fails: without randomness the
// process ends.
void fill_random(std::span<uint8_t> bytes);

// 128 random bits as 32 lowercase hex digits.
struct Id {
  std::array<char, 32> digits;
  std::string_view view() const { return {digits.data(), digits.size()}; }
};

// Makes ids from blocks of random bytes. One per thread; do not use it across a fork, because both processes
// would repeat the rest of the block.
class IdGenerator {
 public:
  Id next();

 private:
  std::array<uint8_t, 4096> block_;
  size_t used_ = sizeof(block_);
};

// The next id of this thread's generator.
Id random_id();

}  // namespace postern::crypto
