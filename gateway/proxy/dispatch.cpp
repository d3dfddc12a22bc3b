#include "proxy/dispatch.h"

#include <algorithm>

#include "base/error.h"
#include "coding/negotiation.h"
#include "proxy/request_rewrite.h"
#include "proxy/response_rewrite.h"
#include "proxy/route_match.h"
#include "proxy/upgrade.h"
#include "telemetry/finding.h"
#include "upstream/connector.h"
#include "upstream/passive_health.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;

namespace {

// For the one retry after a stale pooled connection, which does not depend on the configured rules.
const upstream::RetryModel default_retry;

}  // namespace

Dispatch::Dispatch(ExchangeState& exchange, upstream::Group& group)
    : exchange_(exchange),
      facts_(exchange.facts),
      report_(exchange.report),
      group_(group),
      upload_scope_(exchange.scope) {
  report_.group = &group.model();
}

void Dispatch::HeadLimit::begin() {
  ExchangeState& exchange = dispatch_.exchange_;
  const base::Duration handshake =
      exchange.facts.is_socket ? socket_rules(exchange.route).handshake_timeout : base::no_limit;
  const base::Duration response = dispatch_.group().response_limit;
  const bool is_shorter = handshake < response;
  phase_.emplace(exchange.scope, Stage::response_head, is_shorter ? handshake : response,
                 is_shorter ? Cause::upstream_upgrade_unanswered : Cause::upstream_timed_out);
}

Result<void> Dispatch::prepare_request() {
  http::RequestHead& request = exchange_.stream.request();
  const routing::Route& route = *exchange_.route;
  exchange_.context->upstream = group().name;
  rewrite_request(exchange_.snapshot(), exchange_.stream.client(), facts_.client, *exchange_.context,
                  facts_.request_id, group().endpoints.front().authority, route.rewriting, request);
  prepare_upgrade(exchange_);
  if (route.compression) coding::restore_validators(request);
  affinity_.emplace(group_, request, exchange_.services.unix_now());
  if (!route.rewriting.path) return {};
  if (Result<void> regular = need_normal_path(exchange_, "rewrites paths"); !regular) return regular;
  const std::string_view before = request.target;
  const auto rewritten = rewrite_path(*exchange_.context, route.rewriting, request);
  if (!rewritten) return base::fail(exchange_.failed(Cause::bad_request, Stage::routing, rewritten.error()));
  if (request.target != before) report_.rewritten_target = request.target;
  return {};
}

Task<Result<Attempt>> Dispatch::send() {
  if (Result<void> rewritten = prepare_request(); !rewritten) co_return base::fail(rewritten.error());
  group_.state().retry_budget.count_request(exchange_.services.turn.now);
  keep_for_replay();
  std::optional<upstream::HoldQueue::Ticket> ticket;
  upstream::Pick pick = next_endpoint();
  for (;;) {
    if (pick.at_limit && group().queue) {
      Task<Result<upstream::Pick>> waiting = wait_for_permit();
      Result<upstream::Pick> permit = co_await waiting;
      if (!permit) co_return base::fail(permit.error());
      pick = admit(std::move(*permit));
    }
    if (!pick.permit) {
      if (pick.at_limit || !group().hold || is_settled()) {
        report_.tell_all_attempts();
        co_return base::fail(retry_.last);
      }
      Task<Result<void>> holding = hold(ticket);
      Result<void> held = co_await holding;
      if (!held) {
        report_.tell_all_attempts();
        co_return base::fail(held.error());
      }
      retry_.begin_turn();
      pick = next_endpoint();
      continue;
    }
    ++report_.attempts;
    Attempt attempt;
    attempt.permit = std::move(pick.permit);
    count_attempt(pick.index);
    Task<Result<void>> sending = send_once(pick.index, attempt);
    Result<void> sent = co_await sending;
    const bool again = should_retry(pick.index, attempt, sent);
    if (again) pick = next_endpoint();
    if (sent && (!again || !pick.permit)) {
      if (replay_) replay_->let_go();
      co_return std::move(attempt);
    }
    if (!again) {
      report_.tell_all_attempts();
      co_return base::fail(retry_.last);
    }
    report_.remember_attempt(attempt, sent);
  }
}

