#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/check.h"
#include "crypto/openssl_handles.h"

namespace postern::crypto {
namespace {

struct HexPair {
  char high;
  char low;
};

constexpr std::array<HexPair, 256> hex_pairs = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<HexPair, 256> pairs{};
  for (size_t value = 0; value < pairs.size(); ++value)
    pairs[value] = {digits[value >> 4], digits[value & 15]};
  return pairs;
}();

}  // namespace

void fill_random(std::span<uint8_t> bytes) {
  constexpr size_t most_at_once = 1 << 20;  // RAND_bytes takes an int
  while (!bytes.empty()) {
    size_t count = bytes.size() < most_at_once ? bytes.size() : most_at_once;
    base::check(RAND_bytes(bytes.data(), static_cast<int>(count)) == 1, "the system gives random bytes");
    bytes = bytes.subspan(count);
  }
}

Id IdGenerator::next() {
  constexpr size_t octets = sizeof(Id::digits) / 2;
  if (block_.size() - used_ < octets) {
    fill_random(block_);
    used_ = 0;
  }
  Id id;
  for (size_t index = 0; index < octets; ++index) {
    HexPair pair = hex_pairs[block_[used_ + index]];
    id.digits[2 * index] = pair.high;
    id.digits[2 * index + 1] = pair.low;
  }
  used_ += octets;
  return id;
}

Id random_id() {
  thread_local IdGenerator generator;
  return generator.next();
}

}  // namespace postern::crypto
