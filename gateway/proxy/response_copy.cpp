#include "proxy/response_copy.h"

#include "base/ascii.h"
#include "base/error.h"
#include "policy/socket_limit.h"
#include "proxy/response_rewrite.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;

namespace {

// A response without a length, of any type other than text/event-stream, becomes a long answer when it has
// been open for this time.
constexpr base::Duration long_after = std::chrono::seconds(10);

constexpr std::string_view event_stream_type = "text/event-stream";

bool has_length(const http::ResponseHead& head) {
  return head.body != http::BodyKind::chunked && head.body != http::BodyKind::until_close;
}

bool is_event_stream(const http::ResponseHead& head) {
  const std::string_view type = head.headers.get(FieldId::content_type);
  return base::equal_ignoring_case(base::trim(type.substr(0, type.find(';'))), event_stream_type);
}

bool is_encoded(const http::ResponseHead& head) {
  const http::HeaderField* coding = head.headers.find("Content-Encoding");
  return coding && !base::equal_ignoring_case(coding->value, "identity");
}

const routing::StreamRules& rules_of(const routing::Route& route) {
  static const routing::StreamRules usual;
  return route.streams ? *route.streams : usual;
}

}  // namespace

base::PumpLimits response_limits(const ExchangeState& exchange, base::Duration source_idle) {
  const routing::TransferLimits own = exchange.limits();
  base::PumpLimits limits;
  limits.stage = Stage::response_body;
  limits.source = {source_idle, Cause::upstream_timed_out};
  limits.sink = {own.idle, Cause::client_timed_out, own.response_rate, Cause::client_too_slow,
                 &exchange.stream};
  return limits;
}

Result<void> ResponseCopy::admit(const http::ResponseHead& head) {
  if (has_length(head) || !is_event_stream(head)) return {};
  answers_events_ = true;
  if (exchange_.client_ended) return base::fail(Cause::client_closed, Stage::response_head);
  const routing::StreamRules& rules = rules_of(*exchange_.route);
  if (!rules.counts) return {};
  const tl::expected<void, std::string> taken = policy::take_places(
      rules.limits, exchange_.pin->state.stream_counts[*rules.counts], *exchange_.context);
  if (!taken) return base::fail(exchange_.failed(Cause::too_many_streams, Stage::policy, taken.error()));
  return {};
}

Task<Result<void>> ResponseCopy::run(Attempt& attempt, coding::Encoder* encoder, base::PumpWatcher* watcher) {
  base::PumpLimits limits = response_limits(exchange_, dispatch_.group().idle_limit);
  limits.watcher = watcher;
  const base::Instant began = exchange_.services.turn.now;
  http::UpstreamStream& from = *attempt.lease;
  Task<Result<base::Pumped>> pumping =
      may_stay_open(attempt) ? pump_long_body(attempt, encoder, limits) : pump_body(attempt, encoder, limits);
  Result<base::Pumped> pumped = co_await pumping;
  exchange_.report.stages.body = exchange_.since(began);
  dispatch_.note_deviations(from);  // of the response body
  if (!pumped) {
    dispatch_.describe_failure(attempt, pumped.error());
    co_return base::fail(pumped.error());
  }
  if (!from.trailers().empty())
    exchange_.stream.set_trailers(passing_trailers(from.trailers(), [this](http::ResponseHead& head) {
      head.headers.remove(exchange_.snapshot().request_id_field);
      exchange_.route->pipeline.amend(*exchange_.context, head);
    }));
  exchange_.stream.response_body().end();
  co_return Result<void>();
}

// `limits` outlives the task.
Task<Result<base::Pumped>> ResponseCopy::pump_body(Attempt& attempt, coding::Encoder* encoder,
                                                   const base::PumpLimits& limits) {
  base::Channel& from = attempt.lease->response_body();
  base::Channel& to = exchange_.stream.response_body();
  return encoder ? coding::pump_encoded(exchange_.scope, from, to, *encoder, limits,
                                        exchange_.report.response_bytes)
                 : base::pump(exchange_.scope, from, to, limits, exchange_.report.response_bytes);
}

bool ResponseCopy::may_stay_open(const Attempt& attempt) const {
  if (exchange_.stream.request().method == http::Method::head || has_length(attempt.head)) return false;
  return !attempt.lease->response_body().closed();
}

