#include "proxy/exchange.h"

#include <algorithm>

#include "base/error.h"
#include "coding/encoding_pump.h"
#include "http/escapes.h"
#include "http/path_prefix.h"
#include "http/websocket_handshake.h"
#include "policy/cors.h"
#include "policy/origin.h"
#include "policy/request_context.h"
#include "proxy/long_answer.h"
#include "proxy/response_rewrite.h"
#include "routing/agreement.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;

namespace {

// The size of a response's body, if it is known: it was announced, or the whole body has arrived already.
std::optional<uint64_t> size_of(Attempt& attempt, http::Method method) {
  if (attempt.head.body == http::BodyKind::length) return attempt.head.content_length;
  if (method == http::Method::head) return std::nullopt;
  base::Channel& body = attempt.lease->response_body();
  if (body.closed() && !body.aborted()) return body.bytes();
  return std::nullopt;
}

bool is_below_one_of(const std::vector<std::string>& prefixes, std::string_view path) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return http::is_below(path, prefix); });
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

Exchange::~Exchange() = default;

Task<Outcome> Exchange::run() {
  Task<Result<void>> serving = serve();
  Result<void> served = co_await serving;
  if (!served) answer_failure(served.error());
  if (refused_socket_) {
    Task<Result<void>> telling = tell_refusal();
    Result<void> told = co_await telling;
    if (!told) refused_socket_.reset();
  }
  Task<Outcome> concluding = conclude();
  Outcome outcome = co_await concluding;
  co_return outcome;
}

Task<Outcome> Exchange::conclude() {
  Task<Result<void>> handing = hand_over();
  Result<void> handed = co_await handing;
  if (!handed) {
    if (!failure_) {
      failure_ = handed.error();
      detail_ = client_pace_detail(handed.error());
    }
    stream_.cut_response(handed.error());
  }
  note_negotiation();
  record();
  co_return Outcome{tunnelled_};
}

void Exchange::cancel(Cause why) {
  if (!sending_) return scope_.cancel(why);
  // A request body that breaks while the answer is handed over does not cancel the answer.
  if (why == Cause::client_closed || why == Cause::shutting_down) sending_->cancel(why);
}

void Exchange::client_ended() {
  client_ended_ = true;
  if (!sending_ && (in_line_ || answers_events_ || wants_events() ||
                    stream_.request().upgrade == http::Upgrade::websocket))
    cancel(Cause::client_closed);
}

Exchange::InLine::InLine(Exchange& the_exchange) : exchange(the_exchange) {
  exchange.in_line_ = true;
  if (exchange.client_ended_) exchange.cancel(Cause::client_closed);
}

Task<Result<void>> Exchange::serve() {
  // 1. Find the route.
  scope_.stage = Stage::routing;
  if (Result<void> read = read_request(); !read) co_return read;
  if (Result<void> redirected = redirect_if_asked(); !redirected || answered_) co_return redirected;
  if (Result<void> found = find_route(); !found || answered_) co_return found;

  if (scope_.failure()) co_return base::fail(*scope_.failure());

  // 2. Apply the policies: a policy answers the request, or lets it pass.
  scope_.stage = Stage::policy;
  note_shared_limits(false);
  policy::Verdict verdict = route_->pipeline.judge(*context_);
  if (verdict.answers()) {
    answer(std::move(verdict.response()));
    co_return Result<void>();
  }
  note_shared_limits(true);
  if (Result<void> read = read_judged_target(); !read) co_return read;

  // Actions that the gateway answers by itself; otherwise the request goes to an upstream.
  if (const auto* folder = std::get_if<routing::Files>(&route_->action)) {
    Task<Result<void>> serving = serve_files(*folder->site);
    Result<void> served = co_await serving;
    co_return served;
  }
  const auto* to_upstream = std::get_if<routing::ToUpstream>(&route_->action);
  if (!to_upstream) co_return answer_locally();

  if (Result<void> checked = check_forwarding(); !checked || answered_) co_return checked;
  if (is_socket_ && socket_rules().admission) {
    Task<Result<void>> admitting = admit_socket(*socket_rules().admission);
    Result<void> admitted = co_await admitting;
    if (!admitted) co_return base::fail(admitted.error());
  }

  // 3. Send it to an endpoint, and retry at another one while nothing is lost by it.
  upstream::Group& group = *pin_->groups[to_upstream->group];
  group_ = &group.model();
  note_encodings();
  Task<Result<Attempt>> sending = send_with_retries(group);
  Result<Attempt> attempt = co_await sending;
  if (!attempt) co_return base::fail(attempt.error());

  // 4. Rewrite the response head for this client.
  if (group_->learn) note_learned(group, attempt->head);
  if (attempt->head.opens_tunnel) co_return open_tunnel(*attempt);
  if (Result<void> admitted = admit_stream(attempt->head); !admitted) co_return admitted;
  finish_head(*attempt, attempt->head);
  if (refuse_by_close(attempt->head.status, std::nullopt, "refused_by_backend", "endpoint"))
    co_return Result<void>();

  // 5. Copy the body until both sides are done.
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
  note_handshake();
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
                                          .authority = client_.authority,
                                          .request_id = request_id_});
  return {};
}

