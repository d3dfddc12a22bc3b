// Walks over one direction of a WebSocket connection (RFC 6455 5.2) and asks for each frame what becomes of
// it. What goes on, goes on as it came, in as few pieces as the bytes allow: payloads are skipped, not read.
//
// A header, and a control frame, that is cut between two deliveries waits here until it is whole (139 bytes
// at most), so that whoever is asked always sees all of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/chunk.h"
#include "websocket/frame.h"

namespace postern::websocket {

class FrameWalker {
 public:
  enum class Pass : uint8_t {
    on,    // as it came
    drop,  // it vanishes
    take,  // its payload is given to on_payload()
    wait,  // it is asked for again by the next walk(); no answer for a control frame
    stop,  // it, and all that follows, is not for the other side: nothing is walked any more
  };

  // Called in the order of the bytes; must not destroy the walker, nor call it.
  class Visitor {
   public:
    // A data frame's header; or that of a control frame which is too long to be one (5.5).
    virtual Pass on_frame(const FrameHeader& header) = 0;
    // A whole control frame, its payload unmasked; only `on`, `drop` and `stop` are answers here.
    virtual Pass on_control(const FrameHeader& header, std::string_view payload) = 0;
    // A piece of a taken frame's payload, still masked. `offset` is its place in the payload; `end`: there is
    // no more of it. Called at least once for each frame.
    virtual void on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) = 0;
    // Bytes of frames that go on.
    virtual void on_passed(base::Bytes bytes) = 0;

   protected:
    ~Visitor() = default;
  };

  // Returns how many of the bytes it is done with: all, but where a frame has to wait. The next walk begins
  // with those that are left, if there are any: the one that waits may be held here.
  size_t walk(base::Bytes bytes, Visitor& visitor);

  // Whether what has been passed on ends with a whole frame: a control frame of our own may be put in now.
  bool at_boundary() const { return remaining_ == 0 || pass_ != Pass::on; }
  // Whether it ends with a whole message: any frame of our own may be.
  bool between_messages() const { return at_boundary() && !in_message_; }
  // Whether it ends within the last frame of a message.
  bool in_last_frame() const { return !at_boundary() && header_.final && !header_.is_control(); }
  bool stopped() const { return pass_ == Pass::stop; }

 private:
  Pass begin_unit(const std::byte* unit, Visitor& visitor);
  bool holds_whole_unit() const;

  FrameHeader header_;      // of the current frame
  uint64_t remaining_ = 0;  // of its payload
  base::Chunk held_;
  Pass pass_ = Pass::on;
  bool in_message_ = false;  // a fragment passed that was not the last one
};

}  // namespace postern::websocket