// An endpoint that closes the connection on an upgrade has answered it: some servers do so for an unknown
// path. It is not tried again, however long the upgrade may be held.
bool Dispatch::is_settled() const { return facts_.is_socket && retry_.broken > 0; }

void Dispatch::keep_for_replay() {
  const http::RequestHead& request = exchange_.stream.request();
  const upstream::RetryModel& rules = group().retries;
  if (request.body == http::BodyKind::none || rules.body_size == 0) return;
  if (!may_repeat(request.method, rules)) return;
  if (request.body == http::BodyKind::length && request.content_length > rules.body_size) return;
  replay_ = std::make_unique<Replay>(group_.state().replay_bytes, rules.body_size);
}

upstream::Pick Dispatch::next_endpoint() {
  const bool is_retry = retry_.attempts > 0 && !retry_.next_is_free;
  if (is_retry && retry_.attempts > group().retries.attempts) return {};
  // No request overtakes those that wait in the queue for a permit.
  const bool others_wait = group().queue && group_.state().permits.has_line();
  upstream::Pick pick = others_wait ? upstream::Pick{0, {}, true, false} : group_.pick(view(), retry_.tried);
  if (pick.permit) return admit(std::move(pick));
  if (pick.at_limit && retry_.attempts == 0)
    retry_.last =
        exchange_.failed(Cause::upstream_at_limit, Stage::connect, "max_requests of " + group().name);
  return pick;
}

upstream::RequestView Dispatch::view() const {
  return {facts_.client.address, exchange_.stream.request().headers, facts_.target.query,
          affinity_->endpoint()};
}

upstream::Pick Dispatch::admit(upstream::Pick pick) {
  const upstream::RetryModel& rules = group().retries;
  const bool free = std::exchange(retry_.next_is_free, false);
  const bool is_retry = retry_.attempts > 0 && !free;
  upstream::Endpoint& endpoint = *pick.permit.endpoint();
  // With hold on, an endpoint whose health checks fail is never tried: the request can wait for a check
  // instead.
  if (group().hold && endpoint.availability() == upstream::Availability::down) return {};
  if (is_retry && !group_.state().retry_budget.take_retry(exchange_.services.turn.now, rules.budget))
    return {};
  if (!free) ++retry_.attempts;
  endpoint.ejection().on_attempt(exchange_.services.turn.now);
  affinity_->note_pick(pick.stands_in);
  return pick;
}

Task<Result<upstream::Pick>> Dispatch::wait_for_permit() {
  const upstream::QueueModel& rules = *group().queue;
  const upstream::RequestView request = view();
  upstream::PermitQueue::Waiter waiter(group_.state().permits, group_, request, retry_.tried);
  if (!waiter.enter(rules.size)) {
    report_.detail =
        "queue of " + group().name + ": " + std::to_string(rules.size) + " requests wait already";
    co_return base::fail(Cause::upstream_at_limit, Stage::connect);
  }
  base::Phase phase(exchange_.scope, Stage::connect, rules.timeout, Cause::upstream_at_limit);
  const InLine waiting(exchange_);
  const base::Instant began = exchange_.services.turn.now;
  Result<upstream::Pick> found = co_await waiter.permit(exchange_.scope);
  report_.stages.held = report_.stages.held.value_or(base::Duration::zero()) + exchange_.since(began);
  if (waiter.gave_way())
    report_.detail = "queue of " + group().name + ": " + std::to_string(rules.size) +
                     " requests wait already, and of this client more than of others";
  else if (!found && found.error().cause == Cause::upstream_at_limit)
    report_.detail = "queue of " + group().name + ": no place came free in time, see max_requests";
  co_return std::move(found);
}