// A policy may have removed a token from the query, and then has replaced the target.
Result<void> Exchange::read_judged_target() {
  const std::string_view target = stream_.request().target;
  if (target.data() == original_target_.data() && target.size() == original_target_.size()) return {};
  const auto read = http::read_target(target, target_);
  if (!read) return base::fail(failed(Cause::bad_request, Stage::policy, read.error()));
  return {};
}

Result<void> Exchange::redirect_if_asked() {
  const http::ClientFacts& facts = stream_.client();
  // A trusted proxy in front already received it over https.
  if (!facts.redirect_port || client_.tls) return {};
  if (facts.redirect_except && !target_.odd && is_below_one_of(*facts.redirect_except, target_.path))
    return {};
  const auto authority = http::read_authority(client_.authority);
  if (!authority || authority->host.empty())
    return base::fail(failed(Cause::bad_request, Stage::routing, "a redirect needs a Host"));
  std::string location = "https://";
  const bool v6 = authority->host.find(':') != std::string_view::npos;
  location += v6 ? "[" + std::string(authority->host) + "]" : std::string(authority->host);
  if (*facts.redirect_port != 443) location += ":" + std::to_string(*facts.redirect_port);
  location += client_.prefix;
  location += original_target_ == "*" ? std::string("/") : http::in_ascii(original_target_);
  http::LocalResponse response;
  response.status = 308;
  response.headers.emplace_back("Location", std::move(location));
  answer(std::move(response));
  return {};
}

routing::Match Exchange::match_reading(std::string_view host, std::string_view path) const {
  const http::RequestHead& request = stream_.request();
  routing::Address address{.host = host,
                           .path = path,
                           .method = routing::method_to_match(request),
                           .client = &client_.address,
                           .headers = &request.headers,
                           .query = target_.query,
                           .is_preflight = policy::is_preflight(request)};
  routing::Match match = snapshot().routes.match(address);
  // A preflight belongs to the route that will get the request it announces, if that route answers
  // preflights. Otherwise it is an OPTIONS request like any other, and must not pass by another method's
  // route. The same holds if it comes from a page of the request's own origin, for which no browser sends a
  // preflight.
  if (address.is_preflight) {
    const bool is_answered =
        match.route && match.route->answers_preflights &&
        !policy::is_same_origin(request.headers.get(FieldId::origin), client_.tls, client_.authority);
    if (!is_answered) {
      address.method = request.method_text;
      address.is_preflight = false;
      match = snapshot().routes.match(address);
    }
  }
  return match;
}

// The error is a sentence for the client.
tl::expected<routing::Match, std::string> Exchange::match_path(std::string_view host) {
  const std::string_view text = stream_.request().target;
  if (text == "*") return match_reading(host, "/");
  if (!target_.odd) {
    routing::Match match = match_reading(host, target_.path);
    if (match.route && match.route->strict_paths)  // the strict rules apply to the query too
      if (const auto read = http::read_strict_target(text, target_); !read)
        return tl::unexpected(std::string(read.error()));
    return match;
  }
  if (snapshot().strict_paths) {
    const tl::expected<routing::Match, std::string> match = match_strict_path(host);
    if (!match || match->route) return match;
  }
  tl::expected<routing::Match, std::string> match = routing::match_every_reading(
      target_.raw_path, [&](std::string_view reading) { return match_reading(host, reading); });
  if (match && match->route && match->route->strict_paths)
    return tl::unexpected(
        std::string("the route takes strict paths, and this one is written in another way"));
  return match;
}

