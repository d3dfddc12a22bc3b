// One line per exchange, two per tunnel and two per answer that stays open. The records are plain values that
// the proxy fills in; all texts are views that live until the line is rendered, and all of them may come from
// a peer: they are escaped here. Secrets are not found here: whoever fills in a target has redacted it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/text_builder.h"
#include "telemetry/deviation.h"
#include "telemetry/log_line.h"
#include "telemetry/log_sink.h"

namespace postern::telemetry {

// Why an exchange failed. Fault, remedy and level of the line come from the error table.
struct Failure {
  base::Error error{};
  std::string_view detail{};     // the particulars, in words; empty: none
  std::string_view offending{};  // the bytes that were refused, escaped, cut and without secrets; empty: none
};

// An upgrade that was refused by a Close frame, behind a 101.
struct RefusedSocket {
  uint16_t close_code = 0;
  uint16_t status = 0;        // that says the same
  std::string_view detail{};  // where nothing failed: who answered so
};

// A try at an endpoint that did not give the answer.
struct FailedAttempt {
  std::string_view endpoint{};
  std::string_view cause{};   // the label of a base::Cause, or the status that was not taken
  std::string_view detail{};  // the particulars, in words; empty: none
};

// A response that differs from HTTP, and was sent on; see finding.h.
struct DeviationRecord {
  Deviation deviation{};
  std::string_view request_id{};
  std::string_view upstream{};
  std::string_view endpoint{};
  std::string_view offending{};  // as in Failure
};

// How long each stage took; nothing for those that did not happen.
struct ExchangeStages {
  std::optional<base::Duration> policy{};
  // Until its turn had come, and an endpoint could be reached: failed tries included.
  std::optional<base::Duration> held{};
  std::optional<base::Duration> connect{};
  std::optional<base::Duration> response_head{};
  std::optional<base::Duration> body{};
};

// An event stream, or another answer that stays open: how it is, and where it has ended, how it did.
struct StreamRecord {
  bool of_events = true;  // text/event-stream
  base::Side by = base::Side::upstream;
  std::string_view meaning{};  // one sentence for people
  uint64_t events = 0;         // of the endpoint; whole ones, where they can be read
  uint64_t comments = 0;       // of the gateway
  base::Duration upstream_quiet{};
};

// An empty text is unknown or does not apply: null in JSON, "-" in text.
struct ExchangeRecord {
  std::string_view request_id{};
  std::string_view client{};  // address without port; one text per connection
  std::string_view method{};
  std::string_view host{};
  std::string_view target{};     // redacted
  std::string_view rewritten{};  // the endpoint's target, redacted; left out when it is the client's
  std::string_view version{};    // "1.1"
  std::string_view route{};
  std::string_view upstream{};
  std::string_view endpoint{};
  std::string_view user_agent{};
  uint32_t attempts = 0;  // 0: no upstream was asked
  // Those before the last, as many as are remembered.
  std::span<const FailedAttempt> failed_attempts{};
  uint16_t status = 0;  // 0: no response was begun
  bool tls = false;
  uint64_t request_bytes = 0;   // of the body
  uint64_t response_bytes = 0;  // of the body
  base::Duration duration{};
  ExchangeStages stages{};
  std::optional<Failure> failure{};
  std::optional<RefusedSocket> refused_socket{};
  std::optional<StreamRecord> stream{};
};

struct TunnelRecord {
  std::string_view request_id{};
  std::string_view client{};
  std::string_view host{};
  std::string_view target{};  // redacted
  std::string_view route{};
  std::string_view upstream{};
  std::string_view endpoint{};
  std::string_view subprotocol{};
  std::string_view rewritten{};  // as in ExchangeRecord
  base::Duration handshake_duration{};
  std::optional<base::Duration> held_duration{};  // part of it; see ExchangeStages::held
};

// How a tunnel ended.
struct TunnelEnd {
  base::Side by = base::Side::client;
  std::string_view cause{};              // the label of a base::Cause; empty: it was closed in good order
  std::string_view meaning{};            // one sentence for people
  std::optional<base::Error> failure{};  // gives the line its level, fault and remedy
  uint16_t close_code = 1006;            // as the client knows it; 1006: it saw no Close frame
  std::string_view close_reason{};
  std::string_view rule{};  // that was broken; empty: none
  uint64_t bytes_to_client = 0;
  uint64_t bytes_to_upstream = 0;
  uint64_t messages_to_client = 0;
  uint64_t messages_to_upstream = 0;
  uint64_t messages_dropped = 0;  // by a rule, or since the client did not read; not among those above
  base::Duration client_quiet{};  // since it was heard last
  base::Duration upstream_quiet{};
  base::Duration duration{};  // since it opened
};

// What a peer chose is cut in a line where it is longer.
inline constexpr size_t logged_text_max = 2048;

// Each appends one whole line, without allocating once `out` is large enough.
//   exchange 200 GET     example.com /api/x 1.234ms ...    (text: columns first, then name=value)
void append_exchange(base::TextBuilder& out, LogFormat format, WallTime time, const ExchangeRecord& record);
// Of one whose answer stays open, as far as it has come.
void append_stream_open(base::TextBuilder& out, LogFormat format, WallTime time,
                        const ExchangeRecord& record);
void append_tunnel_open(base::TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record);
void append_tunnel_close(base::TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record,
                         const TunnelEnd& end);
void append_silent_route(base::TextBuilder& out, LogFormat format, WallTime time, std::string_view route,
                         uint32_t sockets, base::Duration quiet);
void append_deviation(base::TextBuilder& out, LogFormat format, WallTime time, const DeviationRecord& record);

// Renders records and hands the lines to the sink, buffered at every level: a peer that provokes failures
// shall not cost a write for each. One per thread, since lines are made in its buffer.
class AccessLog {
 public:
  AccessLog(LogSink& sink, LogFormat format, WallClock clock = &wall_time_now)
      : sink_(sink), format_(format), clock_(clock) {}

  // With `stream`, the end of what stream_open() told of: a line of the name stream_close.
  void exchange(const ExchangeRecord& record);
  void stream_open(const ExchangeRecord& record);
  void tunnel_open(const TunnelRecord& record);
  void tunnel_close(const TunnelRecord& record, const TunnelEnd& end);
  // A finding: `sockets` of the route are open, all of them heard their endpoint once, none for `quiet`.
  void silent_route(std::string_view route, uint32_t sockets, base::Duration quiet);
  // A finding.
  void deviation(const DeviationRecord& record);

 private:
  void send();

  LogSink& sink_;
  LogFormat format_;
  WallClock clock_;
  base::TextBuilder line_;
};

}  // namespace postern::telemetry
