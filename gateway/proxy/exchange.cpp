#include "proxy/exchange.h"

#include <algorithm>

#include "base/ascii.h"
#include "coding/encoding_pump.h"
#include "files/send_file.h"
#include "http/hop_by_hop.h"
#include "http1/websocket_handshake.h"
#include "proxy/failure_response.h"
#include "proxy/response_rewrite.h"
#include "proxy/retry.h"
#include "upstream/connector.h"
#include "upstream/passive_health.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;

namespace {

// A subprotocol may be a client's way to send a token ("bearer.<token>"); such a one is not for the log.
bool may_hold_token(std::string_view subprotocol) {
  constexpr size_t shortest_token = 40;
  return subprotocol.starts_with("bearer.") || (subprotocol.size() >= shortest_token &&
                                                std::count(subprotocol.begin(), subprotocol.end(), '.') >= 2);
}

std::string milliseconds(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

// For the second try that a stale pooled connection is owed.
const upstream::RetryModel usual_rules;

// Of a response's body, when it is known: it was announced, or all of it is here already.
std::optional<uint64_t> size_of(Attempt& attempt, http::Method method) {
  if (attempt.head.body == http::BodyKind::length) return attempt.head.content_length;
  if (method == http::Method::head) return std::nullopt;
  base::Channel& body = attempt.lease->response_body();
  if (body.closed() && !body.aborted()) return body.bytes();
  return std::nullopt;
}

}  // namespace

Exchange::Exchange(Services& services, Pin pin, http::ServerStream& stream,
                   const routing::TransferLimits& limits)
    : services_(services),
      pin_(std::move(pin)),
      stream_(stream),
      listener_limits_(limits),
      scope_(services.turn),
      upload_scope_(scope_),
      started_(services.turn.now) {}

Task<Outcome> Exchange::run() {
  Task<Result<void>> serving = serve();
  Result<void> served = co_await serving;
  if (!served) answer_failure(served.error());
  record();
  co_return Outcome{tunnelled_};
}

Task<Result<void>> Exchange::serve() {
  // 1. Which route is this?
  scope_.stage = Stage::routing;
  if (Result<void> read = read_request(); !read) co_return read;
  if (Result<void> redirected = redirect_if_asked(); !redirected || answered_) co_return redirected;
  if (Result<void> found = find_route(); !found || answered_) co_return found;

  if (scope_.failure()) co_return base::fail(*scope_.failure());

  // 2. May it pass? A policy answers, or lets it through.
  scope_.stage = Stage::policy;
  policy::Verdict verdict = route_->pipeline.judge(*context_);
  if (verdict.answers()) {
    answer(std::move(verdict.response()));
    co_return Result<void>();
  }

  // What the route answers by itself, or:
  if (const auto* folder = std::get_if<routing::Files>(&route_->action)) {
    Task<Result<void>> serving = serve_files(*folder->site);
    Result<void> served = co_await serving;
    co_return served;
  }
  const auto* to_upstream = std::get_if<routing::ToUpstream>(&route_->action);
  if (!to_upstream) co_return answer_locally();

  // 3. Send it to an endpoint, trying another while nothing is lost by it.
  upstream::Group& group = *pin_->groups[to_upstream->group];
  group_ = &group.model();
  note_encodings();
  Task<Result<Attempt>> sending = send_with_retries(group);
  Result<Attempt> attempt = co_await sending;
  if (!attempt) co_return base::fail(attempt.error());

  // 4. The response, as this client may see it.
  if (attempt->head.status == 101) co_return open_tunnel(*attempt);
  finish_head(attempt->head);

  // 5. Bytes, until both sides are done.
  const std::unique_ptr<coding::Encoder> encoder =
      begin_encoding(size_of(*attempt, stream_.request().method), attempt->head);
  status_ = attempt->head.status;
  answered_ = true;
  stream_.respond(attempt->head);
  Task<Result<void>> copying = copy_response(*attempt, encoder.get());
  Result<void> copied = co_await copying;
  co_return copied;
}

// --- 1. the request ---

Result<void> Exchange::read_request() {
  http::RequestHead& request = stream_.request();
  original_target_ = request.target;
  authority_ = request.authority;
  client_ = identify(snapshot(), stream_.client(), request);

  if (!snapshot().request_id_field.empty()) {
    const http::HeaderField* given =
        client_.trusted_proxy ? request.headers.find(snapshot().request_id_field) : nullptr;
    if (given && telemetry::is_acceptable_request_id(given->value)) {
      request_id_ = given->value;
    } else {
      made_id_ = services_.request_ids.next();
      request_id_ = made_id_.view();
    }
  }
  if (request.target != "*") {
    const tl::expected<void, std::string_view> read = http::read_target(request.target, target_);
    if (!read) return base::fail(failed(Cause::bad_request, Stage::routing, read.error()));
  }
  context_.emplace(policy::RequestContext{.request = request,
                                          .target = target_,
                                          .client = client_.address,
                                          .now_unix = services_.unix_now(),
                                          .tokens = services_.tokens,
                                          .now = services_.turn.now,
                                          .tls = client_.tls,
                                          .request_id = request_id_});
  return {};
}

Result<void> Exchange::redirect_if_asked() {
  const http::ClientFacts& facts = stream_.client();
  if (!facts.redirect_port || client_.tls) return {};  // a trusted proxy in front has https already
  const auto authority = http::read_authority(authority_);
  if (!authority || authority->host.empty())
    return base::fail(failed(Cause::bad_request, Stage::routing, "a redirect needs a Host"));
  std::string location = "https://";
  const bool v6 = authority->host.find(':') != std::string_view::npos;
  location += v6 ? "[" + std::string(authority->host) + "]" : std::string(authority->host);
  if (*facts.redirect_port != 443) location += ":" + std::to_string(*facts.redirect_port);
  location += original_target_ == "*" ? std::string_view("/") : original_target_;
  http::LocalResponse response;
  response.status = 308;
  response.headers.emplace_back("Location", std::move(location));
  answer(std::move(response));
  return {};
}

Result<void> Exchange::find_route() {
  const http::RequestHead& request = stream_.request();
  const auto authority = http::read_authority(authority_);
  const std::string_view host = authority ? authority->host : std::string_view();
  const std::string_view path = request.target == "*" ? std::string_view("/") : target_.path;
  routing::Match match =
      snapshot().routes.match({.host = host, .path = path, .method = routing::method_to_match(request)});
  // A preflight is for the route that will get the request it asks for, if that route answers it. Else it is
  // an OPTIONS like any other, and must not pass by another method's route.
  if (match.route && !match.route->answers_preflights)
    match = snapshot().routes.match({.host = host, .path = path, .method = request.method_text});
  // Dots that lead from one route's paths to another's: an endpoint that reads them otherwise would serve the
  // one under the rules of the other.
  if (!target_.climbed_from.empty() &&
      snapshot().routes.match({host, target_.climbed_from, request.method_text}).route !=
          snapshot().routes.match({host, path, request.method_text}).route)
    return base::fail(failed(Cause::bad_request, Stage::routing, "dot segments lead out of a route's path"));
  route_ = match.route;
  if (route_) {
    context_->route = route_->name;
    context_->body_size_max = limits().body_size;
    if (request.upgrade != http::Upgrade::websocket) return {};
    const tl::expected<void, std::string_view> handshake = http1::check_websocket_request(request);
    if (!handshake) return base::fail(failed(Cause::upgrade_required, Stage::routing, handshake.error()));
    return {};
  }
  if (match.path_matched_other_method) {
    http::LocalResponse response = http::refusal(Cause::method_not_allowed, "allowed: " + match.allow);
    response.headers.emplace_back("Allow", match.allow);
    answer(std::move(response));
    return {};
  }
  return base::fail(failed(Cause::no_route, Stage::routing, {}));
}

// --- 3. the endpoint ---

Result<void> Exchange::prepare_request(const upstream::GroupModel& group) {
  http::RequestHead& request = stream_.request();
  context_->upstream = group.name;
  rewrite_request(snapshot(), stream_.client(), client_, *context_, request_id_,
                  group.endpoints.front().authority, route_->rewriting, request);
  if (group.sticky) open_session();
  if (!route_->rewriting.path) return {};
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
  keep_for_replay(group);
  Trying trying;
  std::optional<upstream::HoldQueue::Ticket> ticket;
  upstream::Pick pick = next_endpoint(group, trying);
  for (;;) {
    if (pick.at_limit && group.model().queue) {
      Task<Result<upstream::Pick>> waiting = wait_for_place(group, trying);
      Result<upstream::Pick> place = co_await waiting;
      if (!place) co_return base::fail(place.error());
      pick = admit(group, trying, std::move(*place));
    }
    if (!pick.place) {
      if (pick.at_limit || !group.model().hold) co_return base::fail(trying.last);
      Task<Result<void>> holding = hold(group, ticket);
      Result<void> held = co_await holding;
      if (!held) co_return base::fail(held.error());
      trying.begin_turn();
      pick = next_endpoint(group, trying);
      continue;
    }
    ++attempts_;
    Attempt attempt;
    attempt.place = std::move(pick.place);
    count_attempt(pick.index);
    Task<Result<void>> sending = send_once(group, pick.index, attempt);
    Result<void> sent = co_await sending;
    const bool again = wants_another(group, pick.index, attempt, sent, trying);
    if (again) pick = next_endpoint(group, trying);
    if (sent && (!again || !pick.place)) {
      if (replay_) replay_->let_go();
      co_return std::move(attempt);
    }
    if (!again) co_return base::fail(trying.last);
  }
}

void Exchange::keep_for_replay(upstream::Group& group) {
  const http::RequestHead& request = stream_.request();
  const upstream::RetryModel& rules = group.model().retries;
  if (request.body == http::BodyKind::none || rules.body_size == 0) return;
  if (!http::is_idempotent(request.method) && !rules.non_idempotent) return;
  if (request.body == http::BodyKind::length && request.content_length > rules.body_size) return;
  replay_ = std::make_unique<Replay>(group.state().replay_bytes, rules.body_size);
}

upstream::Pick Exchange::next_endpoint(upstream::Group& group, Trying& trying) {
  const bool retry = trying.attempts > 0 && !trying.next_is_free;
  if (retry && trying.attempts > group.model().retries.attempts) return {};
  // Nobody overtakes those who wait for a place.
  const bool others_wait = group.model().queue && group.state().places.has_line();
  upstream::Pick pick = others_wait ? upstream::Pick{0, {}, true, false} : group.pick(view(), trying.tried);
  if (pick.place) return admit(group, trying, std::move(pick));
  if (pick.at_limit && trying.attempts == 0)
    trying.last = failed(Cause::upstream_at_limit, Stage::connect, "max_requests of " + group.model().name);
  return pick;
}

upstream::RequestView Exchange::view() const {
  return {client_.address, stream_.request().headers, target_.query,
          session_ ? std::optional(session_->endpoint) : std::nullopt};
}

upstream::Pick Exchange::admit(upstream::Group& group, Trying& trying, upstream::Pick pick) {
  const upstream::RetryModel& rules = group.model().retries;
  const bool free = std::exchange(trying.next_is_free, false);
  const bool retry = trying.attempts > 0 && !free;
  upstream::Endpoint& endpoint = *pick.place.endpoint();
  // Who may wait until a check passes asks nobody whose checks fail.
  if (group.model().hold && endpoint.standing() == upstream::Standing::down) return {};
  if (retry && !group.state().retry_budget.take_retry(services_.turn.now, rules.budget)) return {};
  if (!free) ++trying.attempts;
  endpoint.ejection().on_attempt(services_.turn.now);
  session_waits_ = pick.stands_in;
  return pick;
}

Task<Result<upstream::Pick>> Exchange::wait_for_place(upstream::Group& group, const Trying& trying) {
  const upstream::QueueModel& rules = *group.model().queue;
  const upstream::RequestView request = view();
  upstream::PlaceQueue::Waiter waiter(group.state().places, group, request, trying.tried);
  if (!waiter.enter(rules.size)) {
    detail_ = "queue of " + group.model().name + ": " + std::to_string(rules.size) + " requests wait already";
    co_return base::fail(Cause::upstream_at_limit, Stage::connect);
  }
  base::Phase phase(scope_, Stage::connect, rules.timeout, Cause::upstream_at_limit);
  const base::Instant began = services_.turn.now;
  Result<upstream::Pick> found = co_await waiter.place(scope_);
  stages_.held = stages_.held.value_or(base::Duration::zero()) + since(began);
  if (!found && found.error().cause == Cause::upstream_at_limit)
    detail_ = "queue of " + group.model().name + ": no place came free in time, see max_requests";
  co_return std::move(found);
}

bool Exchange::wants_another(upstream::Group& group, size_t index, const Attempt& attempt,
                             const Result<void>& sent, Trying& trying) {
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
    trying.tried.push_back(index);
    return true;
  }
  trying.last = sent.error();
  const Cause cause = trying.last.cause;
  // A pooled connection that turns out to be closed says nothing about its endpoint: it may be asked once
  // more, whatever the rules.
  const bool stale = attempt.lease && attempt.lease->reused() && !trying.stale_connection;
  const std::optional<upstream::Condition> condition = upstream::condition_of(cause, facts.sent);
  if (!stale && base::traits(cause).fault == base::Side::upstream)
    upstream_series().endpoints[index]->add(telemetry::EndpointCount::failures);
  if (condition && !stale) note_failure(group, index, now, *condition, base::traits(cause).label);
  if (scope_.failure()) return false;
  if (stale && may_retry(cause, facts, method, usual_rules)) {
    trying.stale_connection = trying.next_is_free = true;
    return true;
  }
  // However long a request is held, it does not break one connection after the other.
  if (facts.sent && ++trying.broken > rules.attempts) return false;
  trying.tried.push_back(index);
  return may_retry(cause, facts, method, rules);
}

