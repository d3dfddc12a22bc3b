// The frames of the multiplexed protocol, a small protocol of the tests' own: many streams on one connection,
// each with flow control in both directions. Postern never speaks it outside of tests. It exists so that the
// stream interfaces (http/stream.h) have a second implementation that shares nothing with HTTP/1.1.
//
// A frame is its type (one byte), its stream (four bytes), the size of its payload (four bytes), and the
// payload. A side sends HEAD, any number of DATA, TRAILERS if it has any, and END; a server may send INTERIM
// before its HEAD. A request head that asks for an upgrade has no END, and a response head that opens a
// tunnel makes the rest of the stream two directions of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "base/error_fwd.h"
#include "http/fault.h"
#include "http/head.h"

namespace postern::support {

enum class FrameType : uint8_t {
  head,
  interim,
  data,
  trailers,
  end,
  reset,      // a cause, and whether a part of the response had come: the stream is over in both directions
  leave,      // the sender reads nothing more; what it has sent before is whole
  window,     // a number of bytes that were taken
  fault,      // the rest of this message cannot be read: a cause and two texts
  refused,    // a head of which not everything could be read: a fault, and then the rest of the head
  deviation,  // of the message that is being sent: its kind and an excerpt
  ended,      // the request is complete, and its sender may wait for the response or may have gone
  drain,      // no more streams are accepted on this connection; the stream is 0
};

// A client's bytes and those of a server each have a window of this size for every stream.
inline constexpr size_t stream_window = 64 * 1024;
inline constexpr size_t frame_payload_max = 16 * 1024;  // of DATA

struct Frame {
  FrameType type{};
  uint32_t stream = 0;
  std::string payload;
};

// The result is meant to be written to a transport as it is.
std::string frame_text(FrameType type, uint32_t stream, std::string_view payload = {});

class FrameReader {
 public:
  void feed(base::Bytes bytes) { buffer_ += base::text_of(bytes); }
  std::optional<Frame> next();  // the next complete frame

 private:
  std::string buffer_;
  size_t used_ = 0;  // bytes of the buffer that were returned
};

// --- payloads ---

std::string write_head(const http::RequestHead& head);
std::string write_head(const http::ResponseHead& head);
http::RequestHead read_request_head(std::string_view payload);
http::ResponseHead read_response_head(std::string_view payload);

std::string write_fields(const http::Headers& fields);
// The texts of the fields are kept in `arena`.
void read_fields(std::string_view payload, http::Headers& into, base::TextArena& arena);

std::string write_fault(const http::Fault& fault);
// Removes the fault from the front of `payload`.
http::Fault read_fault(std::string_view& payload);

std::string write_number(uint64_t number);
uint64_t read_number(std::string_view payload);

}  // namespace postern::support
