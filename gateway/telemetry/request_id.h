// Request ids, which connect what a client, the log and a backend saw of one request. They are unique, not
// secret.
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

// Makes an id in a few nanoseconds: xoshiro256** seeded by the system's random generator. One per thread,
// made after any fork: a copy would repeat the ids of the original.
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

// Whether an id that came with a request may be kept: 1 to 128 characters of A-Z a-z 0-9 . _ - : / + =
// Call it only when the client is trusted; otherwise make a new id.
bool is_acceptable_request_id(std::string_view id);

}  // namespace postern::telemetry
