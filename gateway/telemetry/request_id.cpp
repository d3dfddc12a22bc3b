#include "telemetry/request_id.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace postern::telemetry {
namespace {

constexpr size_t longest_accepted = 128;
constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr std::array<bool, 256> accepted_characters() {
  constexpr std::string_view characters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:/+=";
  std::array<bool, 256> accepted{};
  for (const char c : characters) accepted[static_cast<uint8_t>(c)] = true;
  return accepted;
}
constexpr std::array<bool, 256> is_accepted = accepted_characters();

void write_hex(uint64_t word, char* at) {
  for (int shift = 60; shift >= 0; shift -= 4) *at++ = hex_digits[(word >> shift) & 0xf];
}

}  // namespace

RequestIdSource::RequestIdSource() {
  const ssize_t count = ::getrandom(state_.data(), sizeof(state_), 0);
  base::check(count == static_cast<ssize_t>(sizeof(state_)), "the system gives random bytes");
}

// The generator xoshiro256** of Blackman and Vigna, "Scrambled linear pseudorandom number generators".
uint64_t RequestIdSource::next_word() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

RequestId RequestIdSource::next() {
  RequestId id;
  write_hex(next_word(), id.digits.data());
  write_hex(next_word(), id.digits.data() + 16);
  return id;
}

bool is_acceptable_request_id(std::string_view id) {
  return !id.empty() && id.size() <= longest_accepted &&
         std::all_of(id.begin(), id.end(), [](char c) { return is_accepted[static_cast<uint8_t>(c)]; });
}

}  // namespace postern::telemetry
