// The proxy module knows the coroutine of a request; it is the one module that uses several others. It
// provides the exchange, and the tunnel that an exchange may become. It must not know listeners, threads or
// YAML.
//
// An exchange answers one stream in every case: five steps in exchange.cpp, then it waits until the last byte
// of the answer was written, then it writes a record of the result.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/pump.h"
#include "base/scope.h"
#include "base/task.h"
#include "coding/negotiation.h"
#include "http/fault.h"
#include "http/stream.h"
#include "policy/request_context.h"
#include "proxy/attempt.h"
#include "proxy/event_stream.h"
#include "proxy/replay.h"
#include "proxy/request_rewrite.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "tunnel/shared_limit.h"
#include "upstream/hold_queue.h"

namespace postern::proxy {

struct Outcome {
  bool tunnelled = false;  // the stream's connection was handed to a tunnel
};

class Exchange : public base::Pooled {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  // `stream` and `services` outlive the exchange. `limits` are copied; they are those of the listener that
  // accepted the client.
  Exchange(Services& services, Pin pin, http::ServerStream& stream, const routing::TransferLimits& limits);
  ~Exchange();

  // Serves a request that was read.
  base::Task<Outcome> run();
  // Answers a request that could not be read; the stream says why.
  base::Task<Outcome> refuse();

  // The client left, or the worker shuts down: every wait fails with this cause, and the coroutine returns.
  void cancel(base::Cause why);
  // The client has ended its direction. It may wait for its answer, or it may be gone: both look the same
  // until something is written to it. Where nothing may be written for a long time (for a WebSocket or an
  // event stream while no endpoint is available), the client is assumed to be gone.
  void client_ended();

 private:
  // The time limit for the endpoint's response head. It runs from begin() until this object is destroyed.
  struct HeadLimit {
    explicit HeadLimit(Exchange& the_exchange) : exchange(the_exchange) { exchange.head_limit_ = this; }
    ~HeadLimit() { exchange.head_limit_ = nullptr; }
    HeadLimit(const HeadLimit&) = delete;
    HeadLimit& operator=(const HeadLimit&) = delete;
    void begin() {
      const base::Duration handshake =
          exchange.is_socket_ ? exchange.socket_rules().handshake_timeout : base::no_limit;
      const bool is_shorter = handshake < exchange.group_->response_limit;
      phase.emplace(exchange.scope_, base::Stage::response_head,
                    is_shorter ? handshake : exchange.group_->response_limit,
                    is_shorter ? base::Cause::upstream_upgrade_unanswered : base::Cause::upstream_timed_out);
    }
    Exchange& exchange;
    std::optional<base::Phase> phase;
  };

  // Exists while a request waits in a queue for an endpoint.
  struct InLine {
    explicit InLine(Exchange& the_exchange);
    ~InLine() { exchange.in_line_ = false; }
    InLine(const InLine&) = delete;
    InLine& operator=(const InLine&) = delete;
    Exchange& exchange;
  };

  base::Task<base::Result<void>> serve();
  base::Task<base::Result<void>> hand_over();
  base::Task<Outcome> conclude();
  base::Task<base::Result<Attempt>> send_with_retries(upstream::Group& group);
  base::Task<base::Result<void>> send_once(upstream::Group& group, size_t index, Attempt& attempt);
  base::Task<base::Result<void>> await_head(Attempt& attempt);
  base::Task<base::Result<void>> hold(upstream::Group& group,
                                      std::optional<upstream::HoldQueue::Ticket>& ticket);
  base::Task<base::Result<void>> copy_response(Attempt& attempt, coding::Encoder* encoder);
  base::Task<base::Result<base::Pumped>> pump_body(Attempt& attempt, coding::Encoder* encoder,
                                                   const base::PumpLimits& limits);
  base::Task<base::Result<void>> upload(upstream::Group& group, http::UpstreamStream& to);

  base::Result<void> read_request();
  base::Result<void> read_judged_target();
  base::Result<void> find_route();
  base::Result<void> need_normal_path(std::string_view what);
  routing::Match match_reading(std::string_view host, std::string_view path) const;
  tl::expected<routing::Match, std::string> match_path(std::string_view host);
  tl::expected<routing::Match, std::string> match_strict_path(std::string_view host);
  base::Result<void> redirect_if_asked();
  void keep_for_replay(upstream::Group& group);
  upstream::Pick next_endpoint(upstream::Group& group, RetryState& retry);
  upstream::Pick admit(upstream::Group& group, RetryState& retry, upstream::Pick pick);
  base::Task<base::Result<upstream::Pick>> wait_for_permit(upstream::Group& group, const RetryState& retry);
  bool is_settled(const RetryState& retry) const;
  upstream::RequestView view() const;
  std::optional<base::Instant> token_expires() const;
  void open_session();
  void keep_session(http::ResponseHead& head) const;
  bool should_retry(upstream::Group& group, size_t index, const Attempt& attempt,
                    const base::Result<void>& sent, RetryState& retry);
  base::Result<void> check_forwarding();
  void remember_attempt(const Attempt& attempt, const base::Result<void>& sent);
  void tell_all_attempts();
  void note_deviations(http::UpstreamStream& from) const;
  base::Result<void> prepare_request(const upstream::GroupModel& group);
  void describe_failure(const Attempt& attempt, base::Error error);
  std::string client_pace_detail(base::Error error) const;
  bool wants_events() const;
  base::PumpLimits response_limits(base::Duration source_idle) const;
  base::Task<base::Result<void>> serve_files(const files::Site& site);
  void finish_head(const Attempt& attempt, http::ResponseHead& head) const;
  base::Result<void> answer_locally();
  void note_encodings();
  std::unique_ptr<coding::Encoder> begin_encoding(std::optional<uint64_t> size,
                                                  http::ResponseHead& head) const;
  void answer(http::LocalResponse response);
  void answer_failure(base::Error error);
  void note_fault(const http::Fault& fault);
  base::Error failed(base::Cause cause, base::Stage stage, std::string_view detail);
  const telemetry::Series::Upstream& upstream_series() const;  // of group_
  void count_attempt(size_t endpoint) const;
  void count();
  void record();
  void tell(void (telemetry::AccessLog::*line)(const telemetry::ExchangeRecord&));
  std::string logged(std::string_view target) const;

