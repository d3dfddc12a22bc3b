// Walks over the frames of one direction of a WebSocket connection (RFC 6455 5.2) and asks its visitor what
// to do with each frame. Forwarded frames are passed on unchanged, in as few pieces as the bytes allow:
// payloads are skipped, not read.
//
// A header or a control frame that is split between two deliveries is held here until it is complete (139
// bytes at most), so that the visitor always sees the whole of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/chunk.h"
#include "websocket/frame.h"

namespace postern::websocket {

class FrameWalker {
 public:
  enum class Pass : uint8_t {
    on,    // forward it unchanged
    drop,  // discard it
    take,  // give its payload to on_payload()
    wait,  // ask again in the next walk(); not allowed for a control frame
    stop,  // forward neither it nor anything after it: the walk ends
  };

  // Calls come in the order of the bytes. They must not destroy the walker or call it.
  class Visitor {
   public:
    // The header of a data frame, or of a control frame that is longer than 5.5 allows.
    virtual Pass on_frame(const FrameHeader& header) = 0;
    // A complete control frame with its payload unmasked; only `on`, `drop` and `stop` are allowed as
    // results.
    virtual Pass on_control(const FrameHeader& header, std::string_view payload) = 0;
    // A piece of the payload of a `take` frame, still masked. `offset` is its position in the payload; `end`
    // marks the last piece. Called at least once for each such frame.
    virtual void on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) = 0;
    // Bytes of frames that are forwarded.
    virtual void on_passed(base::Bytes bytes) = 0;

   protected:
    ~Visitor() = default;
  };

  // Returns how many bytes were consumed: all of them, except when a frame has to wait. The next walk must
  // begin with the remaining bytes, if there are any; the waiting header may be held here.
  size_t walk(base::Bytes bytes, Visitor& visitor);

  // Whether the forwarded bytes end with a complete frame: a control frame of the gateway may be inserted
  // now.
  bool at_boundary() const { return remaining_ == 0 || pass_ != Pass::on; }
  // Whether the forwarded bytes end with a complete message: any frame of the gateway may be inserted now.
  bool between_messages() const { return at_boundary() && !in_message_; }
  // Whether the forwarded bytes end within the last frame of a message.
  bool in_last_frame() const { return !at_boundary() && header_.final && !header_.is_control(); }
  bool stopped() const { return pass_ == Pass::stop; }
  // Whether a whole header or control frame is held here that the next walk asks for again.
  bool has_waiting() const;

 private:
  Pass begin_unit(const std::byte* unit, Visitor& visitor);

  FrameHeader header_;      // of the current frame
  uint64_t remaining_ = 0;  // bytes left of its payload
  base::Chunk held_;
  Pass pass_ = Pass::on;
  bool in_message_ = false;  // a fragment was forwarded that was not the last one
};

}  // namespace postern::websocket
