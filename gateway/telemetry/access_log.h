// The access log: one line per exchange, two per tunnel, and two per response that stays open. Records are
// plain values that the proxy fills in. Their texts are views that must be valid until the line is rendered;
// any of them may come from a peer and is escaped here. Secrets are not detected here: the caller must redact
// the target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/error_fwd.h"
#include "base/text_builder.h"
#include "telemetry/deviation.h"
#include "telemetry/line_rate.h"
#include "telemetry/log_line.h"
#include "telemetry/log_sink.h"
#include "telemetry/reported_rule.h"

namespace postern::telemetry {

// Why an exchange failed. The fault, remedy and level of the line come from the error table.
struct Failure {
  base::Error error{};
  std::string_view detail{};     // the particulars, as a sentence for people; empty: none
  std::string_view offending{};  // the refused bytes: escaped, cut and without secrets; empty: none
};

// An upgrade that was refused with a Close frame, after a 101.
struct RefusedSocket {
  uint16_t close_code = 0;
  uint16_t status = 0;        // the HTTP status with the same meaning
  std::string_view detail{};  // what gave the answer, when nothing failed
};

// An attempt at an endpoint that did not produce the answer.
struct FailedAttempt {
  std::string_view endpoint{};
  std::string_view cause{};   // the label of a base::Cause, or the status that was not accepted
  std::string_view detail{};  // the particulars, as a sentence for people; empty: none
};

// A response that deviates from HTTP and was forwarded; see finding.h.
struct DeviationRecord {
  Deviation deviation{};
  std::string_view request_id{};
  std::string_view upstream{};
  std::string_view endpoint{};
  std::string_view offending{};  // as in Failure
};

// A request that passed although a rule, which reports only, would have refused it.
struct WouldRefuseRecord {
  ReportedRule rule{};
  base::Cause cause{};        // of the refusal
  std::string_view detail{};  // the particulars, as a sentence for people
  std::string_view request_id{};
  std::string_view client{};
  std::string_view method{};
  std::string_view host{};
  std::string_view target{};  // redacted
  std::string_view route{};
};

// What the log says of a verified token, as far as log.token names it. An empty text is left out.
struct TokenRecord {
  std::string_view provider{};      // the name in jwt
  std::string_view subject{};       // the claim sub
  std::string_view subject_hash{};  // of it
  std::string_view id{};            // the claim jti
  std::string_view rule{};          // the rule of required_claims that has refused the token
};

// What the log says of the certificate of a client, as far as log.client_certificate names it. An empty text
// is left out.
struct CertificateRecord {
  std::string_view subject{};
  std::string_view alternative_names{};  // separated by commas
  std::string_view serial{};
  std::string_view fingerprint{};
};

// What became of a logout that the gateway took part in. The names of users and sessions are not logged.
struct LogoutRecord {
  enum class Outcome : uint8_t {
    revoked,
    full,     // the table of revocations is
    unnamed,  // the token has nothing to name its session by
  };
  Outcome outcome = Outcome::revoked;
  std::string_view by{};     // the key of the route: "logout" or "backchannel_logout"
  std::string_view named{};  // the claim by which tokens are revoked; empty: none
  std::string_view route{};
  std::string_view request_id{};
};

// A newer token of a session, and what it has renewed.
struct RenewalRecord {
  std::string_view by{};      // the key that has taken the token: renew, refresh_calls or renewal_message
  uint64_t connections = 0;   // WebSockets and event streams
  std::string_view detail{};  // why it has renewed nothing; empty: it has
  std::string_view route{};
  std::string_view request_id{};
};

// The duration of each stage; nothing for a stage that did not happen.
struct ExchangeStages {
  std::optional<base::Duration> policy{};
  // The time waited in the queue and until an endpoint could be reached, failed attempts included.
  std::optional<base::Duration> held{};
  std::optional<base::Duration> connect{};
  std::optional<base::Duration> response_head{};
  std::optional<base::Duration> body{};
};

// The state, or the end, of an event stream or of another response that stays open.
struct StreamRecord {
  bool of_events = true;  // text/event-stream
  base::Side by = base::Side::upstream;
  std::string_view meaning{};  // one sentence for people
  uint64_t events = 0;         // sent by the endpoint; whole events, where they can be parsed
  uint64_t comments = 0;       // sent by the gateway
  base::Duration upstream_quiet{};
};

// An empty text means unknown or not applicable: null in JSON, "-" in text.
struct ExchangeRecord {
  std::string_view request_id{};
  std::string_view client{};  // address without port; one text per connection
  std::string_view method{};
  std::string_view host{};
  std::string_view target{};     // redacted
  std::string_view rewritten{};  // the endpoint's target, redacted; empty: the same
  std::string_view version{};    // "1.1"
  std::string_view route{};
  std::string_view upstream{};
  std::string_view endpoint{};
  std::string_view user_agent{};
  TokenRecord token{};
  CertificateRecord certificate{};
  uint32_t attempts = 0;  // 0: no upstream was tried
  // The attempts before the last, as many as were recorded.
  std::span<const FailedAttempt> failed_attempts{};
  uint16_t status = 0;  // 0: no response was started
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
  TokenRecord token{};
  CertificateRecord certificate{};
  base::Duration handshake_duration{};
  std::optional<base::Duration> held_duration{};  // part of it; see ExchangeStages::held
};

// How a tunnel ended.
struct TunnelEnd {
  base::Side by = base::Side::client;
  std::string_view cause{};              // the label of a base::Cause; empty: a clean close
  std::string_view meaning{};            // one sentence for people
  std::optional<base::Error> failure{};  // gives the line its level, fault and remedy
  uint16_t close_code = 1006;            // as the client received it; 1006: it received no Close frame
  std::string_view close_reason{};
  std::string_view rule{};  // the rule that was broken; empty: none
  uint64_t bytes_to_client = 0;
  uint64_t bytes_to_upstream = 0;
  uint64_t messages_to_client = 0;
  uint64_t messages_to_upstream = 0;
  uint64_t messages_dropped = 0;  // by a rule, or as the client did not read; not counted above
  base::Duration client_quiet{};  // since the last bytes from the client
  base::Duration upstream_quiet{};
  base::Duration duration{};  // since it opened
};

// A text that a peer chose is cut in a log line when it is longer than this.
inline constexpr size_t logged_text_max = 2048;

// Each appends one whole line, without allocating once `out` is large enough.
//   exchange 200 GET     example.com /api/x 1.234ms ...    (text: columns first, then name=value)
void append_exchange(base::TextBuilder& out, LogFormat format, WallTime time, const ExchangeRecord& record);
// Appends the line of a response that stays open, with what is known so far.
void append_stream_open(base::TextBuilder& out, LogFormat format, WallTime time,
                        const ExchangeRecord& record);
void append_tunnel_open(base::TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record);
void append_tunnel_close(base::TextBuilder& out, LogFormat format, WallTime time, const TunnelRecord& record,
                         const TunnelEnd& end);
void append_silent_route(base::TextBuilder& out, LogFormat format, WallTime time, std::string_view route,
                         uint32_t sockets, base::Duration quiet);
void append_deviation(base::TextBuilder& out, LogFormat format, WallTime time, const DeviationRecord& record);
// `events`: how many such requests the line stands for, this one included.
void append_would_refuse(base::TextBuilder& out, LogFormat format, WallTime time,
                         const WouldRefuseRecord& record, uint64_t events);
void append_logout(base::TextBuilder& out, LogFormat format, WallTime time, const LogoutRecord& record);
void append_renewal(base::TextBuilder& out, LogFormat format, WallTime time, const RenewalRecord& record);

// Renders records and passes the lines to the sink, buffered at every level: a peer that provokes failures
// must not cause one write for each. One per thread, because lines are built in its buffer.
class AccessLog {
 public:
  AccessLog(LogSink& sink, LogFormat format, WallClock clock = &wall_time_now)
      : sink_(sink), format_(format), clock_(clock) {}

  // A record with `stream` is the end of a response that stream_open() reported: the line is called
  // stream_close.
  void exchange(const ExchangeRecord& record);
  void stream_open(const ExchangeRecord& record);
  void tunnel_open(const TunnelRecord& record);
  void tunnel_close(const TunnelRecord& record, const TunnelEnd& end);
  // A finding: `sockets` of the route are open, each of them has received something from its endpoint, and
  // none has for `quiet`.
  void silent_route(std::string_view route, uint32_t sockets, base::Duration quiet);
  // A finding.
  void deviation(const DeviationRecord& record);
  // Writes a limited number of lines in a second; the next line says how many requests it stands for.
  void would_refuse(const WouldRefuseRecord& record, base::Instant now);
  void logout(const LogoutRecord& record);
  void renewal(const RenewalRecord& record);

 private:
  void send();

  LogSink& sink_;
  LogFormat format_;
  WallClock clock_;
  base::TextBuilder line_;
  LineRate would_refuse_rate_{20};
};

}  // namespace postern::telemetry
