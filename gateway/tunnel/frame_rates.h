// The rates that the frames of one side of a WebSocket count against: those of its route's rules, and the
// limits that it shares with other sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_fwd.h"
#include "base/turn.h"
#include "routing/socket_rules.h"
#include "tunnel/shared_limit.h"

namespace postern::tunnel {

// The key of one side's rules as it is written in the route's websocket section.
std::string key_of_side(base::Side sender, std::string_view key);

class FrameRates {
 public:
  enum class Charge : uint8_t {
    passes,  // although the next frame may have to wait
    early,   // its turn in the queue of a shared limit comes later
    drop,
    refused,  // the socket has to be closed, see broken_rule()
  };

  // `rules` are those of the side `sender`; they and `turn` outlive this.
  FrameRates(const routing::MessageRules& rules, base::Side sender, base::Turn& turn,
             const std::vector<SharedLimit>& limits);
  // Frees the place of a socket that ends while it waits.
  ~FrameRates();
  FrameRates(const FrameRates&) = delete;
  FrameRates& operator=(const FrameRates&) = delete;

  // Counts what passes against all rates, one after the other. The rate that drops something does not count
  // it; those before it do. `droppable`: where the rules say so, it may be dropped; otherwise it is refused.
  // After `early`, the same frame is offered again from wait_until() on, with take_turn() and not with this.
  Charge charge(uint32_t messages, uint64_t bytes, bool droppable);
  // Charges what can no longer be held back; the next frame waits instead. May drop and refuse, too. Not to
  // be called between `early` and take_turn().
  Charge charge_passing(uint64_t bytes);

  // Until then no frame of a message passes.
  base::Instant wait_until() const { return wait_until_; }
  // True once for a frame that was early, when its turn has come: it is charged already.
  bool take_turn() { return std::exchange(booked_, std::nullopt).has_value(); }
  // The rule that refused, for the log and the Close frame.
  const std::string& broken_rule() const { return broken_rule_; }

 private:
  // The fill level of a MessageRate's token bucket.
  struct Bucket {
    double level = 0;
    base::Instant at{};
    // Adds `amount`, and returns by how much the level exceeds the burst.
    double add(const routing::MessageRate& rate, double amount, base::Instant now);
  };
  // The amounts that a frame takes from shared limits.
  struct Amounts {
    uint32_t messages = 0;
    uint32_t kibibytes = 0;
    uint32_t of(const SharedLimit& limit) const { return limit.of_bytes ? kibibytes : messages; }
  };

  Charge charge_rate(const routing::MessageRate& rate, Bucket& bucket, double amount, bool droppable,
                     std::string_view key);
  Charge charge_limits(uint32_t messages, uint64_t bytes, bool droppable);
  Charge book(const Amounts& amounts);
  Charge exceed(base::Duration wait, bool droppable);

  const routing::MessageRules& rules_;
  const base::Side sender_;
  base::Turn& turn_;
  const std::vector<SharedLimit> limits_;
  Bucket messages_;
  Bucket bytes_;
  base::Instant wait_until_{};
  std::optional<Amounts> booked_;  // by a frame that waits for its turn
  uint32_t paid_bytes_ = 0;        // the rest of the KiB last taken from shared limits
  std::string broken_rule_;
};

}  // namespace postern::tunnel