bool Dispatch::should_retry(size_t index, const Attempt& attempt, const Result<void>& sent) {
  const upstream::RetryModel& rules = group().retries;
  const http::Method method = exchange_.stream.request().method;
  const base::Instant now = exchange_.services.turn.now;
  const AttemptFacts facts{.sent = static_cast<bool>(attempt.lease),
                           .response_begun = attempt.lease && attempt.lease->response_begun(),
                           .body_consumed = attempt.uploading && !(replay_ && replay_->whole()),
                           .informed = informed_};
  if (sent) {
    note_answer(group_, index, now, attempt.head.status);
    if (!may_retry_status(attempt.head.status, facts, method, rules)) return false;
    retry_.tried.push_back(index);
    return true;
  }
  retry_.last = sent.error();
  const Cause cause = retry_.last.cause;
  // A pooled connection that was found closed says nothing about its endpoint, so the endpoint may be tried
  // once more, whatever the retry rules are.
  const bool stale = attempt.lease && attempt.lease->reused() && !retry_.stale_connection;
  const std::optional<upstream::Condition> condition = upstream::condition_of(cause, facts.sent);
  if (!stale && base::traits(cause).fault == base::Side::upstream)
    series().endpoints[index]->add(telemetry::EndpointCount::failures);
  if (condition && !stale) note_failure(group_, index, now, *condition, base::traits(cause).label);
  if (exchange_.scope.failure()) return false;
  if (stale && may_retry(cause, facts, method, default_retry)) {
    retry_.stale_connection = retry_.next_is_free = true;
    return true;
  }
  // However long a request is held, the number of attempts that break after they were sent is limited.
  if (facts.sent && ++retry_.broken > rules.attempts) return false;
  retry_.tried.push_back(index);
  return may_retry(cause, facts, method, rules);
}

Task<Result<void>> Dispatch::hold(std::optional<upstream::HoldQueue::Ticket>& ticket) {
  const upstream::HoldModel& rules = *group().hold;
  const base::Instant now = exchange_.services.turn.now;
  if (!ticket) {
    ticket.emplace(group_.state().held);
    if (!ticket->enter(rules.requests, facts_.client.address)) {
      report_.add_detail("hold: " + std::to_string(rules.requests) + " requests are held already");
      co_return base::fail(Cause::overloaded, Stage::connect);
    }
    // The time held before, for other reasons.
    held_since_ = now - report_.stages.held.value_or(base::Duration::zero());
    hold_until_ = now + rules.time;
    if (facts_.is_socket)
      hold_until_ = group_.state().waiting_clients->until(
          facts_.client.address_text, now + page_wait(exchange_, rules.time, rules.page_time), now);
  }
  if (*hold_until_ <= now && exchange_.since(held_since_) == base::Duration::zero())
    report_.add_detail("hold: an upgrade of this client has waited already");
  base::Phase phase(exchange_.scope, Stage::connect, std::max(*hold_until_ - now, base::Duration::zero()),
                    Cause::hold_expired);
  const InLine waiting(exchange_);
  Result<bool> turn = co_await ticket->line_up(exchange_.scope);
  ticket->leave_line();
  report_.stages.held = exchange_.since(held_since_);
  if (turn) co_return Result<void>();
  if (ticket->gave_way())
    report_.add_detail("hold: " + std::to_string(rules.requests) +
                       " requests are held already, and of this client more than of others");
  if (turn.error().cause == Cause::hold_expired && report_.detail.empty())
    report_.detail = "no endpoint passes its health checks";
  co_return base::fail(turn.error());
}

const telemetry::Series::Upstream& Dispatch::series() const {
  const auto place = &group() - exchange_.snapshot().groups.data();
  return exchange_.pin->series.upstreams[static_cast<size_t>(place)];
}

void Dispatch::count_attempt(size_t endpoint) const {
  const telemetry::Series::Upstream& own = series();
  own.all->add(telemetry::UpstreamCount::attempts);
  if (report_.attempts > 1) own.all->add(telemetry::UpstreamCount::retries);
  own.endpoints[endpoint]->add(telemetry::EndpointCount::attempts);
}

