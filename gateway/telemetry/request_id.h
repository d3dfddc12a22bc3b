// Ids that tie together what a client, the log and a backend saw of one request. They are unique, not secret.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::telemetry {

// 128 bits as 32 lowercase hex digits.
struct RequestId {
  std::array<char, 32> digits{};
  std::string_view view() const { return {digits.data(), digits.size()}; }
  friend bool operator==(const RequestId&, const RequestId&) = default;
};

// Makes ids for a few nanoseconds each: xoshiro256** begun from the system's randomness. One per thread, made
// after any fork: a copy would repeat the ids of the original.
class RequestIdSource {
 public:
  using Seed = std::array<uint64_t, 4>;

  RequestIdSource();                                            // seeded by the system
  explicit RequestIdSource(const Seed& seed) : state_(seed) {}  // not all zero

  RequestId next();

 private:
  uint64_t next_word();
  Seed state_;
};

// May an id that came with a request be kept? 1 to 128 characters of A-Z a-z 0-9 . _ - : / + =
// Only to be asked when the client is trusted; otherwise make a new one.
bool is_acceptable_request_id(std::string_view id);

}  // namespace postern::telemetry
