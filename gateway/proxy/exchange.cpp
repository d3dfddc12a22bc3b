#include "proxy/exchange.h"

#include "base/error.h"
#include "files/send_file.h"
#include "http/accept.h"
#include "proxy/answer.h"
#include "proxy/backchannel_logout.h"
#include "proxy/certificate_check.h"
#include "proxy/failure_response.h"
#include "proxy/judging.h"
#include "proxy/logout.h"
#include "proxy/renewal.h"
#include "proxy/response_encoding.h"
#include "proxy/route_match.h"
#include "proxy/token_log.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;

Exchange::Exchange(Services& services, Pin pin, http::ServerStream& stream,
                   const routing::TransferLimits& limits)
    : state_(services, std::move(pin), stream, limits), upgrade_(state_) {}

Exchange::~Exchange() = default;

Task<Outcome> Exchange::run() {
  Task<Result<void>> serving = serve();
  Result<void> served = co_await serving;
  if (!served) answer_failure(served.error());
  if (state_.report.refused_socket) {
    Task<Result<void>> telling = upgrade_.tell_refusal();
    Result<void> told = co_await telling;
    if (told)
      tunnelled_ = true;
    else
      state_.report.refused_socket.reset();
  }
  Task<Outcome> concluding = conclude();
  Outcome outcome = co_await concluding;
  co_return outcome;
}

Task<Outcome> Exchange::refuse() {
  const http::Fault& fault = *state_.stream.fault();
  read_facts(state_.facts, state_.snapshot(), state_.stream, false, state_.services.request_ids);
  state_.report.failure = Error{fault.cause, Stage::request_head};
  state_.report.note_fault(fault);
  answer(failure_response(*state_.report.failure, state_.report.detail));
  Task<Outcome> concluding = conclude();
  Outcome outcome = co_await concluding;
  co_return outcome;
}

void Exchange::cancel(Cause why) {
  if (!sending_) return state_.scope.cancel(why);
  // A request body that breaks while the answer is handed over does not cancel the answer.
  if (why == Cause::client_closed || why == Cause::shutting_down) sending_->cancel(why);
}

void Exchange::client_ended() {
  state_.client_ended = true;
  if (sending_) return;
  const http::RequestHead& request = state_.stream.request();
  if (state_.in_line || (copy_ && copy_->answers_events()) || http::wants_events(request) ||
      request.upgrade == http::Upgrade::websocket)
    cancel(Cause::client_closed);
}

