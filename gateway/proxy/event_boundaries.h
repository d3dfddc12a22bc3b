// A state machine that follows the bytes of an event stream (text/event-stream) to find the boundaries
// between events: only there may a comment be inserted or the stream be ended. An event ends with an empty
// line; lines end in CR LF, LF or CR (HTML, 9.2.5). Comment lines belong to no event. The bytes may be split
// at any position.
#pragma once

#include <cstdint>
#include <optional>

#include "base/chunk.h"

namespace postern::proxy {

class EventBoundaries {
 public:
  // The number of these bytes before the last boundary among them; nullopt if there is no boundary.
  std::optional<size_t> feed(base::Bytes bytes) {
    std::optional<size_t> last;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char byte = static_cast<char>(bytes[i]);
      const bool second_of_pair = byte == '\n' && after_cr_;
      after_cr_ = byte == '\r';
      if (byte == '\r' || byte == '\n') {
        if (!second_of_pair) end_line();
        if (between_events()) last = i + 1;
      } else if (line_is_empty_) {
        line_is_empty_ = false;
        if (byte != ':') in_event_ = true;
      }
    }
    return last;
  }
  bool between_events() const { return line_is_empty_ && !in_event_; }
  uint64_t events() const { return events_; }  // complete events

 private:
  void end_line() {
    if (line_is_empty_ && in_event_) {
      in_event_ = false;
      ++events_;
    }
    line_is_empty_ = true;
  }

  uint64_t events_ = 0;
  bool line_is_empty_ = true;
  bool in_event_ = false;
  bool after_cr_ = false;
};

}  // namespace postern::proxy
