// The third step of an exchange: it sends the request to an endpoint, and retries at another one while
// nothing is lost by it.
#include <algorithm>

#include "base/error.h"
#include "policy/request_context.h"
#include "proxy/exchange.h"
#include "proxy/retry.h"
#include "upstream/connector.h"
#include "upstream/passive_health.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;

namespace {

std::string milliseconds(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

// For the one retry after a stale pooled connection, which does not depend on the configured rules.
const upstream::RetryModel default_retry;

}  // namespace

Result<void> Exchange::prepare_request(const upstream::GroupModel& group) {
  http::RequestHead& request = stream_.request();
  context_->upstream = group.name;
  rewrite_request(snapshot(), stream_.client(), client_, *context_, request_id_,
                  group.endpoints.front().authority, route_->rewriting, request);
  prepare_socket(request);
  if (route_->compression) coding::restore_validators(request);
  if (group.sticky) open_session();
  if (!route_->rewriting.path) return {};
  if (Result<void> regular = need_normal_path("rewrites paths"); !regular) return regular;
  const std::string_view before = request.target;
  const auto rewritten = rewrite_path(*context_, route_->rewriting, request);
  if (!rewritten) return base::fail(failed(Cause::bad_request, Stage::routing, rewritten.error()));
  if (request.target != before) rewritten_target_ = request.target;
  return {};
}

Task<Result<Attempt>> Exchange::send_with_retries(upstream::Group& group) {
  if (Result<void> rewritten = prepare_request(group.model()); !rewritten)
    co_return base::fail(rewritten.error());
  group.state().retry_budget.count_request(services_.turn.now);
  if (group.model().learn) recall_endpoint(group);
  keep_for_replay(group);
  RetryState retry;
  std::optional<upstream::HoldQueue::Ticket> ticket;
  upstream::Pick pick = next_endpoint(group, retry);
  for (;;) {
    if (pick.at_limit && group.model().queue) {
      Task<Result<upstream::Pick>> waiting = wait_for_permit(group, retry);
      Result<upstream::Pick> permit = co_await waiting;
      if (!permit) co_return base::fail(permit.error());
      pick = admit(group, retry, std::move(*permit));
    }
    if (!pick.permit) {
      if (pick.at_limit || !group.model().hold || is_settled(retry)) {
        tell_all_attempts();
        co_return base::fail(retry.last);
      }
      Task<Result<void>> holding = hold(group, ticket);
      Result<void> held = co_await holding;
      if (!held) {
        tell_all_attempts();
        co_return base::fail(held.error());
      }
      retry.begin_turn();
      pick = next_endpoint(group, retry);
      continue;
    }
    ++attempts_;
    Attempt attempt;
    attempt.permit = std::move(pick.permit);
    count_attempt(pick.index);
    Task<Result<void>> sending = send_once(group, pick.index, attempt);
    Result<void> sent = co_await sending;
    const bool again = should_retry(group, pick.index, attempt, sent, retry);
    if (again) pick = next_endpoint(group, retry);
    if (sent && (!again || !pick.permit)) {
      if (replay_) replay_->let_go();
      co_return std::move(attempt);
    }
    if (!again) {
      tell_all_attempts();
      co_return base::fail(retry.last);
    }
    remember_attempt(attempt, sent);
  }
}

// An endpoint that closes the connection on an upgrade has answered it: some servers do so for an unknown
// path. It is not tried again, however long the upgrade may be held.
bool Exchange::is_settled(const RetryState& retry) const { return is_socket_ && retry.broken > 0; }

void Exchange::keep_for_replay(upstream::Group& group) {
  const http::RequestHead& request = stream_.request();
  const upstream::RetryModel& rules = group.model().retries;
  if (request.body == http::BodyKind::none || rules.body_size == 0) return;
  if (!may_repeat(request.method, rules)) return;
  if (request.body == http::BodyKind::length && request.content_length > rules.body_size) return;
  replay_ = std::make_unique<Replay>(group.state().replay_bytes, rules.body_size);
}

upstream::Pick Exchange::next_endpoint(upstream::Group& group, RetryState& retry) {
  const bool is_retry = retry.attempts > 0 && !retry.next_is_free;
  if (is_retry && retry.attempts > group.model().retries.attempts) return {};
  // No request overtakes those that wait in the queue for a permit.
  const bool others_wait = group.model().queue && group.state().permits.has_line();
  upstream::Pick pick = others_wait ? upstream::Pick{0, {}, true, false} : group.pick(view(), retry.tried);
  if (pick.permit) return admit(group, retry, std::move(pick));
  if (pick.at_limit && retry.attempts == 0)
    retry.last = failed(Cause::upstream_at_limit, Stage::connect, "max_requests of " + group.model().name);
  return pick;
}

upstream::RequestView Exchange::view() const {
  return {client_.address, stream_.request().headers, target_.query,
          session_ ? std::optional(session_->endpoint) : learned_endpoint_};
}

upstream::Pick Exchange::admit(upstream::Group& group, RetryState& retry, upstream::Pick pick) {
  const upstream::RetryModel& rules = group.model().retries;
  const bool free = std::exchange(retry.next_is_free, false);
  const bool is_retry = retry.attempts > 0 && !free;
  upstream::Endpoint& endpoint = *pick.permit.endpoint();
  // With hold on, an endpoint whose health checks fail is never tried: the request can wait for a check
  // instead.
  if (group.model().hold && endpoint.availability() == upstream::Availability::down) return {};
  if (is_retry && !group.state().retry_budget.take_retry(services_.turn.now, rules.budget)) return {};
  if (!free) ++retry.attempts;
  endpoint.ejection().on_attempt(services_.turn.now);
  session_waits_ = pick.stands_in;
  return pick;
}

Task<Result<upstream::Pick>> Exchange::wait_for_permit(upstream::Group& group, const RetryState& retry) {
  const upstream::QueueModel& rules = *group.model().queue;
  const upstream::RequestView request = view();
  upstream::PermitQueue::Waiter waiter(group.state().permits, group, request, retry.tried);
  if (!waiter.enter(rules.size)) {
    detail_ = "queue of " + group.model().name + ": " + std::to_string(rules.size) + " requests wait already";
    co_return base::fail(Cause::upstream_at_limit, Stage::connect);
  }
  base::Phase phase(scope_, Stage::connect, rules.timeout, Cause::upstream_at_limit);
  const InLine waiting(*this);
  const base::Instant began = services_.turn.now;
  Result<upstream::Pick> found = co_await waiter.permit(scope_);
  stages_.held = stages_.held.value_or(base::Duration::zero()) + since(began);
  if (waiter.gave_way())
    detail_ = "queue of " + group.model().name + ": " + std::to_string(rules.size) +
              " requests wait already, and of this client more than of others";
  else if (!found && found.error().cause == Cause::upstream_at_limit)
    detail_ = "queue of " + group.model().name + ": no place came free in time, see max_requests";
  co_return std::move(found);
}

bool Exchange::should_retry(upstream::Group& group, size_t index, const Attempt& attempt,
                            const Result<void>& sent, RetryState& retry) {
  const upstream::RetryModel& rules = group.model().retries;
  const http::Method method = stream_.request().method;
  const base::Instant now = services_.turn.now;
  const AttemptFacts facts{.sent = static_cast<bool>(attempt.lease),
                           .response_begun = attempt.lease && attempt.lease->response_begun(),
                           .body_consumed = attempt.uploading && !(replay_ && replay_->whole()),
                           .informed = informed_};
  if (sent) {
    note_answer(group, index, now, attempt.head.status);
    if (!may_retry_status(attempt.head.status, facts, method, rules)) return false;
    retry.tried.push_back(index);
    return true;
  }
  retry.last = sent.error();
  const Cause cause = retry.last.cause;
  // A pooled connection that was found closed says nothing about its endpoint, so the endpoint may be tried
  // once more, whatever the retry rules are.
  const bool stale = attempt.lease && attempt.lease->reused() && !retry.stale_connection;
  const std::optional<upstream::Condition> condition = upstream::condition_of(cause, facts.sent);
  if (!stale && base::traits(cause).fault == base::Side::upstream)
    upstream_series().endpoints[index]->add(telemetry::EndpointCount::failures);
  if (condition && !stale) note_failure(group, index, now, *condition, base::traits(cause).label);
  if (scope_.failure()) return false;
  if (stale && may_retry(cause, facts, method, default_retry)) {
    retry.stale_connection = retry.next_is_free = true;
    return true;
  }
  // However long a request is held, the number of attempts that break after they were sent is limited.
  if (facts.sent && ++retry.broken > rules.attempts) return false;
  retry.tried.push_back(index);
  return may_retry(cause, facts, method, rules);
}

Task<Result<void>> Exchange::hold(upstream::Group& group,
                                  std::optional<upstream::HoldQueue::Ticket>& ticket) {
  const upstream::HoldModel& rules = *group.model().hold;
  const base::Instant now = services_.turn.now;
  if (!ticket) {
    ticket.emplace(group.state().held);
    if (!ticket->enter(rules.requests, client_.address)) {
      detail_ += (detail_.empty() ? "hold: " : "; hold: ") + std::to_string(rules.requests) +
                 " requests are held already";
      co_return base::fail(Cause::overloaded, Stage::connect);
    }
    // The time held before, for other reasons.
    held_since_ = now - stages_.held.value_or(base::Duration::zero());
    hold_until_ = now + rules.time;
    if (is_socket_)
      hold_until_ = group.state().waiting_clients->until(client_.address_text,
                                                         now + page_wait(rules.time, rules.page_time), now);
  }
  if (*hold_until_ <= now && since(held_since_) == base::Duration::zero())
    detail_ +=
        (detail_.empty() ? "" : "; ") + std::string("hold: an upgrade of this client has waited already");
  base::Phase phase(scope_, Stage::connect, std::max(*hold_until_ - now, base::Duration::zero()),
                    Cause::hold_expired);
  const InLine waiting(*this);
  Result<bool> turn = co_await ticket->line_up(scope_);
  ticket->leave_line();
  stages_.held = since(held_since_);
  if (turn) co_return Result<void>();
  if (ticket->gave_way())
    detail_ += (detail_.empty() ? "hold: " : "; hold: ") + std::to_string(rules.requests) +
               " requests are held already, and of this client more than of others";
  if (turn.error().cause == Cause::hold_expired && detail_.empty())
    detail_ = "no endpoint passes its health checks";
  co_return base::fail(turn.error());
}

const telemetry::Series::Upstream& Exchange::upstream_series() const {
  return pin_->series.upstreams[static_cast<size_t>(group_ - snapshot().groups.data())];
}

void Exchange::count_attempt(size_t endpoint) const {
  const telemetry::Series::Upstream& series = upstream_series();
  series.all->add(telemetry::UpstreamCount::attempts);
  if (attempts_ > 1) series.all->add(telemetry::UpstreamCount::retries);
  series.endpoints[endpoint]->add(telemetry::EndpointCount::attempts);
}

Task<Result<void>> Exchange::send_once(upstream::Group& group, size_t index, Attempt& attempt) {
  http::RequestHead& request = stream_.request();
  const upstream::EndpointModel& model = group.model().endpoints[index];
  endpoint_ = attempt.endpoint = &model;
  context_->endpoint = model.text;
  address_to(model.authority, route_->rewriting, request);
  detail_.clear();  // of an earlier attempt
  offending_.clear();
  const bool body_lost = request.body != http::BodyKind::none && !(replay_ && replay_->whole());
  const bool repeatable = http::is_idempotent(request.method) && !body_lost;
  if (attempts_ == 1)  // a retry needs a connection that is surely alive
    attempt.lease = services_.connector.reuse(group, index, attempt.permit,
                                              repeatable ? base::no_limit : upstream::fresh_max_age);
  if (!attempt.lease) {
    const base::Instant began = services_.turn.now;
    std::string tried;
    std::optional<base::Phase> limit;
    if (hold_until_)
      limit.emplace(scope_, Stage::connect, std::max(*hold_until_ - began, base::Duration::zero()),
                    Cause::hold_expired);
    else if (is_socket_ && group.state().waiting_clients->knows(client_.address_text, began))
      limit.emplace(scope_, Stage::connect, page_wait(group.model().connect_limit, beside_others),
                    Cause::upstream_timed_out);
    std::optional<net::ProxyRoute> client_route;
    if (group.model().proxy_protocol) client_route = route_of(client_, stream_.client());
    Task<Result<upstream::Lease>> connecting =
        services_.connector.connect(scope_, group, index, client_route, attempt.permit, tried);
    Result<upstream::Lease> connected = co_await connecting;
    stages_.connect = since(began);
    if (!connected) {
      detail_ = model.text + ": " + tried;
      // With `hold`, this is noted when the request is held.
      if (is_socket_ && connected.error().cause == Cause::upstream_timed_out && !group.model().hold)
        group.state().waiting_clients->until(client_.address_text, began, services_.turn.now);
      co_return base::fail(connected.error());
    }
    attempt.lease = std::move(*connected);
    group.state().held.on_connected();
  }

  http::UpstreamStream& to = *attempt.lease;
  if (request.body == http::BodyKind::none) {
    to.request_body().end();
    to.send(request);
  } else {
    to.send(request);
    attempt.uploading = upload(group, to);
    attempt.uploading.begin();
  }
  const base::Instant sent = services_.turn.now;
  Task<Result<void>> awaiting = await_head(attempt);
  Result<void> head = co_await awaiting;
  stages_.response_head = since(sent);
  if (!head) co_return base::fail(head.error());
  note_deviations(to);
  co_return Result<void>();
}

Task<Result<void>> Exchange::await_head(Attempt& attempt) {
  base::Phase phase(scope_, Stage::response_head, base::no_limit);
  // An upload has its own limits: the endpoint need not answer before it has the whole request.
  HeadLimit limit(*this);
  if (!attempt.uploading || attempt.uploading.done()) limit.begin();
  base::Slot<http::ResponseHead>& response = attempt.lease->response();
  for (;;) {
    Result<http::ResponseHead> head = co_await response.take(scope_);
    if (!head) {
      describe_failure(attempt, head.error());
      co_return base::fail(head.error());
    }
    if (!head->interim()) {
      attempt.head = std::move(*head);
      co_return Result<void>();
    }
    finish_head(attempt, *head);
    informed_ = true;
    stream_.inform(*head);
  }
}

// Empty for causes other than the client's pace.
std::string Exchange::client_pace_detail(Error error) const {
  const routing::TransferLimits limits = this->limits();
  const bool of_request = error.stage == Stage::request_body;
  if (error.cause == Cause::client_timed_out && of_request && since(started_) >= limits.request)
    return "the request is not whole after " + milliseconds(limits.request);
  if (error.cause == Cause::client_timed_out)
    return (of_request ? "no byte of the body came for " : "no byte of the body was taken for ") +
           milliseconds(limits.idle);
  if (error.cause == Cause::client_too_slow)
    return "fewer than " + std::to_string(of_request ? limits.request_rate : limits.response_rate) +
           " bytes of the body in a second";
  return {};
}

void Exchange::describe_failure(const Attempt& attempt, Error error) {
  if (error.cause == Cause::body_too_large)
    detail_ = "the body is larger than " + std::to_string(limits().body_size) + " bytes";
  else if (error.cause == Cause::client_timed_out || error.cause == Cause::client_too_slow)
    detail_ = client_pace_detail(error);
  else if (!attempt.lease->fault().detail.empty())
    note_fault(attempt.lease->fault());
  else if (error.cause == Cause::upstream_timed_out && error.stage == Stage::response_body)
    detail_ = "no byte of the response came for " + milliseconds(group_->idle_limit) +
              ", see timeouts.idle of upstream " + group_->name;
  else if (error.cause == Cause::upstream_stream_silent)
    detail_ = "no byte came for " + milliseconds(group_->stream_idle_limit) +
              ", see timeouts.stream_idle of upstream " + group_->name;
  else if (base::traits(error.cause).fault == base::Side::upstream)  // other details are not for the client
    detail_ = attempt.endpoint->unix_path.empty()
                  ? attempt.endpoint->text + " at " + attempt.lease->peer().text()
                  : attempt.endpoint->text;
}

Task<Result<void>> Exchange::upload(upstream::Group& group, http::UpstreamStream& to) {
  const routing::TransferLimits own = this->limits();
  base::PumpLimits limits;
  limits.stage = Stage::request_body;
  limits.source = {own.idle, Cause::client_timed_out, own.request_rate, Cause::client_too_slow};
  limits.sink = {group.model().idle_limit, Cause::upstream_timed_out, 0, Cause::upstream_timed_out, &to};
  limits.bytes_max = own.body_size;
  if (replay_) {
    replay_->send_again(to.request_body());
    limits.watcher = replay_.get();
  }
  std::optional<base::Phase> whole;
  if (own.request != base::no_limit)
    whole.emplace(upload_scope_, Stage::request_body,
                  std::max(own.request - since(started_), base::Duration::zero()), Cause::client_timed_out);
  Task<Result<base::Pumped>> pumping =
      base::pump(upload_scope_, stream_.request_body(), to.request_body(), limits, request_bytes_);
  Result<base::Pumped> pumped = co_await pumping;
  if (!pumped) {
    to.request_body().abort(pumped.error());
    co_return base::fail(pumped.error());
  }
  to.request_body().end();  // trailers of requests are dropped
  if (head_limit_) head_limit_->begin();
  co_return Result<void>();
}

// --- sessions ---

// When the token that authorised the request expires; nullopt if it has no token, or one that never expires.
std::optional<base::Instant> Exchange::token_expires() const {
  if (!context_->token || context_->token->accepted_until() == policy::VerifiedToken::never)
    return std::nullopt;
  return services_.turn.now + std::chrono::seconds(std::clamp<int64_t>(
                                  context_->token->accepted_until() - services_.unix_now(), 0,
                                  std::chrono::seconds(std::chrono::hours(24 * 365)).count()));
}

void Exchange::open_session() {
  http::RequestHead& request = stream_.request();
  session_ = group_->sticky->read(request.headers, services_.unix_now());
  group_->sticky->strip(request);
}

void Exchange::keep_session(http::ResponseHead& head) const {
  const auto endpoint = static_cast<size_t>(endpoint_ - group_->endpoints.data());
  if (session_ && !session_->is_ageing && (session_->endpoint == endpoint || session_waits_)) return;
  const size_t home = session_ && session_waits_ ? session_->endpoint : endpoint;
  head.headers.add("Set-Cookie",
                   head.arena.keep(group_->sticky->set_cookie(home, services_.unix_now(), client_.tls)));
}

}  // namespace postern::proxy