Task<Result<void>> Exchange::serve() {
  // 1. Find the route.
  state_.scope.stage = Stage::routing;
  if (Result<void> read = read_request(state_); !read) co_return read;
  if (Result<void> done = answer_if_any(redirect_to_https(state_)); !done || answered_) co_return done;
  if (Result<void> done = answer_if_any(check_certificate(state_)); !done || answered_) co_return done;
  if (Result<void> done = answer_if_any(find_route(state_)); !done || answered_) co_return done;
  const routing::Route& route = *state_.route;
  if (state_.scope.failure()) co_return base::fail(*state_.scope.failure());

  // 2. Apply the policies: a policy answers the request, lets it pass, or waits for something first.
  state_.scope.stage = Stage::policy;
  upgrade_.note_shared_limits(false);
  policy::Verdict verdict = route.pipeline.judge(*state_.context);
  if (verdict.waits()) {
    Task<Result<void>> waiting = await_verdict(state_, verdict);
    Result<void> waited = co_await waiting;
    if (!waited) co_return waited;
  }
  tell_reported(state_);
  count_token(state_);
  if (verdict.answers()) {
    answer(std::move(verdict.response()));
    co_return Result<void>();
  }
  upgrade_.note_shared_limits(true);
  if (Result<void> read = read_judged_target(state_); !read) co_return read;

  // Actions that the gateway answers by itself; otherwise the request goes to an upstream.
  if (const auto* folder = std::get_if<routing::Files>(&route.action)) {
    Task<Result<void>> sending = send_file(*folder->site);
    Result<void> sent = co_await sending;
    co_return sent;
  }
  if (const auto* logout = std::get_if<routing::BackchannelLogout>(&route.action)) {
    Task<Result<http::LocalResponse>> receiving = receive_logout(state_, *logout);
    Result<http::LocalResponse> received = co_await receiving;
    if (received) answer(std::move(*received));
    co_return received ? Result<void>() : base::fail(received.error());
  }
  if (Result<void> done = answer_if_any(action_answer(state_)); !done || answered_) co_return done;
  if (Result<void> done = answer_if_any(check_forwarding(state_)); !done || answered_) co_return done;
  if (state_.facts.is_socket && socket_rules(&route).admission) {
    Task<Result<void>> admitting = upgrade_.admit();
    Result<void> admitted = co_await admitting;
    if (!admitted) co_return base::fail(admitted.error());
  }

  // 3. Send it to an endpoint, and retry at another one while nothing is lost by it.
  const size_t group = std::get<routing::ToUpstream>(route.action).group;
  dispatch_.emplace(state_, *state_.pin->groups[group]);
  const coding::Request encodings = read_encodings(state_);
  RefreshWatch refresh(state_);
  refresh.prepare_request();
  Task<Result<Attempt>> sending = dispatch_->send();
  Result<Attempt> attempt = co_await sending;
  if (!attempt) co_return base::fail(attempt.error());

  // 4. Rewrite the response head for this client.
  http::ResponseHead& head = attempt->head;
  dispatch_->learn(*attempt);
  if (head.opens_tunnel) {
    Result<void> opened = upgrade_.open_tunnel(*attempt, *dispatch_);
    if (opened) answered_ = tunnelled_ = true;
    co_return opened;
  }
  note_logout(state_, head.status);
  refresh.read_head(head);
  copy_.emplace(state_, *dispatch_);
  if (Result<void> admitted = copy_->admit(head); !admitted) co_return admitted;
  dispatch_->finish_head(*attempt, head);
  if (upgrade_.refuse_by_close(head.status, std::nullopt, "refused_by_backend", "endpoint")) {
    answered_ = true;
    co_return Result<void>();
  }

  // 5. Copy the body until both sides are done.
  const std::unique_ptr<coding::Encoder> encoder =
      begin_encoding(state_, encodings, known_size(*attempt, state_.stream.request().method), head);
  respond(head);
  Task<Result<void>> copying = copy_->run(*attempt, encoder.get(), refresh.body_watcher());
  Result<void> copied = co_await copying;
  if (!copied) co_return copied;
  Task<Result<void>> finishing = refresh.finish();
  Result<void> finished = co_await finishing;
  co_return finished;
}

// --- answers ---

Task<Result<void>> Exchange::send_file(const files::Site& site) {
  Result<std::variant<files::Found, http::LocalResponse>> answer_or_found = find_file(state_, site);
  if (!answer_or_found) co_return base::fail(answer_or_found.error());
  if (auto* local = std::get_if<http::LocalResponse>(&*answer_or_found)) {
    answer(std::move(*local));
    co_return Result<void>();
  }
  auto& found = std::get<files::Found>(*answer_or_found);
  if (upgrade_.refuse_by_close(found.head.status, std::nullopt, "not_a_socket", "route")) {
    answered_ = true;
    co_return Result<void>();
  }
  const std::unique_ptr<coding::Encoder> encoder = finish_head(state_, found);
  ExchangeReport& report = state_.report;
  // The rest of the request body is not awaited.
  if (!state_.stream.request_body().closed()) state_.stream.close_after_response();
  respond(found.head);
  if (state_.stream.request().method != http::Method::head) {
    const base::PumpLimits limits = response_limits(state_, base::no_limit);
    const base::Instant began = state_.services.turn.now;
    Task<Result<base::Pumped>> sending =
        files::send_file(state_.scope, found.file, found.offset, found.length, encoder.get(),
                         state_.stream.response_body(), limits, report.response_bytes);
    Result<base::Pumped> sent = co_await sending;
    report.stages.body = state_.since(began);
    if (!sent) {
      if (sent.error().cause == Cause::file_unreadable)
        report.detail = "the file became shorter while it was sent";
      co_return base::fail(sent.error());
    }
  }
  state_.stream.response_body().end();
  co_return Result<void>();
}

void Exchange::respond(const http::ResponseHead& head) {
  state_.report.status = head.status;
  answered_ = true;
  state_.stream.respond(head);
}

Result<void> Exchange::answer_if_any(Result<std::optional<http::LocalResponse>> local) {
  if (!local) return base::fail(local.error());
  if (*local) answer(std::move(**local));
  return {};
}