Task<Result<void>> Exchange::hold(upstream::Group& group,
                                  std::optional<upstream::HoldQueue::Ticket>& ticket) {
  const upstream::HoldModel& rules = *group.model().hold;
  const base::Instant now = services_.turn.now;
  if (!ticket) {
    ticket.emplace(group.state().held);
    if (!ticket->enter(rules.requests)) {
      detail_ += (detail_.empty() ? "hold: " : "; hold: ") + std::to_string(rules.requests) +
                 " requests are held already";
      co_return base::fail(Cause::overloaded, Stage::connect);
    }
    held_since_ = now;
    hold_until_ = now + rules.time;
  }
  base::Phase phase(scope_, Stage::connect, std::max(*hold_until_ - now, base::Duration::zero()),
                    Cause::hold_expired);
  Result<bool> turn = co_await ticket->line_up(scope_);
  ticket->leave_line();
  stages_.held = since(held_since_);
  if (turn) co_return Result<void>();
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
  detail_.clear();  // of an attempt before
  offending_.clear();
  const bool body_lost = request.body != http::BodyKind::none && !(replay_ && replay_->whole());
  const bool repeatable = http::is_idempotent(request.method) && !body_lost;
  if (attempts_ == 1)  // a second try wants a connection that is surely alive
    attempt.lease = upstream::take_idle(services_.turn, services_.dialer, group, index, attempt.place,
                                        repeatable ? base::no_limit : upstream::surely_open);
  if (!attempt.lease) {
    const base::Instant began = services_.turn.now;
    std::string tried;
    std::optional<base::Phase> limit;
    if (hold_until_)
      limit.emplace(scope_, Stage::connect, std::max(*hold_until_ - began, base::Duration::zero()),
                    Cause::hold_expired);
    std::optional<net::ProxyRoute> client_route;
    if (group.model().proxy_protocol) client_route = route_of(client_, stream_.client());
    Task<Result<upstream::Lease>> connecting = upstream::connect(
        scope_, services_.turn, services_.dialer, group, index, client_route, attempt.place, tried);
    Result<upstream::Lease> connected = co_await connecting;
    stages_.connect = since(began);
    if (!connected) {
      detail_ = model.text + ": " + tried;
      co_return base::fail(connected.error());
    }
    attempt.lease = std::move(*connected);
    group.state().held.on_connected();
  }

  http1::ClientConnection& connection = *attempt.lease;
  if (request.body == http::BodyKind::none) {
    connection.request_body().end();
    connection.send(request);
  } else {
    connection.send(request);
    attempt.uploading = upload(group, connection);
    attempt.uploading.begin();
  }
  const base::Instant sent = services_.turn.now;
  Task<Result<void>> awaiting = await_head(attempt);
  Result<void> head = co_await awaiting;
  stages_.response_head = since(sent);
  if (!head) co_return base::fail(head.error());
  co_return Result<void>();
}

