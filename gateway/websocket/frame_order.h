// Whether the frames of one direction are what RFC 6455 5 allows there. Stands beside a FrameWalker: it is
// asked about each header and each Close before they go on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "websocket/frame.h"

namespace postern::websocket {

// What a side did wrong: the code that tells it, and a name of the rule for logs and metrics.
struct Fault {
  uint16_t code = close_code::protocol_error;
  std::string_view rule{};
  friend bool operator==(const Fault&, const Fault&) = default;
};

class FrameOrder {
 public:
  // `compression`: permessage-deflate was agreed on, so that the first frame of a message may have RSV1
  // (RFC 7692 6).
  explicit FrameOrder(Role sender, bool compression = false) : sender_(sender), compression_(compression) {}

  std::optional<Fault> check(const FrameHeader& header);
  static std::optional<Fault> check_close(std::string_view payload);

 private:
  Role sender_;
  bool compression_;
  bool in_message_ = false;
};

}  // namespace postern::websocket