  // Long-lived responses: exchange_streams.cpp.
  struct LongAnswer;
  base::Result<void> admit_stream(const http::ResponseHead& head);
  bool may_stay_open(const Attempt& attempt) const;
  void open_stream(const Attempt& attempt, bool of_events);
  base::Task<base::Result<base::Pumped>> copy_long_body(Attempt& attempt, coding::Encoder* encoder,
                                                        const base::PumpLimits& ordinary);
  void end_stream();
  telemetry::StreamRecord stream_record() const;

  // Values that the group learns: exchange_learned.cpp.
  void recall_endpoint(const upstream::Group& group);
  void note_learned(upstream::Group& group, const http::ResponseHead& head);

  // WebSockets: exchange_sockets.cpp.
  void note_handshake();
  base::Result<void> open_tunnel(Attempt& attempt);
  void note_shared_limits(bool by_claim);
  base::Task<base::Result<void>> admit_socket(const routing::Admission& rules);
  void prepare_socket(http::RequestHead& request) const;
  const routing::SocketRules& socket_rules() const;
  bool is_page() const { return stream_.request().headers.find(http::FieldId::origin) != nullptr; }
  // The wait limit for a page whose other sockets may be blocked behind this one.
  static constexpr base::Duration beside_others = std::chrono::milliseconds(900);
  base::Duration page_wait(base::Duration usual, base::Duration of_page) const;
  bool is_told_by_close(std::optional<base::Cause> cause);
  uint16_t refusal_code(uint16_t status) const;
  bool refuse_by_close(uint16_t status, std::optional<base::Cause> cause, std::string_view error,
                       std::string_view who);
  base::Task<base::Result<void>> tell_refusal();
  void note_negotiation();

  const Snapshot& snapshot() const { return *pin_->snapshot; }
  routing::TransferLimits limits() const {
    return route_ ? route_->limits.over(listener_limits_) : listener_limits_;
  }
  base::Duration since(base::Instant start) const { return services_.turn.now - start; }

  Services& services_;
  Pin pin_;
  http::ServerStream& stream_;
  const routing::TransferLimits listener_limits_;
  base::Scope scope_;
  base::Scope upload_scope_;
  const base::Instant started_;

  HeadLimit* head_limit_ = nullptr;  // set while a response head is awaited
  std::string_view request_id_;
  telemetry::RequestId made_id_;
  std::string_view original_target_;   // as the client sent it, for the log
  std::string_view rewritten_target_;  // sent to the endpoint, if the route's rewriting changed the target
  std::string_view authority_;
  std::string_view offered_protocols_;  // for a WebSocket, as the client sent them, each joined into one list
  std::string_view offered_extensions_;
  ClientIdentity client_;
  http::Target target_;
  std::optional<policy::RequestContext> context_;
  std::vector<tunnel::SharedLimit> shared_limits_;  // that the messages of the WebSocket count against
  const routing::Route* route_ = nullptr;
  const upstream::GroupModel* group_ = nullptr;
  const upstream::EndpointModel* endpoint_ = nullptr;
  coding::Request encodable_;  // what encodings the client accepts, on a route with compression

  std::optional<upstream::StickyCookie::Session> session_;  // from the client's session cookie
  bool session_waits_ = false;              // its endpoint is only at its limit: the session is kept
  std::string_view learned_value_;          // of the request, for a group that learns values
  std::optional<size_t> learned_endpoint_;  // the endpoint that issued it
  base::Instant held_since_{};
  std::optional<base::Instant> hold_until_;  // set while the request is held, and in its turns
  telemetry::ExchangeStages stages_;
  std::optional<base::Error> failure_;
  std::string detail_;                       // of the failure, or of a refused socket
  std::string offending_;                    // the malformed bytes, for the log
  std::unique_ptr<Replay> replay_;           // of the request body, if it may have to be sent again
  std::unique_ptr<LongAnswer> long_answer_;  // null: the response is not a long one
  uint32_t attempts_ = 0;
  // A failed attempt that was followed by another one, or would have been.
  struct FailedTry {
    uint32_t number = 0;
    const upstream::EndpointModel* endpoint = nullptr;
    std::string cause;  // the label of a base::Cause, or a status
    std::string detail;
  };
  static constexpr size_t failed_tries_max = 8;
  std::vector<FailedTry> failed_tries_;
  uint16_t status_ = 0;
  std::optional<telemetry::RefusedSocket> refused_socket_;  // by a Close frame
  std::string close_reason_;                                // of the Close frame to be sent
  base::Duration close_pause_{};                            // wait before the refused socket is opened
  bool is_socket_ = false;                                  // the request is a valid WebSocket handshake
  uint64_t request_bytes_ = 0;
  uint64_t response_bytes_ = 0;
  bool informed_ = false;  // the client has received an interim response
  bool answered_ = false;
  bool tunnelled_ = false;
  bool in_line_ = false;            // see InLine
  bool client_ended_ = false;       // the client has ended its direction
  bool answers_events_ = false;     // the response is an event stream
  base::Scope* sending_ = nullptr;  // set while the response is being handed to the client
};

}  // namespace postern::proxy