Task<Result<void>> Exchange::await_head(Attempt& attempt) {
  base::Phase phase(scope_, Stage::response_head, base::no_limit);
  // An upload has limits of its own: the endpoint is expected to answer once it has the whole request.
  HeadLimit limit(*this);
  if (!attempt.uploading || attempt.uploading.done()) limit.begin();
  http1::ClientConnection& connection = *attempt.lease;
  for (;;) {
    Result<http::ResponseHead> head = co_await connection.response().take(scope_);
    if (!head) {
      describe_failure(attempt, head.error());
      co_return base::fail(head.error());
    }
    if (!head->interim()) {
      attempt.head = std::move(*head);
      co_return Result<void>();
    }
    http::remove_hop_by_hop(head->headers);
    informed_ = true;
    stream_.inform(*head);
  }
}

void Exchange::describe_failure(const Attempt& attempt, Error error) {
  const routing::TransferLimits limits = this->limits();
  if (error.cause == Cause::body_too_large)
    detail_ = "the body is larger than " + std::to_string(limits.body_size) + " bytes";
  else if (error.cause == Cause::client_timed_out)
    detail_ = since(started_) >= limits.request
                  ? "the request is not whole after " + milliseconds(limits.request)
              : error.stage == Stage::request_body
                  ? "no byte of the body came for " + milliseconds(limits.idle)
                  : "no byte of the body was taken for " + milliseconds(limits.idle);
  else if (error.cause == Cause::client_too_slow)
    detail_ =
        "fewer than " +
        std::to_string(error.stage == Stage::request_body ? limits.request_rate : limits.response_rate) +
        " bytes of the body in a second";
  else if (!attempt.lease->fault().detail.empty())
    blame(attempt.lease->fault());
  else if (base::traits(error.cause).fault == base::Side::upstream)  // no client's business otherwise
    detail_ = attempt.endpoint->unix_path.empty()
                  ? attempt.endpoint->text + " at " + attempt.lease->peer().text()
                  : attempt.endpoint->text;
}