void Exchange::answer(http::LocalResponse response) {
  ExchangeReport& report = state_.report;
  if (response.cause && !report.failure) {
    report.failure = Error{*response.cause, state_.scope.stage};
    report.detail = response.detail;
    add_exchange_failure(state_, *response.cause);
  }
  const auto [error, who] =
      response.cause ? std::pair(base::traits(*response.cause).label, std::string_view("gateway"))
      : state_.route
          ? std::pair(std::string_view("not_a_socket"), std::string_view("route"))
          : std::pair(std::string_view("refused"), std::string_view("listener"));  // a redirect to https
  if (upgrade_.refuse_by_close(response.status, response.cause, error, who)) {
    answered_ = true;
    return;
  }
  // The rest of the request body is not awaited.
  if (!state_.stream.request_body().closed()) state_.stream.close_after_response();
  http::ResponseHead head;
  const std::string body = render(state_, response, head);
  respond(head);
  report.response_bytes = body.size();
  state_.stream.response_body().push(base::Chunk::copy_of(body));
  state_.stream.response_body().end();
}

void Exchange::answer_failure(Error error) {
  ExchangeReport& report = state_.report;
  // Whatever the exchange was waiting for: the client left before its request was read completely.
  if (error.cause == Cause::client_closed && state_.stream.request_body().aborted())
    error.stage = Stage::request_body;
  if (!report.failure) report.failure = error;
  const http::Fault* fault = state_.stream.fault();
  if (fault && error.cause == fault->cause) report.note_fault(*fault);
  if (error.cause == Cause::client_closed) return;  // no client is left to answer
  if (answered_) {
    // Ends the started body in a way that the client recognises as truncated.
    state_.stream.response_body().abort(error);
    return;
  }
  if (error.cause == Cause::bad_request) state_.stream.close_after_response();
  answer(failure_response(error, report.detail));
}

// --- the end: always, once ---

// Waits until the last byte of the answer has left this process: until then the client can still leave, or
// stop reading. It uses its own scope, since a cancelled exchange has an answer to deliver, too.
Task<Result<void>> Exchange::hand_over() {
  const base::Channel& body = state_.stream.response_body();
  if (!answered_ || tunnelled_ || !body.closed() || body.aborted()) co_return Result<void>();
  base::Slot<bool>& sent = state_.stream.hand_over();
  // When the worker shuts down, there may be no later turn. The record of a cancelled exchange already says
  // so.
  const std::optional<Error> ended = state_.scope.failure();
  const bool stopping = ended && ended->cause == Cause::shutting_down;
  if (stopping && state_.report.failure) co_return Result<void>();
  base::Turn& turn = state_.services.turn;
  base::Scope sending(turn);
  const base::PumpLimits limits = response_limits(state_, base::no_limit);
  base::Phase phase(sending, Stage::response_body, base::no_limit);
  base::Pace sink(turn, phase, limits.sink);
  if (!sent.filled())
    sink.begin_wait(state_.report.response_bytes);  // usually the kernel has taken everything at once
  if (stopping) sending.cancel(Cause::shutting_down);
  const base::Instant began = turn.now;
  sending_ = &sending;
  Result<bool> handed = co_await sent.take(sending);
  sending_ = nullptr;
  if (state_.report.stages.body) *state_.report.stages.body += state_.since(began);
  if (!handed) co_return base::fail(handed.error());
  co_return Result<void>();
}

Task<Outcome> Exchange::conclude() {
  ExchangeReport& report = state_.report;
  Task<Result<void>> handing = hand_over();
  Result<void> handed = co_await handing;
  if (!handed) {
    if (!report.failure) {
      report.failure = handed.error();
      report.detail = client_pace_detail(state_, handed.error());
    }
    state_.stream.cut_response(handed.error());
  }
  note_negotiation(state_);
  tell_reported(state_);  // of a request for which a policy waited in vain
  count_token(state_);    // likewise
  count_exchange(state_);
  const bool is_tunnel = tunnelled_ && !report.refused_socket;         // it has its own lines
  if (!is_tunnel && (state_.snapshot().access_log || report.failure))  // failures are always logged
    log_exchange(state_, &telemetry::AccessLog::exchange, copy_ ? copy_->record() : std::nullopt);
  co_return Outcome{tunnelled_ || state_.first_message.opened() != nullptr};
}

}  // namespace postern::proxy
