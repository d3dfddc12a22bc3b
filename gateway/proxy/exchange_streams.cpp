// What an exchange does with a response that has no length: one that stays open is a long answer, to which
// the time limits of ordinary responses do not apply.
#include "base/ascii.h"
#include "base/error.h"
#include "proxy/exchange.h"
#include "proxy/long_answer.h"

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

// True for a client that asks for events, as a browser's EventSource does.
bool Exchange::wants_events() const {
  for (const http::HeaderField& field : stream_.request().headers) {
    if (!base::equal_ignoring_case(field.name, "Accept")) continue;
    std::string_view accepted = field.value;
    while (const std::optional<std::string_view> element = base::next_element(accepted))
      if (base::equal_ignoring_case(base::trim(element->substr(0, element->find(';'))), event_stream_type))
        return true;
  }
  return false;
}

// Only the response head shows that it is an event stream, so its permit is taken at that point.
Result<void> Exchange::admit_stream(const http::ResponseHead& head) {
  if (has_length(head) || !is_event_stream(head)) return {};
  answers_events_ = true;
  if (client_ended_) return base::fail(Cause::client_closed, Stage::response_head);
  const routing::StreamRules& rules = rules_of(*route_);
  if (!rules.counts) return {};
  const tl::expected<void, std::string> taken = policy::take_places(rules.limits, rules.counts, *context_);
  if (!taken) return base::fail(failed(Cause::too_many_streams, Stage::policy, taken.error()));
  return {};
}

bool Exchange::may_stay_open(const Attempt& attempt) const {
  if (stream_.request().method == http::Method::head || has_length(attempt.head)) return false;
  return !attempt.lease->response_body().closed();
}

// `ordinary`: the limits of a response that is not a long answer.
Task<Result<base::Pumped>> Exchange::copy_long_body(Attempt& attempt, coding::Encoder* encoder,
                                                    const base::PumpLimits& ordinary) {
  if (!encoder && is_event_stream(attempt.head)) {
    open_stream(attempt, true);
    Task<Result<base::Pumped>> running =
        long_answer_->events->run(attempt.lease->response_body(), stream_, ordinary, response_bytes_);
    Result<base::Pumped> ran = co_await running;
    long_answer_->events->set_over();
    if (ran) end_stream();
    co_return std::move(ran);
  }
  {
    base::Phase phase(scope_, Stage::response_body, long_after, Cause::timed_out);
    Task<Result<base::Pumped>> copying = pump_body(attempt, encoder, ordinary);
    Result<base::Pumped> copied = co_await copying;
    if (copied || copied.error().cause != Cause::timed_out) co_return std::move(copied);
  }
  open_stream(attempt, false);
  const base::PumpLimits limits = response_limits(group_->stream_idle_limit);
  Task<Result<base::Pumped>> copying = pump_body(attempt, encoder, limits);
  Result<base::Pumped> copied = co_await copying;
  if (!copied && copied.error().cause == Cause::upstream_timed_out)
    co_return base::fail(Cause::upstream_stream_silent, Stage::response_body);
  co_return std::move(copied);
}

void Exchange::open_stream(const Attempt& attempt, bool of_events) {
  const routing::StreamRules& rules = rules_of(*route_);
  StreamSet& set = services_.streams;
  long_answer_ = std::make_unique<LongAnswer>(set, route_->name);
  if (of_events) {
    EventStream::Options options;
    options.route = route_->stream_fingerprint;
    options.endpoint = attempt.lease.endpoint();
    options.comment_interval = rules.comment_interval;
    options.idle_limit = group_->stream_idle_limit;
    if (rules.ends_with_token) options.expires = token_expires();
    options.readable = !is_encoded(attempt.head);
    long_answer_->events.emplace(scope_, set.drain_line(), std::move(options));
  }
  if (snapshot().access_log) tell(&telemetry::AccessLog::stream_open);
}

// The stream has ended in good order; notes for the record who ended it.
void Exchange::end_stream() {
  if (const std::optional<Cause> cause = long_answer_->events->ended_by_gateway()) {
    failure_ = Error{*cause, Stage::response_body};
    detail_ = "the event stream was ended between two events";
  }
}

telemetry::StreamRecord Exchange::stream_record() const {
  telemetry::StreamRecord stream;
  stream.of_events = long_answer_->events.has_value();
  if (stream.of_events) {
    const EventStream& events = *long_answer_->events;
    stream.events = events.events();
    stream.comments = events.comments();
    stream.upstream_quiet = since(events.heard());
  }
  stream.meaning = failure_ ? base::traits(failure_->cause).meaning : "ended by the endpoint in good order";
  if (failure_) stream.by = base::traits(failure_->cause).fault;
  if (failure_ && stream.of_events && long_answer_->events->ended_by_gateway() == failure_->cause)
    stream.by = base::Side::gateway;
  return stream;
}

}  // namespace postern::proxy