Task<Result<void>> Exchange::upload(upstream::Group& group, http1::ClientConnection& connection) {
  const routing::TransferLimits own = this->limits();
  base::PumpLimits limits;
  limits.stage = Stage::request_body;
  limits.source = {own.idle, Cause::client_timed_out, own.request_rate, Cause::client_too_slow};
  limits.sink = {group.model().idle_limit, Cause::upstream_timed_out};
  limits.bytes_max = own.body_size;
  if (replay_) {
    replay_->send_again(connection.request_body());
    limits.watcher = replay_.get();
  }
  std::optional<base::Phase> whole;
  if (own.request != base::no_limit)
    whole.emplace(upload_scope_, Stage::request_body,
                  std::max(own.request - since(started_), base::Duration::zero()), Cause::client_timed_out);
  Task<Result<base::Pumped>> pumping =
      base::pump(upload_scope_, stream_.request_body(), connection.request_body(), limits, request_bytes_);
  Result<base::Pumped> pumped = co_await pumping;
  if (!pumped) {
    connection.request_body().abort(pumped.error());
    co_return base::fail(pumped.error());
  }
  connection.request_body().end();  // trailers of requests are dropped
  if (head_limit_) head_limit_->begin();
  co_return Result<void>();
}

// --- sessions ---

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

