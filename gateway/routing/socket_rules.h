// What holds for the WebSockets of a route. Immutable; shared by the sockets that were opened under it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json_scanner.h"
#include "policy/rate_limit.h"
#include "websocket/endings.h"

namespace postern::routing {

// How much the gateway understands of the frames that pass. Each does what the one before it does.
enum class FrameMode : uint8_t {
  tunnel,   // bytes pass as they are; pings, Close frames and counts aside
  walk,     // headers are read and policed, payloads are skipped
  inspect,  // messages are read
};

// How an upgrade is refused.
enum class RefusalForm : uint8_t {
  automatic,  // a page is told by a Close frame, others by a status
  status,
  close,  // all are told by a Close frame
};

// What becomes of a message that a rule does not let through.
enum class OnViolation : uint8_t {
  close,  // the socket ends
  drop,   // the message vanishes
  slow,   // it waits, and so does all behind it; for rates alone
};

// What becomes of messages that a client does not take in time.
enum class OnSlowReader : uint8_t { pause, drop_oldest, keep_latest, close };

struct MessageRate {
  double per_second = 0;  // 0: any
  double burst = 0;
};

// Of what one side sends.
struct MessageRules {
  bool any = true;  // false: this side may send no messages at all
  // Bytes, as they are on the wire and, where read, inflated; 0: any.
  uint64_t message_size = 0;
  // From its first frame to its end, where messages are read.
  base::Duration message_timeout = std::chrono::seconds(60);
  uint32_t fragments = 0;  // frames of one message; 0: any
  // The kinds that may be sent.
  bool text = true;
  bool binary = true;
  // How many of them, and how many bytes of frames.
  MessageRate messages{};
  MessageRate bytes{};
  OnViolation on_rate = OnViolation::close;
  // Only messages whose field has one of these values pass, and the first of each socket where that is so.
  std::optional<base::JsonPath> type_field{};
  std::vector<std::string> types{};
  bool first_passes = false;
  OnViolation on_type = OnViolation::drop;

  bool reads_content() const { return !types.empty(); }
  bool reads_headers() const {
    return !any || message_size != 0 || fragments != 0 || !text || !binary || messages.per_second != 0 ||
           bytes.per_second != 0;
  }
};

struct Heartbeat {
  base::Duration interval{};  // without a message that went on to the client
  std::string message;        // text
};

// Where new sockets stand in line, whichever worker they came to. Any thread.
struct AdmissionLine {
  // When the whole burst may be let in again, in nanoseconds on the clock of base::Instant.
  std::atomic<int64_t> full_at{0};

  // The line goes on where another one is.
  void follow(const AdmissionLine& other) {
    const int64_t reached = other.full_at;
    for (int64_t mine = full_at; mine < reached && !full_at.compare_exchange_weak(mine, reached);) {
    }
  }
};

// How fast new sockets are let in: those that come faster wait for their turn, if it comes in time.
struct Admission {
  double per_second = 0;
  double burst = 1;
  base::Duration wait{};
  std::shared_ptr<AdmissionLine> line{};  // of the route; never null once compiled
};

struct SocketRules {
  FrameMode mode = FrameMode::tunnel;
  RefusalForm refuse = RefusalForm::automatic;
  websocket::CloseCodes codes{};
  // For an endpoint that was reached to answer an upgrade; base::no_limit: its upstream's limit alone.
  base::Duration handshake_timeout = std::chrono::seconds(10);
  base::Duration ping_interval = std::chrono::seconds(25);  // base::no_limit: no pings
  base::Duration pong_timeout = std::chrono::seconds(20);
  bool ends_with_token = true;
  std::optional<Heartbeat> heartbeat{};
  MessageRules from_client{};
  // Limits that a client's sockets share, with each other or with more: by messages, and by KiB of them. They
  // do what from_client.on_rate says.
  std::vector<policy::RateLimitRule> message_limits{};
  std::vector<policy::RateLimitRule> byte_limits{};
  MessageRules from_upstream{};
  OnSlowReader on_slow_reader = OnSlowReader::pause;
  // For keep_latest: messages with the same value replace each other.
  std::optional<base::JsonPath> latest_field{};
  uint64_t buffer = 64 * 1024;  // bytes that wait for a client
  std::optional<Admission> admission{};
  bool compression = true;         // inspected: with the client, where it offers it
  bool passes_compression = true;  // an offer goes on to the endpoint: no rule is in its way
};

}  // namespace postern::routing
