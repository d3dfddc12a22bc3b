// What a route's rules make of the messages that one side of a socket sends. Beside a FrameWalker: it decides
// about each frame, and where messages are read, about each message. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/turn.h"
#include "routing/socket_rules.h"
#include "websocket/deflate.h"
#include "websocket/frame_order.h"
#include "websocket/frame_walker.h"
#include "websocket/message_reader.h"

namespace postern::proxy {

class MessageGuard {
 public:
  // Why the socket has to end.
  struct Violation {
    base::Cause cause{};
    uint16_t code = 0;        // for the side that sent it
    std::string_view rule{};  // of WebSocket, or as the configuration names it; as long as the guard lives
  };

  // A limit that this socket shares with others.
  struct SharedLimit {
    std::shared_ptr<policy::RateLimiter> limiter;
    policy::RateLimiter::Key key = 0;
    bool of_bytes = false;  // it counts KiB, not messages
  };

  // Takes the messages that were read and that go on.
  class Receiver {
   public:
    // `type`: the text at SocketRules::latest_field, empty where it was not asked for or is not there.
    virtual void on_message(websocket::Opcode kind, std::string_view message, std::string_view type) = 0;

   protected:
    ~Receiver() = default;
  };

  // `sender` is client or upstream. `rules` and `turn` outlive it, and so does `deflate`, null where this
  // side was not granted compression.
  MessageGuard(const routing::SocketRules& rules, base::Side sender, bool compressed_frames,
               websocket::Deflate* deflate, base::Turn& turn, const std::vector<SharedLimit>& limits);
  ~MessageGuard() { give_back(); }
  MessageGuard(const MessageGuard&) = delete;
  MessageGuard& operator=(const MessageGuard&) = delete;

  // As FrameWalker::Visitor asks; `wait` before wait_until(), `stop` when there is a violation().
  websocket::FrameWalker::Pass on_frame(const websocket::FrameHeader& header);
  // One that its sender's rate does not let pass is to be dropped; it never waits, what comes behind it does.
  websocket::FrameWalker::Pass on_control(const websocket::FrameHeader& header, std::string_view payload);
  void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset, bool end,
                  Receiver& receiver);

  // Whether it takes messages out of their frames, and sends on what they hold.
  bool reads() const { return reads_; }
  const std::optional<Violation>& violation() const { return violation_; }
  // Until then no frame of a message passes; a rate says so.
  base::Instant wait_until() const { return wait_until_; }
  // When the message that is being read has to be whole; nothing: there is none, or no limit.
  std::optional<base::Instant> due() const;
  // It was not: there is a violation.
  void refuse_late();
  // Time in which its sender could send nothing is not counted.
  void prolong() {
    if (begun_) begun_ = turn_.now;
  }
  // How many messages were dropped since it was asked last.
  uint64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  // What has been used of a MessageRate.
  struct Bucket {
    double level = 0;
    base::Instant at{};
    // Adds `amount`, and gives how much is above the burst.
    double add(const routing::MessageRate& rate, double amount, base::Instant now);
  };
  // What a frame takes of shared limits.
  struct Amounts {
    uint32_t messages = 0;
    uint32_t kibibytes = 0;
    uint32_t of(const SharedLimit& limit) const { return limit.of_bytes ? kibibytes : messages; }
  };
  enum class Charge : uint8_t {
    passes,  // though what comes next may have to wait
    early,   // its turn in the line of a shared limit comes later
    drop,
    refused,  // there is a violation
  };
  using Pass = websocket::FrameWalker::Pass;

  bool begin_message(const websocket::FrameHeader& header);
  Charge charge(uint32_t messages, uint64_t bytes, bool droppable);
  Charge charge_rate(const routing::MessageRate& rate, Bucket& bucket, double amount, bool droppable,
                     std::string_view key);
  Charge charge_limits(uint32_t messages, uint64_t bytes, bool droppable);
  Charge book(const Amounts& amounts);
  void give_back();
  Charge exceed(base::Duration wait, bool droppable);
  Charge charge_passing(uint64_t bytes);
  bool charge_expanded();
  Pass admit_frame(const websocket::FrameHeader& header);
  bool type_passes(std::string_view message);
  Pass refuse(const websocket::Fault& fault);
  bool violate(websocket::Ending ending, std::string rule);
  std::string own_rule(std::string_view key) const;
  const routing::MessageRules& mine() const {
    return sender_ == base::Side::client ? rules_.from_client : rules_.from_upstream;
  }

  const routing::SocketRules& rules_;
  base::Turn& turn_;
  std::vector<SharedLimit> limits_;
  base::Side sender_;
  bool reads_;
  websocket::FrameOrder order_;
  websocket::MessageReader reader_;
  uint64_t message_bytes_ = 0;  // of the message so far, as they came
  uint32_t frames_ = 0;
  bool dropping_ = false;                 // the message
  std::optional<base::Instant> begun_{};  // the message, where it is read
  bool first_ = true;                     // no message has passed yet
  Bucket messages_;
  Bucket bytes_;
  base::Instant wait_until_{};
  std::optional<Amounts> booked_;  // by a frame that waits for its turn
  uint32_t paid_bytes_ = 0;        // what is left of the KiB that was taken of shared limits last
  uint64_t dropped_ = 0;
  std::optional<Violation> violation_;
  std::string rule_;  // that the violation names, where it is the configuration's
};

}  // namespace postern::proxy