// --- 4. and 5. the response ---

void Exchange::finish_head(http::ResponseHead& head) const {
  rewrite_response(snapshot(),
                   {.rewriting = route_->rewriting,
                    .endpoint = *endpoint_,
                    .client = client_,
                    .request_id = request_id_,
                    .sent = stream_.request().headers},
                   head);
  if (group_->sticky) keep_session(head);
  route_->pipeline.amend(*context_, head);
}

// The client's fields may be rewritten for the endpoint: they are looked at before.
void Exchange::note_encodings() {
  if (!route_->compression) return;
  const http::RequestHead& request = stream_.request();
  encodable_.accepted = coding::Accepted::read(request.headers);
  const http::HeaderField* held = request.headers.find("If-None-Match");
  if (held) encodable_.if_none_match = held->value;
}

// Null: the body goes as it is, or there is none.
std::unique_ptr<coding::Encoder> Exchange::begin_encoding(std::optional<uint64_t> size,
                                                          http::ResponseHead& head) const {
  if (!route_->compression) return nullptr;
  const coding::Coding coding = coding::negotiate(*route_->compression, encodable_, size, head);
  if (coding == coding::Coding::identity || stream_.request().method == http::Method::head) return nullptr;
  return coding::make_encoder(coding, route_->compression->levels, size);
}