// Returns no route, and the target unchanged, when the path does not belong to a strict route. Otherwise the
// target is normalised.
tl::expected<routing::Match, std::string> Exchange::match_strict_path(std::string_view host) {
  const std::string_view text = stream_.request().target;
  http::Target strict;
  const tl::expected<void, std::string_view> read = http::read_strict_target(text, strict);
  // A path that cannot be normalised belongs to no route. A strict route refuses it if it matches the path as
  // received, or the closest normal form.
  const routing::Match match = match_reading(host, read ? strict.path : target_.path);
  if (!match.route || !match.route->strict_paths) return routing::Match();
  if (!read) return tl::unexpected(std::string(read.error()));
  // Dot segments that lead from one route's paths to another's: an endpoint that resolves them differently
  // would serve the one path under the rules of the other.
  if (!strict.climbed_from.empty() && match_reading(host, strict.climbed_from).route != match.route)
    return tl::unexpected(std::string("dot segments lead out of a route's path"));
  (void)http::read_strict_target(text, target_);
  return match;
}

// For routes that use the path. `what` says what they do with it.
Result<void> Exchange::need_normal_path(std::string_view what) {
  if (target_.irregular.empty()) return {};
  return base::fail(failed(Cause::bad_request, Stage::routing,
                           "the route " + std::string(what) + ", for which a path must have one form, and " +
                               std::string(target_.irregular)));
}

