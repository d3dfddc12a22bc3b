// permessage-deflate (RFC 7692) for one end of a connection, without context takeover: each message is
// compressed and decompressed by itself, so that an idle socket keeps no compression state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::websocket {

// The window of compressed messages, as a power of two: how far back a reference may point. The gateway
// decompresses any window. 8 is missing because zlib cannot write it (its 8 is 9).
inline constexpr int window_bits_min = 9;
inline constexpr int window_bits_max = 15;

// The parameters that a server accepts.
struct DeflateParameters {
  std::string answer;                 // the value of Sec-WebSocket-Extensions in the response
  int window_bits = window_bits_max;  // of the messages that the server sends
};

// Returns the first offer of permessage-deflate in a client's Sec-WebSocket-Extensions (all of its fields,
// joined by commas) that can be accepted without context takeover on both sides. An offer that RFC 7692 7.1
// does not allow is ignored.
std::optional<DeflateParameters> agree_on_deflate(std::string_view offers);

// Compresses and decompresses for all sockets of a worker that agreed on these window bits. It is used on one
// thread.
class Deflate {
 public:
  explicit Deflate(int window_bits = window_bits_max);
  ~Deflate();
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  // Messages smaller than this are not compressed: the frame would hardly become smaller.
  static constexpr size_t worth_it = 256;

  enum class Problem : uint8_t { malformed, too_large };
  // Decompresses a message's payload into `message`, replacing its content. It stops as soon as the result
  // exceeds `max` bytes (0: no limit), so that memory is bounded whatever the payload is.
  std::optional<Problem> expand(std::string_view payload, uint64_t max, std::string& message);
  // The result is valid until the next call. It is empty when compression would not make the message smaller.
  std::string_view compress(std::string_view message);

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
  std::string output_;
};

}  // namespace postern::websocket