base::PumpLimits Exchange::response_limits(base::Duration source_idle) const {
  const routing::TransferLimits own = this->limits();
  base::PumpLimits limits;
  limits.stage = Stage::response_body;
  limits.source = {source_idle, Cause::upstream_timed_out};
  limits.sink = {own.idle, Cause::client_timed_out, own.response_rate, Cause::client_too_slow};
  return limits;
}

Task<Result<void>> Exchange::copy_response(Attempt& attempt, coding::Encoder* encoder) {
  const base::PumpLimits limits = response_limits(group_->idle_limit);
  const base::Instant began = services_.turn.now;
  http1::ClientConnection& connection = *attempt.lease;
  Task<Result<base::Pumped>> pumping =
      encoder
          ? coding::pump_encoded(scope_, connection.response_body(), stream_.response_body(), *encoder,
                                 limits, response_bytes_)
          : base::pump(scope_, connection.response_body(), stream_.response_body(), limits, response_bytes_);
  Result<base::Pumped> pumped = co_await pumping;
  stages_.body = since(began);
  if (!pumped) {
    describe_failure(attempt, pumped.error());
    co_return base::fail(pumped.error());
  }
  if (!connection.trailers().empty()) stream_.set_trailers(connection.trailers());
  stream_.response_body().end();
  co_return Result<void>();
}

Result<void> Exchange::open_tunnel(Attempt& attempt) {
  const tl::expected<void, std::string> fits =
      http1::check_websocket_response(stream_.request(), attempt.head)
          .map_error([](std::string_view sentence) { return std::string(sentence); });
  if (!fits) return base::fail(failed(Cause::upstream_bad_handshake, Stage::response_head, fits.error()));
  std::unique_ptr<net::Transport> upstream_side = attempt.lease->take_tunnel();
  finish_head(attempt.head);
  if (!context_->selected_subprotocol.empty() && !attempt.head.headers.find(FieldId::sec_websocket_protocol))
    attempt.head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol",
                             context_->selected_subprotocol);
  std::unique_ptr<net::Transport> client_side = stream_.accept_tunnel(attempt.head);
  if (!client_side || !upstream_side)
    return base::fail(
        failed(Cause::client_closed, Stage::response_head, "the client left during the handshake"));
  status_ = 101;
  answered_ = tunnelled_ = true;
  const std::string target = logged(original_target_);
  const std::string rewritten = logged(rewritten_target_);
  telemetry::TunnelRecord facts;
  facts.request_id = request_id_;
  facts.client = client_.address_text;
  facts.host = authority_;
  facts.target = target;
  facts.rewritten = rewritten;
  facts.route = route_->name;
  facts.upstream = group_->name;
  facts.endpoint = attempt.endpoint->text;
  const std::string_view subprotocol = attempt.head.headers.get(FieldId::sec_websocket_protocol);
  facts.subprotocol = may_hold_token(subprotocol) ? "***" : subprotocol;
  facts.handshake_duration = since(started_);
  facts.held_duration = stages_.held;
  services_.tunnels.open(std::move(client_side), std::move(upstream_side), std::move(attempt.lease),
                         TunnelFacts(facts, snapshot().access_log),
                         TunnelTerms{limits().tunnel_idle, route_->terms});
  return {};
}