// `ordinary`: the limits of a response that is not a long answer.
Task<Result<base::Pumped>> ResponseCopy::pump_long_body(Attempt& attempt, coding::Encoder* encoder,
                                                        const base::PumpLimits& ordinary) {
  if (!encoder && is_event_stream(attempt.head)) {
    open(attempt, true);
    Task<Result<base::Pumped>> running = long_answer_->events->run(
        attempt.lease->response_body(), exchange_.stream, ordinary, exchange_.report.response_bytes);
    Result<base::Pumped> ran = co_await running;
    long_answer_->events->set_over();
    if (ran) note_end_by_gateway();
    co_return ran;
  }
  {
    base::Phase phase(exchange_.scope, Stage::response_body, long_after, Cause::timed_out);
    Task<Result<base::Pumped>> copying = pump_body(attempt, encoder, ordinary);
    Result<base::Pumped> copied = co_await copying;
    if (copied || copied.error().cause != Cause::timed_out) co_return copied;
  }
  open(attempt, false);
  const base::PumpLimits limits = response_limits(exchange_, dispatch_.group().stream_idle_limit);
  Task<Result<base::Pumped>> copying = pump_body(attempt, encoder, limits);
  Result<base::Pumped> copied = co_await copying;
  if (!copied && copied.error().cause == Cause::upstream_timed_out)
    co_return base::fail(Cause::upstream_stream_silent, Stage::response_body);
  co_return copied;
}

void ResponseCopy::open(const Attempt& attempt, bool of_events) {
  const routing::StreamRules& rules = rules_of(*exchange_.route);
  StreamSet& set = exchange_.services.streams;
  const bool ends_with_token = of_events && rules.ends_with_token;
  long_answer_ = std::make_unique<LongAnswer>(
      exchange_, set, ends_with_token ? std::optional(rules.token_grace) : std::nullopt);
  if (of_events) {
    EventStream::Options options;
    options.route = exchange_.route->stream_fingerprint;
    options.certificate = exchange_.stream.client().certificate.certificate;
    options.endpoint = attempt.lease.endpoint();
    options.comment_interval = rules.comment_interval;
    options.idle_limit = dispatch_.group().stream_idle_limit;
    options.expiry_notice = rules.expiry_notice ? &*rules.expiry_notice : nullptr;
    if (rules.max_age != base::no_limit) options.too_old_at = exchange_.services.turn.now + rules.max_age;
    options.readable = !is_encoded(attempt.head);
    long_answer_->events.emplace(exchange_.scope, set.drain_line(), *long_answer_, std::move(options));
  }
  if (exchange_.snapshot().access_log) log_exchange(exchange_, &telemetry::AccessLog::stream_open, record());
  exchange_.services.tunnels.token_holders().join(*long_answer_);
}

ResponseCopy::LongAnswer::LongAnswer(ExchangeState& exchange, StreamSet& set,
                                     std::optional<base::Duration> grace)
    : TokenHolder(exchange.services.tunnels.token_holders(), exchange.held_token(grace)),
      scope(exchange.scope),
      open(set, exchange.route->name) {}

// The end of another answer than an event stream shows in its bytes only, if at all: it is cut.
void ResponseCopy::LongAnswer::on_revoked() {
  if (events)
    events->revoke();
  else
    scope.cancel(Cause::token_revoked);
}

// The stream has ended in good order.
void ResponseCopy::note_end_by_gateway() {
  if (const std::optional<Cause> cause = long_answer_->events->ended_by_gateway()) {
    exchange_.report.failure = Error{*cause, Stage::response_body};
    exchange_.report.detail = "the event stream was ended between two events";
  }
}

std::optional<telemetry::StreamRecord> ResponseCopy::record() const {
  if (!long_answer_) return std::nullopt;
  telemetry::StreamRecord stream;
  stream.of_events = long_answer_->events.has_value();
  if (stream.of_events) {
    const EventStream& events = *long_answer_->events;
    stream.events = events.events();
    stream.comments = events.comments();
    stream.upstream_quiet = exchange_.since(events.heard());
  }
  stream.meaning = exchange_.report.failure ? base::traits(exchange_.report.failure->cause).meaning
                                            : "ended by the endpoint in good order";
  if (exchange_.report.failure) stream.by = base::traits(exchange_.report.failure->cause).fault;
  if (exchange_.report.failure && stream.of_events &&
      long_answer_->events->ended_by_gateway() == exchange_.report.failure->cause)
    stream.by = base::Side::gateway;
  return stream;
}

}  // namespace postern::proxy
