// Puts the messages of one direction together out of the frames that a FrameWalker gives it. One thread.
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
  // `size_max`: bytes of a message, 0: any. `deflate`, null where compression was not agreed on, outlives it.
  MessageReader(uint64_t size_max, Deflate* deflate) : size_max_(size_max), deflate_(deflate) {}

  // The frame's header was found in order and small enough. Bytes are taken as they come, never by what was
  // announced.
  void begin(const FrameHeader& header);
  // Returns what is wrong with the message.
  std::optional<Fault> add(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end);

  // After the last piece of the last frame: the message, until next().
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