// --- answers of our own ---

Task<Result<void>> Exchange::serve_files(const files::Site& site) {
  note_encodings();
  const http::RequestHead& request = stream_.request();
  std::string rewritten;
  http::Target below;  // where the file is looked for, when that is elsewhere than the client says
  if (route_->rewriting.path) {
    auto applied = route_->rewriting.path->apply(target_);
    if (!applied) co_return base::fail(failed(Cause::bad_request, Stage::routing, applied.error()));
    if (*applied) rewritten = std::move(**applied);
    const auto read = http::read_target(rewritten.empty() ? target_.path : rewritten, below);
    if (!read) co_return base::fail(failed(Cause::bad_request, Stage::routing, read.error()));
  }
  std::variant<files::Found, http::LocalResponse> answer_or_found =
      site.answer({.head = request,
                   .path = route_->rewriting.path ? below.path : target_.path,
                   .public_path = target_.path,
                   .query = target_.query,
                   .has_query = target_.has_query,
                   .now_unix = context_->now_unix});
  if (auto* local = std::get_if<http::LocalResponse>(&answer_or_found)) {
    answer(std::move(*local));
    co_return Result<void>();
  }
  auto& found = std::get<files::Found>(answer_or_found);
  if (route_->compression && coding::is_listed(route_->compression->types, found.content_type))
    coding::add_vary(found.head);  // of a 304 too, which does not name its type
  const std::unique_ptr<coding::Encoder> encoder = begin_encoding(found.length, found.head);
  if (!request_id_.empty()) found.head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  route_->pipeline.amend(*context_, found.head);
  if (!stream_.request_body().closed()) stream_.close_after_response();  // the rest of it is not waited for
  status_ = found.head.status;
  answered_ = true;
  stream_.respond(found.head);
  if (request.method != http::Method::head) {
    const base::PumpLimits limits = response_limits(base::no_limit);
    const base::Instant began = services_.turn.now;
    Task<Result<base::Pumped>> sending =
        files::send_file(scope_, found.file, found.offset, found.length, encoder.get(),
                         stream_.response_body(), limits, response_bytes_);
    Result<base::Pumped> sent = co_await sending;
    stages_.body = since(began);
    if (!sent) {
      if (sent.error().cause == Cause::file_unreadable) detail_ = "the file became shorter while it was sent";
      co_return base::fail(sent.error());
    }
  }
  stream_.response_body().end();
  co_return Result<void>();
}

Result<void> Exchange::answer_locally() {
  if (const auto* redirect = std::get_if<routing::Redirect>(&route_->action)) {
    if (authority_.empty() && redirect->to.uses(policy::Placeholder::host))
      return base::fail(failed(Cause::bad_request, Stage::policy, "a redirect needs a Host"));
    http::LocalResponse response;
    response.status = redirect->status;
    response.headers.emplace_back("Location", redirect->to.fill(*context_));
    answer(std::move(response));
    return {};
  }
  const auto& respond = std::get<routing::Respond>(route_->action);
  if (stream_.request().method == http::Method::options && !respond.allow.empty()) {
    http::LocalResponse response;
    response.status = 204;
    response.headers.emplace_back("Allow", respond.allow);
    answer(std::move(response));
  } else {
    answer(respond.response);
  }
  return {};
}

