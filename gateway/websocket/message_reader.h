// Assembles the messages of one direction from the frames that a FrameWalker visits. It is used on one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/chunk.h"
#include "websocket/deflate.h"
#include "websocket/frame.h"
#include "websocket/frame_order.h"
#include "websocket/utf8_check.h"

namespace postern::websocket {

class MessageReader {
 public:
  // `size_max`: bytes of a message, 0: no limit. `deflate` outlives the reader; it is null when compression
  // was not negotiated.
  MessageReader(uint64_t size_max, Deflate* deflate) : size_max_(size_max), deflate_(deflate) {}

  // Begins a frame whose header has been checked for order and size. Memory is allocated for the bytes that
  // arrive, never for an announced length.
  void begin(const FrameHeader& header);
  // Returns the violation of the message, if there is one.
  std::optional<Fault> add(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end);

  // After the last piece of the last frame these return the message, until next() is called.
  bool complete() const { return complete_; }
  Opcode kind() const { return kind_; }
  std::string_view message() const { return message_; }
  void next();

 private:
  std::optional<Fault> finish();

  uint64_t size_max_;
  Deflate* deflate_;
  std::string message_;
  Utf8Check text_check_;
  Opcode kind_ = Opcode::text;
  bool compressed_ = false;
  bool complete_ = false;
};

}  // namespace postern::websocket