Result<void> Exchange::find_route() {
  const http::RequestHead& request = stream_.request();
  const auto authority = http::read_authority(authority_);
  const std::string_view host = authority ? authority->host : std::string_view();
  const tl::expected<routing::Match, std::string> found = match_path(host);
  if (!found) return base::fail(failed(Cause::bad_request, Stage::routing, found.error()));
  const routing::Match& match = *found;
  route_ = match.route;
  if (route_) {
    context_->route = route_->name;
    context_->body_size_max = limits().body_size;
    if (request.upgrade != http::Upgrade::websocket) return {};
    const tl::expected<void, std::string_view> handshake = http::check_websocket_request(request);
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

// --- 4. and 5. the response ---

void Exchange::finish_head(const Attempt& attempt, http::ResponseHead& head) const {
  const bool has_address = attempt.endpoint->unix_path.empty();
  rewrite_response(snapshot(),
                   {.rewriting = route_->rewriting,
                    .endpoint = *attempt.endpoint,
                    .client = client_,
                    .request_id = request_id_,
                    .sent = stream_.request().headers,
                    .endpoints = group_->endpoints,
                    .peer = has_address ? std::optional(attempt.lease->peer()) : std::nullopt,
                    .now_unix = context_->now_unix},
                   head);
  if (group_->sticky && !head.interim()) keep_session(head);
  route_->pipeline.amend(*context_, head);
}

// The client's fields may be rewritten for the endpoint, so they are read before that.
void Exchange::note_encodings() {
  if (!route_->compression) return;
  const http::RequestHead& request = stream_.request();
  encodable_.accepted = coding::Accepted::read(request.headers);
  const http::HeaderField* held = request.headers.find("If-None-Match");
  if (held) encodable_.if_none_match = held->value;
}

// Null: the body is not encoded, or there is none.
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
  limits.sink = {own.idle, Cause::client_timed_out, own.response_rate, Cause::client_too_slow, &stream_};
  return limits;
}

Task<Result<void>> Exchange::copy_response(Attempt& attempt, coding::Encoder* encoder) {
  const base::PumpLimits limits = response_limits(group_->idle_limit);
  const base::Instant began = services_.turn.now;
  http::UpstreamStream& from = *attempt.lease;
  Task<Result<base::Pumped>> pumping =
      may_stay_open(attempt) ? copy_long_body(attempt, encoder, limits) : pump_body(attempt, encoder, limits);
  Result<base::Pumped> pumped = co_await pumping;
  stages_.body = since(began);
  note_deviations(from);  // of the response body
  if (!pumped) {
    describe_failure(attempt, pumped.error());
    co_return base::fail(pumped.error());
  }
  if (!from.trailers().empty())
    stream_.set_trailers(passing_trailers(from.trailers(), [this](http::ResponseHead& head) {
      head.headers.remove(snapshot().request_id_field);
      route_->pipeline.amend(*context_, head);
    }));
  stream_.response_body().end();
  co_return Result<void>();
}

// `limits` outlives the task.
Task<Result<base::Pumped>> Exchange::pump_body(Attempt& attempt, coding::Encoder* encoder,
                                               const base::PumpLimits& limits) {
  base::Channel& from = attempt.lease->response_body();
  base::Channel& to = stream_.response_body();
  return encoder ? coding::pump_encoded(scope_, from, to, *encoder, limits, response_bytes_)
                 : base::pump(scope_, from, to, limits, response_bytes_);
}

// Waits until the last byte of the answer has left this process: until then the client can still leave, or
// stop reading. It uses its own scope, since a cancelled exchange has an answer to deliver, too.
Task<Result<void>> Exchange::hand_over() {
  const base::Channel& body = stream_.response_body();
  if (!answered_ || tunnelled_ || !body.closed() || body.aborted()) co_return Result<void>();
  base::Slot<bool>& sent = stream_.hand_over();
  // When the worker shuts down, there may be no later turn. The record of a cancelled exchange already says
  // so.
  const std::optional<Error> ended = scope_.failure();
  const bool stopping = ended && ended->cause == Cause::shutting_down;
  if (stopping && failure_) co_return Result<void>();
  base::Scope sending(services_.turn);
  const base::PumpLimits limits = response_limits(base::no_limit);
  base::Phase phase(sending, Stage::response_body, base::no_limit);
  base::Pace sink(services_.turn, phase, limits.sink);
  if (!sent.filled()) sink.begin_wait(response_bytes_);  // usually the kernel has taken everything at once
  if (stopping) sending.cancel(Cause::shutting_down);
  const base::Instant began = services_.turn.now;
  sending_ = &sending;
  Result<bool> handed = co_await sent.take(sending);
  sending_ = nullptr;
  if (stages_.body) *stages_.body += since(began);
  if (!handed) co_return base::fail(handed.error());
  co_return Result<void>();
}

// --- the record: always, once ---

std::string Exchange::logged(std::string_view target) const {
  if (target.find_first_of("?;") == std::string_view::npos) return std::string(target);
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
  const uint16_t status = refused_socket_ ? refused_socket_->status : status_;
  series->exchange(status, since(started_), request_bytes_, response_bytes_);
}

void Exchange::record() {
  count();
  if ((tunnelled_ && !refused_socket_) || (!snapshot().access_log && !failure_))
    return;  // failures are always logged
  tell(&telemetry::AccessLog::exchange);
}

void Exchange::tell(void (telemetry::AccessLog::*line)(const telemetry::ExchangeRecord&)) {
  const http::RequestHead& request = stream_.request();
  const std::string target = logged(original_target_);
  const std::string rewritten = logged(rewritten_target_);
  telemetry::ExchangeRecord record;
  record.request_id = request_id_;
  record.client = client_.address_text;
  record.method = request.method_text;
  record.host = client_.authority;
  record.target = target;
  record.rewritten = rewritten;
  record.version = request.version == http::Version::http1_0 ? "1.0" : "1.1";
  if (route_) record.route = route_->name;
  if (group_) record.upstream = group_->name;
  if (endpoint_) record.endpoint = endpoint_->text;
  record.user_agent = request.headers.get(FieldId::user_agent);
  record.attempts = attempts_;
  std::vector<telemetry::FailedAttempt> failed_attempts;
  for (const FailedTry& failed : failed_tries_)
    failed_attempts.push_back({failed.endpoint->text, failed.cause, failed.detail});
  record.failed_attempts = failed_attempts;
  record.status = status_;
  record.refused_socket = refused_socket_;
  if (refused_socket_) record.refused_socket->detail = detail_;
  record.tls = client_.tls;
  record.request_bytes = request_bytes_;
  record.response_bytes = response_bytes_;
  record.duration = since(started_);
  record.stages = stages_;
  if (failure_) record.failure = telemetry::Failure{*failure_, detail_, offending_};
  if (long_answer_) record.stream = stream_record();
  (services_.access_log.*line)(record);
}

}  // namespace postern::proxy