void Exchange::answer(http::LocalResponse response) {
  answered_ = true;
  if (!stream_.request_body().closed()) stream_.close_after_response();  // the rest of it is not waited for
  http::ResponseHead head;
  const std::string body = render(response,
                                  {.request_id = request_id_,
                                   .now_unix = services_.unix_now(),
                                   .pages = &snapshot().error_pages,
                                   .request = &stream_.request(),
                                   .target = original_target_},
                                  head);
  if (!request_id_.empty()) head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  if (route_)
    route_->pipeline.amend(*context_, head);
  else if (context_ && snapshot().unrouted)
    snapshot().unrouted->amend(*context_, head);
  status_ = head.status;
  if (response.cause && !failure_) {
    failure_ = Error{*response.cause, scope_.stage};
    detail_ = std::move(response.detail);
  }
  stream_.respond(head);
  response_bytes_ = body.size();
  stream_.response_body().push(base::Chunk::copy_of(body));
  stream_.response_body().end();
}

Error Exchange::failed(Cause cause, Stage stage, std::string_view detail) {
  detail_ = detail;
  return Error{cause, stage};
}

void Exchange::answer_failure(Error error) {
  if (!failure_) failure_ = error;
  if (client_fault_ && error.cause == client_fault_->cause) blame(*client_fault_);
  if (error.cause == Cause::client_closed) return;  // nobody is there to hear it
  if (answered_) {
    stream_.response_body().abort(error);  // ends with what it has, visibly cut
    return;
  }
  if (error.cause == Cause::bad_request) stream_.close_after_response();
  answer(failure_response(error, detail_));
}

void Exchange::blame(const http1::Fault& fault) {
  detail_ = fault.detail;
  offending_ = fault.bytes;
}

void Exchange::refuse(const http1::Fault& fault) {
  failure_ = Error{fault.cause, Stage::request_head};
  blame(fault);
  made_id_ = services_.request_ids.next();
  request_id_ = snapshot().request_id_field.empty() ? std::string_view() : made_id_.view();
  client_ = ClientIdentity{stream_.client().peer.ip, stream_.client().peer_text, false, stream_.client().tls};
  answer(failure_response(*failure_, detail_));
  record();
}

// --- the record: always, once ---

std::string Exchange::logged(std::string_view target) const {
  if (target.find('?') == std::string_view::npos) return std::string(target);
  const std::vector<std::string>& names = snapshot().redacted_parameters;
  if (!context_ || context_->token_query_parameter.empty()) return http::redact_target(target, names);
  std::vector<std::string> more = names;
  more.emplace_back(context_->token_query_parameter);
  return http::redact_target(target, more);
}

void Exchange::count() {
  telemetry::Metrics& metrics = services_.metrics;
  if (failure_) metrics.failures.add(*failure_);
  telemetry::RouteSeries* series = &metrics.unrouted;
  if (route_) series = &*pin_->series.routes[static_cast<size_t>(route_ - snapshot().routes.routes().data())];
  series->exchange(status_, since(started_), request_bytes_, response_bytes_);
}

void Exchange::record() {
  count();
  if (tunnelled_ || (!snapshot().access_log && !failure_)) return;  // what fails is always told
  const http::RequestHead& request = stream_.request();
  const std::string target = logged(original_target_);
  const std::string rewritten = logged(rewritten_target_);
  telemetry::ExchangeRecord record;
  record.request_id = request_id_;
  record.client = client_.address_text;
  record.method = request.method_text;
  record.host = authority_;
  record.target = target;
  record.rewritten = rewritten;
  record.version = request.version == http::Version::http1_0 ? "1.0" : "1.1";
  if (route_) record.route = route_->name;
  if (group_) record.upstream = group_->name;
  if (endpoint_) record.endpoint = endpoint_->text;
  record.user_agent = request.headers.get(FieldId::user_agent);
  record.attempts = attempts_;
  record.status = status_;
  record.tls = stream_.client().tls;
  record.request_bytes = request_bytes_;
  record.response_bytes = response_bytes_;
  record.duration = since(started_);
  record.stages = stages_;
  if (failure_) record.failure = telemetry::Failure{*failure_, detail_, offending_};
  services_.access_log.exchange(record);
}

}  // namespace postern::proxy
