// permessage-deflate (RFC 7692) as one end speaks it, without context from one message to the next: a message
// is compressed and expanded by itself, so that a socket that rests keeps nothing of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::websocket {

// How far back what is compressed may refer, as a power of two. Clients are understood with any; 8 is no
// window that zlib could write (its 8 is 9).
inline constexpr int window_bits_min = 9;
inline constexpr int window_bits_max = 15;

// What a server agrees to.
struct DeflateParameters {
  std::string answer;                 // its Sec-WebSocket-Extensions
  int window_bits = window_bits_max;  // of what it sends
};

// Of a client's Sec-WebSocket-Extensions (all of its fields, joined by commas), the first offer of
// permessage-deflate that can be met without context on both sides. One that RFC 7692 7.1 does not allow is
// passed over.
std::optional<DeflateParameters> agree_on_deflate(std::string_view offers);

// Both ways, for all sockets of a worker that agreed on these window bits. One thread.
class Deflate {
 public:
  explicit Deflate(int window_bits = window_bits_max);
  ~Deflate();
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  // Messages below this stay as they are: the frame would hardly be smaller.
  static constexpr size_t worth_it = 256;

  enum class Problem : uint8_t { malformed, too_large };
  // A message's payload into `message`, in place of what it holds. It stops as soon as there are more than
  // `max` bytes of it (0: no limit), whatever the payload would become.
  std::optional<Problem> expand(std::string_view payload, uint64_t max, std::string& message);
  // Valid until the next call. Empty when it would not be smaller.
  std::string_view compress(std::string_view message);

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
  std::string output_;
};

}  // namespace postern::websocket
