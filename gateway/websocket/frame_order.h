// Checks that the frames of one direction obey RFC 6455 5. It is used together with a FrameWalker: each
// header and each Close frame is checked before it is forwarded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "websocket/frame.h"

namespace postern::websocket {

// A protocol violation: the close code to report it with, and the name of the broken rule for logs and
// metrics.
struct Fault {
  uint16_t code = close_code::protocol_error;
  std::string_view rule{};
  friend bool operator==(const Fault&, const Fault&) = default;
};

class FrameOrder {
 public:
  // `compression`: permessage-deflate was negotiated, so the first frame of a message may set RSV1 (RFC 7692
  // 6).
  explicit FrameOrder(Role sender, bool compression = false) : sender_(sender), compression_(compression) {}

  std::optional<Fault> check(const FrameHeader& header);
  static std::optional<Fault> check_close(std::string_view payload);

 private:
  Role sender_;
  bool compression_;
  bool in_message_ = false;
};

}  // namespace postern::websocket
