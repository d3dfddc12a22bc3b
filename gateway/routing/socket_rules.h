// The rules for the WebSockets of a route. Immutable; shared by the sockets that were opened under them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json_scanner.h"
#include "policy/message_token.h"
#include "policy/rate_limit.h"
#include "websocket/dialect.h"
#include "websocket/endings.h"

namespace postern::routing {

// How much of the frames the gateway interprets. Each mode includes the one before it.
enum class FrameMode : uint8_t {
  tunnel,   // bytes pass unchanged; only pings, Close frames and counts are handled
  walk,     // headers are parsed and checked, payloads are skipped
  inspect,  // messages are read
};

// How an upgrade is refused.
enum class RefusalForm : uint8_t {
  automatic,  // by a Close frame for pages, by a status for others
  status,
  close,  // by a Close frame for all
};

// What happens to a message that a rule does not allow.
enum class OnViolation : uint8_t {
  close,  // the socket is closed
  drop,   // the message is dropped
  slow,   // it waits, and so does all after it; for rates only
};

// What happens to messages when a client reads too slowly.
enum class OnSlowReader : uint8_t { pause, drop_oldest, keep_latest, close };

struct MessageRate {
  double per_second = 0;  // 0: no limit
  double burst = 0;
};

// Rules for the messages of one side.
struct MessageRules {
  bool any = true;  // false: this side may send no messages at all
  // Bytes on the wire and, where messages are read, after decompression; 0: no limit.
  uint64_t message_size = 0;
  // From the first frame of a message to its end, where messages are read.
  base::Duration message_timeout = std::chrono::seconds(60);
  uint32_t fragments = 0;  // frames of one message; 0: no limit
  // Which kinds of messages are allowed.
  bool text = true;
  bool binary = true;
  // Limits on the number of messages and on the bytes of frames.
  MessageRate messages{};
  MessageRate bytes{};
  OnViolation on_rate = OnViolation::close;
  // Only messages whose field has one of these values pass; with `first_passes` the first message of each
  // socket passes too.
  std::optional<base::JsonPath> type_field{};
  std::vector<std::string> types{};
  bool first_passes = false;
  OnViolation on_type = OnViolation::drop;
  // Reads the parts of messages that rules ask for; null: they ask for none. It is made of type_field and,
  // for what endpoints send, of latest_field.
  std::shared_ptr<const websocket::Dialect> dialect{};

  bool reads_content() const { return !types.empty(); }
  bool reads_headers() const {
    return !any || message_size != 0 || fragments != 0 || !text || !binary || messages.per_second != 0 ||
           bytes.per_second != 0;
  }
};

struct Heartbeat {
  base::Duration interval{};  // without a message forwarded to the client
  std::string message;        // sent as a text message
};

// Tells a page that its token is about to expire, so that it can get another one.
struct ExpiryNotice {
  base::Duration before{};
  std::string message;  // sent as a text message
};

// A message by which a client gives a newer token to its own socket.
struct RenewalMessage {
  policy::MessageForm form{.kind = policy::MessageForm::Kind::json};
  bool passes = false;  // the endpoint gets it as well
};

// The rate at which new sockets are admitted. Faster ones wait for their turn, if it comes before their
// deadline.
struct Admission {
  double per_second = 0;
  double burst = 1;
  base::Duration wait{};
  size_t line = 0;  // index into state::Names::admission_lines
};

struct SocketRules {
  FrameMode mode = FrameMode::tunnel;
  RefusalForm refuse = RefusalForm::automatic;
  websocket::CloseCodes codes{};
  // The time for an endpoint to answer an upgrade after the connection was made; base::no_limit: only the
  // upstream's limit applies.
  base::Duration handshake_timeout = std::chrono::seconds(10);
  base::Duration ping_interval = std::chrono::seconds(25);  // base::no_limit: no pings
  base::Duration pong_timeout = std::chrono::seconds(20);
  bool ends_with_token = true;
  base::Duration token_grace{};  // how long it stays open after that
  std::optional<ExpiryNotice> expiry_notice{};
  std::optional<RenewalMessage> renewal_message{};
  base::Duration max_age = base::no_limit;  // how long a socket may be open
  std::optional<Heartbeat> heartbeat{};
  MessageRules from_client{};
  // Limits that a client's sockets share with each other, or with other sockets: in messages, and in KiB of
  // messages. from_client.on_rate decides what happens beyond them.
  std::vector<policy::RateLimitRule> message_limits{};
  std::vector<policy::RateLimitRule> byte_limits{};
  MessageRules from_upstream{};
  OnSlowReader on_slow_reader = OnSlowReader::pause;
  // For keep_latest: a message replaces an older one with the same value of this field.
  std::optional<base::JsonPath> latest_field{};
  uint64_t buffer = 64 * 1024;  // bytes that may wait for a client
  std::optional<Admission> admission{};
  bool compression = true;         // with frame mode `inspect`: used with clients that offer it
  bool passes_compression = true;  // an offer is forwarded to the endpoint: no rule forbids it
};

}  // namespace postern::routing
