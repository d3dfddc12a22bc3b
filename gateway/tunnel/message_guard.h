// Applies a route's rules to the messages that one side of a WebSocket sends. It works beside a FrameWalker:
// it decides about each frame, and, if messages are read, about each message. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error_fwd.h"
#include "base/turn.h"
#include "routing/socket_rules.h"
#include "tunnel/frame_rates.h"
#include "tunnel/shared_limit.h"
#include "tunnel/violation.h"
#include "websocket/deflate.h"
#include "websocket/dialect.h"
#include "websocket/frame_order.h"
#include "websocket/frame_walker.h"
#include "websocket/message_reader.h"

namespace postern::tunnel {

class MessageGuard {
 public:
  // Receives what comes of the frames.
  class Receiver {
   public:
    // A message was read and is forwarded. `view`: what it says about itself.
    virtual void on_message(websocket::Opcode kind, std::string_view message,
                            const websocket::MessageView& view) = 0;
    // A message was read that renews the token (SocketRules::renewal_message). False: none is taken, and the
    // message is one like all others.
    virtual bool on_token(std::string_view token) = 0;
    // The socket has to be closed. The guard must not be asked about anything afterwards.
    virtual void on_violation(Violation violation) = 0;

   protected:
    ~Receiver() = default;
  };

  // `sender` is client or upstream. `receiver`, `rules`, `turn` and `deflate` outlive the guard; `deflate` is
  // null if no compression was agreed with this side.
  MessageGuard(Receiver& receiver, const routing::SocketRules& rules, base::Side sender,
               bool compressed_frames, websocket::Deflate* deflate, base::Turn& turn,
               const std::vector<SharedLimit>& limits);
  MessageGuard(const MessageGuard&) = delete;
  MessageGuard& operator=(const MessageGuard&) = delete;

  // What the rules say of a frame: `on` or `take` where it passes, `wait` until wait_until(), `stop` behind
  // an on_violation(). `control` is the payload of a whole control frame, null for any other. A control frame
  // never waits, but the frames behind it do; one that exceeds its sender's rate is dropped.
  websocket::FrameWalker::Pass check(const websocket::FrameHeader& header, const std::string_view* control);
  void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset, bool end);

  // The first message has a token that was judged already: it renews nothing.
  void pass_first_token() { first_is_judged_ = true; }

  // Whether messages are taken out of their frames and forwarded from their content.
  bool reads() const { return reads_; }
  // Until then a rate limit lets no frame of a message pass.
  base::Instant wait_until() const { return rates_.wait_until(); }
  // The deadline of the message that is being read; nullopt if there is no such message, or no limit.
  std::optional<base::Instant> due() const;
  // Called when that deadline has passed: a violation.
  void refuse_late();
  // Restarts the deadline, so that the time in which the sender could send nothing is not counted.
  void prolong() {
    if (begun_) begun_ = turn_.now;
  }
  // The number of messages dropped since the last call.
  uint64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  using Pass = websocket::FrameWalker::Pass;

  Pass check_control(const websocket::FrameHeader& header, std::string_view payload);
  bool begin_message(const websocket::FrameHeader& header);
  bool charge_expanded();
  bool take_renewal();
  Pass admit_frame(const websocket::FrameHeader& header);
  bool type_passes(const websocket::MessageView& view);
  Pass refuse(const websocket::Fault& fault);
  bool violate(websocket::Ending ending, const std::string& rule);
  bool violate_own(websocket::Ending ending, std::string_view key);
  bool pays(FrameRates::Charge charged);
  const routing::MessageRules& mine() const {
    return sender_ == base::Side::client ? rules_.from_client : rules_.from_upstream;
  }

  Receiver& receiver_;
  const routing::SocketRules& rules_;
  base::Turn& turn_;
  base::Side sender_;
  bool reads_;
  websocket::FrameOrder order_;
  websocket::MessageReader reader_;
  FrameRates rates_;
  uint64_t message_bytes_ = 0;  // bytes of the current message so far, as received
  uint32_t frames_ = 0;
  bool dropping_ = false;                 // the current message
  std::optional<base::Instant> begun_{};  // when the current message began, if messages are read
  bool first_ = true;                     // no message has passed yet
  bool first_is_judged_ = false;
  uint64_t dropped_ = 0;
};

}  // namespace postern::tunnel