Task<Result<void>> Dispatch::send_once(size_t index, Attempt& attempt) {
  http::RequestHead& request = exchange_.stream.request();
  const upstream::EndpointModel& model = group().endpoints[index];
  report_.endpoint = attempt.endpoint = &model;
  exchange_.context->endpoint = model.text;
  address_to(model.authority, exchange_.route->rewriting, request);
  report_.detail.clear();  // of an earlier attempt
  report_.offending.clear();
  const bool body_lost = request.body != http::BodyKind::none && !(replay_ && replay_->whole());
  const bool repeatable = http::is_idempotent(request.method) && !body_lost;
  if (report_.attempts == 1)  // a retry needs a connection that is surely alive
    attempt.lease = exchange_.services.connector.reuse(group_, index, attempt.permit,
                                                       repeatable ? base::no_limit : upstream::fresh_max_age);
  if (!attempt.lease) {
    Task<Result<void>> connecting = connect(index, attempt);
    Result<void> connected = co_await connecting;
    if (!connected) co_return base::fail(connected.error());
  }

  http::UpstreamStream& to = *attempt.lease;
  if (request.body == http::BodyKind::none) {
    to.request_body().end();
    to.send(request);
  } else {
    to.send(request);
    attempt.uploading = upload(to);
    attempt.uploading.begin();
  }
  const base::Instant sent = exchange_.services.turn.now;
  Task<Result<void>> awaiting = await_head(attempt);
  Result<void> head = co_await awaiting;
  report_.stages.response_head = exchange_.since(sent);
  if (!head) co_return base::fail(head.error());
  note_deviations(to);
  co_return Result<void>();
}

// Dials the endpoint.
Task<Result<void>> Dispatch::connect(size_t index, Attempt& attempt) {
  const base::Instant began = exchange_.services.turn.now;
  std::string tried;
  std::optional<base::Phase> limit;
  if (hold_until_)
    limit.emplace(exchange_.scope, Stage::connect, std::max(*hold_until_ - began, base::Duration::zero()),
                  Cause::hold_expired);
  else if (facts_.is_socket && group_.state().waiting_clients->knows(facts_.client.address_text, began))
    limit.emplace(exchange_.scope, Stage::connect, page_wait(exchange_, group().connect_limit, beside_others),
                  Cause::upstream_timed_out);
  std::optional<net::ProxyRoute> client_route;
  if (group().proxy_protocol) client_route = route_of(facts_.client, exchange_.stream.client());
  Task<Result<upstream::Lease>> connecting = exchange_.services.connector.connect(
      exchange_.scope, group_, index, client_route, attempt.permit, tried);
  Result<upstream::Lease> connected = co_await connecting;
  report_.stages.connect = exchange_.since(began);
  if (!connected) {
    report_.detail = group().endpoints[index].text + ": " + tried;
    // With `hold`, this is noted when the request is held.
    if (facts_.is_socket && connected.error().cause == Cause::upstream_timed_out && !group().hold)
      group_.state().waiting_clients->until(facts_.client.address_text, began, exchange_.services.turn.now);
    co_return base::fail(connected.error());
  }
  attempt.lease = std::move(*connected);
  group_.state().held.on_connected();
  co_return Result<void>();
}

Task<Result<void>> Dispatch::await_head(Attempt& attempt) {
  base::Phase phase(exchange_.scope, Stage::response_head, base::no_limit);
  // An upload has its own limits: the endpoint need not answer before it has the whole request.
  HeadLimit limit(*this);
  if (!attempt.uploading || attempt.uploading.done()) limit.begin();
  base::Slot<http::ResponseHead>& response = attempt.lease->response();
  for (;;) {
    Result<http::ResponseHead> head = co_await response.take(exchange_.scope);
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
    // A client whose first message was awaited has its 101 already.
    if (!exchange_.first_message.opened()) exchange_.stream.inform(*head);
  }
}

void Dispatch::describe_failure(const Attempt& attempt, Error error) {
  if (error.cause == Cause::body_too_large)
    report_.detail = "the body is larger than " + std::to_string(exchange_.limits().body_size) + " bytes";
  else if (error.cause == Cause::client_timed_out || error.cause == Cause::client_too_slow)
    report_.detail = client_pace_detail(exchange_, error);
  else if (!attempt.lease->fault().detail.empty())
    report_.note_fault(attempt.lease->fault());
  else if (error.cause == Cause::upstream_timed_out && error.stage == Stage::response_body)
    report_.detail = "no byte of the response came for " + in_milliseconds(group().idle_limit) +
                     ", see timeouts.idle of upstream " + group().name;
  else if (error.cause == Cause::upstream_stream_silent)
    report_.detail = "no byte came for " + in_milliseconds(group().stream_idle_limit) +
                     ", see timeouts.stream_idle of upstream " + group().name;
  else if (base::traits(error.cause).fault == base::Side::upstream)  // other details are not for the client
    report_.detail = attempt.endpoint->unix_path.empty()
                         ? attempt.endpoint->text + " at " + attempt.lease->peer().text()
                         : attempt.endpoint->text;
}

Task<Result<void>> Dispatch::upload(http::UpstreamStream& to) {
  const routing::TransferLimits own = exchange_.limits();
  base::PumpLimits limits;
  limits.stage = Stage::request_body;
  limits.source = {own.idle, Cause::client_timed_out, own.request_rate, Cause::client_too_slow};
  limits.sink = {group().idle_limit, Cause::upstream_timed_out, 0, Cause::upstream_timed_out, &to};
  limits.bytes_max = own.body_size;
  if (replay_) {
    replay_->send_again(to.request_body());
    limits.watcher = replay_.get();
  }
  std::optional<base::Phase> whole;
  if (own.request != base::no_limit)
    whole.emplace(upload_scope_, Stage::request_body,
                  std::max(own.request - exchange_.since(exchange_.started), base::Duration::zero()),
                  Cause::client_timed_out);
  Task<Result<base::Pumped>> pumping = base::pump(upload_scope_, exchange_.stream.request_body(),
                                                  to.request_body(), limits, report_.request_bytes);
  Result<base::Pumped> pumped = co_await pumping;
  if (!pumped) {
    to.request_body().abort(pumped.error());
    co_return base::fail(pumped.error());
  }
  to.request_body().end();  // trailers of requests are dropped
  if (head_limit_) head_limit_->begin();
  co_return Result<void>();
}

// --- the response ---

void Dispatch::finish_head(const Attempt& attempt, http::ResponseHead& head) const {
  const bool has_address = attempt.endpoint->unix_path.empty();
  rewrite_response(exchange_.snapshot(),
                   {.rewriting = exchange_.route->rewriting,
                    .endpoint = *attempt.endpoint,
                    .client = facts_.client,
                    .request_id = facts_.request_id,
                    .sent = exchange_.stream.request().headers,
                    .endpoints = group().endpoints,
                    .peer = has_address ? std::optional(attempt.lease->peer()) : std::nullopt,
                    .now_unix = exchange_.context->now_unix},
                   head);
  if (group().sticky && !head.interim())
    affinity_->keep_session(index_of(attempt), exchange_.services.unix_now(), facts_.client.tls, head);
  exchange_.route->pipeline.amend(*exchange_.context, head);
}

void Dispatch::learn(const Attempt& attempt) {
  if (group().learn) affinity_->learn(index_of(attempt), exchange_.stream.request().method, attempt.head);
}

size_t Dispatch::index_of(const Attempt& attempt) const {
  return static_cast<size_t>(attempt.endpoint - group().endpoints.data());
}

void Dispatch::note_deviations(http::UpstreamStream& from) const {
  for (const http::SeenDeviation& seen : from.take_deviations()) {
    const telemetry::EndpointCount count = telemetry::row_of(seen.kind).count;
    const upstream::EndpointModel& endpoint = *report_.endpoint;
    telemetry::EndpointSeries& of_endpoint =
        *series().endpoints[static_cast<size_t>(&endpoint - group().endpoints.data())];
    of_endpoint.add(count);
    // All are counted, but a worker logs only the first of each kind per endpoint.
    if (of_endpoint[count] > 1) continue;
    exchange_.services.access_log.deviation({.deviation = seen.kind,
                                             .request_id = facts_.request_id,
                                             .upstream = group().name,
                                             .endpoint = endpoint.text,
                                             .offending = seen.bytes});
  }
}

}  // namespace postern::proxy
