#include "proxy/exchange.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/pause.h"
#include "coding/encoding_pump.h"
#include "http1/websocket_handshake.h"
#include "proxy/response_rewrite.h"
#include "websocket/deflate.h"

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
  constexpr std::string_view marker = "bearer.";
  return base::equal_ignoring_case(subprotocol.substr(0, marker.size()), marker) ||
         (subprotocol.size() >= shortest_token &&
          std::count(subprotocol.begin(), subprotocol.end(), '.') >= 2);
}

// What a 101 of ours selects. A browser that offered subprotocols takes none without one of them; one that
// may hold a token is echoed only where there is no other.
std::string_view protocol_to_echo(std::string_view preferred, std::string_view offers) {
  if (!preferred.empty() && !may_hold_token(preferred)) return preferred;
  std::string_view first;
  while (const auto offer = base::next_element(offers)) {
    if (!may_hold_token(*offer)) return *offer;
    if (first.empty()) first = *offer;
  }
  return first;
}

// All elements of a field: several fields are one list (RFC 9110 5.3).
std::string_view list_of(http::RequestHead& request, FieldId id) {
  if (request.headers.count(id) <= 1) return request.headers.get(id);
  std::string list;
  for (const http::HeaderField& field : request.headers)
    if (field.id == id) list.append(list.empty() ? "" : ", ").append(field.value);
  return request.arena.keep(list);
}

// Whose client takes an open socket for success: Engine.IO's waits for its handshake until its time is up,
// and Vite's page takes it for the return of its server and loads itself anew. They know what to do with a
// status.
bool takes_open_for_success(std::string_view query, std::string_view protocols) {
  if (query.starts_with("EIO=") || query.find("&EIO=") != query.npos) return true;
  while (const auto protocol = base::next_element(protocols))
    if (*protocol == "vite-hmr" || *protocol == "vite-ping") return true;
  return false;
}

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
  note_shared_limits(false);
  policy::Verdict verdict = route_->pipeline.judge(*context_);
  if (verdict.answers()) {
    answer(std::move(verdict.response()));
    co_return Result<void>();
  }
  note_shared_limits(true);

  // What the route answers by itself, or:
  if (const auto* folder = std::get_if<routing::Files>(&route_->action)) {
    Task<Result<void>> serving = serve_files(*folder->site);
    Result<void> served = co_await serving;
    co_return served;
  }
  const auto* to_upstream = std::get_if<routing::ToUpstream>(&route_->action);
  if (!to_upstream) co_return answer_locally();

  if (is_socket_ && socket_rules().admission) {
    Task<Result<void>> admitting = admit_socket(*socket_rules().admission);
    Result<void> admitted = co_await admitting;
    if (!admitted) co_return base::fail(admitted.error());
  }

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
  if (refuses_by_close(std::nullopt)) {
    refuse_by_close(attempt->head.status, "refused_by_backend", "endpoint");
    co_return Result<void>();
  }

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
  is_socket_ = request.upgrade == http::Upgrade::websocket && http1::check_websocket_request(request);
  if (is_socket_) {
    offered_protocols_ = list_of(request, FieldId::sec_websocket_protocol);
    offered_extensions_ = list_of(request, FieldId::sec_websocket_extensions);
  }
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
  const routing::SocketRules& rules = socket_rules();
  TunnelTerms terms{limits().tunnel_idle, route_->terms, route_->sockets};
  const std::string_view agreed = attempt.head.headers.get(FieldId::sec_websocket_extensions);
  terms.frames_compressed = !agreed.empty();       // nothing but permessage-deflate is known to be offered
  std::optional<websocket::DeflateTerms> deflate;  // the head points into it
  if (rules.mode == routing::FrameMode::inspect && rules.compression)
    deflate = websocket::agree_on_deflate(offered_extensions_);
  if (deflate) {
    terms.client_window_bits = deflate->window_bits;
    attempt.head.headers.add(FieldId::sec_websocket_extensions, "Sec-WebSocket-Extensions", deflate->answer);
  }
  if (context_->token && rules.ends_with_token &&
      context_->token->accepted_until() != policy::VerifiedToken::never)
    terms.expires = services_.turn.now + std::chrono::seconds(std::clamp<int64_t>(
                                             context_->token->accepted_until() - services_.unix_now(), 0,
                                             std::chrono::seconds(std::chrono::hours(24 * 365)).count()));
  terms.places = std::move(context_->socket_places);
  terms.limits = std::move(shared_limits_);
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
                         TunnelFacts(facts, snapshot().access_log), std::move(terms));
  return {};
}

// --- WebSockets, before they are open, and those that never are ---

// A socket counts under the key that its handshake has for policy::RateLimitPolicy: fields as the client sent
// them, before policies and rewriting change them, and claims when the token is known.
void Exchange::note_shared_limits(bool by_claim) {
  if (!is_socket_) return;
  const routing::SocketRules& rules = socket_rules();
  for (const bool of_bytes : {false, true})
    for (const policy::RateLimitRule& rule : of_bytes ? rules.byte_limits : rules.message_limits)
      if ((rule.by == policy::RateLimitRule::By::claim) == by_claim)
        shared_limits_.push_back({rule.limiter, policy::key_of(rule, *context_, route_->name), of_bytes});
}

// Where many come back at once, they are let in one after the other.
Task<Result<void>> Exchange::admit_socket(const routing::Admission& rules) {
  const std::optional<base::Duration> wait =
      services_.tunnels.sockets_of(route_->name)->admit(rules, services_.turn.now);
  if (!wait)
    co_return base::fail(failed(Cause::overloaded, Stage::policy, "websocket.admission of the route"));
  if (*wait == base::Duration::zero()) co_return Result<void>();
  const base::Instant began = services_.turn.now;
  base::Pause pause(scope_, *wait);
  Result<void> waited = co_await pause;
  stages_.held = since(began);
  co_return waited;
}

// Where messages are read, compression ends here; where bytes are counted, nothing may hide them.
void Exchange::prepare_socket(http::RequestHead& request) const {
  if (!is_socket_ || socket_rules().passes_compression) return;
  request.headers.remove_if(
      [](const http::HeaderField& field) { return field.id == FieldId::sec_websocket_extensions; });
}

const routing::SocketRules& Exchange::socket_rules() const {
  static const routing::SocketRules usual;
  return route_ && route_->sockets ? *route_->sockets : usual;
}

// A page sees neither the status of a refused handshake nor its body; nor where a redirect leads, or that
// there is a document and no socket. Whose origin is not on the list is to learn nothing; who is no page, or
// asks for what cannot be read, gets the status.
bool Exchange::refuses_by_close(std::optional<Cause> cause) const {
  if (!is_socket_ || !context_ || cause == Cause::origin_refused) return false;
  if (!services_.tunnels.refused().has_room()) return false;
  switch (socket_rules().refuse) {
    case routing::SocketRefusal::status: return false;
    case routing::SocketRefusal::close: return true;
    case routing::SocketRefusal::automatic: break;
  }
  if (takes_open_for_success(target_.query, offered_protocols_)) return false;
  const bool judged = !route_ || !route_->answers_preflights || context_->origin_checked;
  return judged && stream_.request().headers.find(FieldId::origin) != nullptr;
}

// `who` answered with this status, where that is no failure: it is for the log.
void Exchange::refuse_by_close(uint16_t status, std::string_view error, std::string_view who) {
  using websocket::Ending;
  const websocket::CloseCodes& codes = socket_rules().codes;
  const uint16_t code = status == 401                   ? codes[Ending::unauthorized]
                        : status == 403                 ? codes[Ending::forbidden]
                        : status == 404 || status < 400 ? codes[Ending::not_found]
                        : status == 429                 ? codes[Ending::too_many]
                        : status >= 500                 ? codes[Ending::unavailable]
                                                        : static_cast<uint16_t>(4000 + status);
  const http::RequestHead& request = stream_.request();
  http::ResponseHead head;
  head.status = 101;
  head.headers.add(FieldId::sec_websocket_accept, "Sec-WebSocket-Accept",
                   head.arena.keep(http1::websocket_accept(request.headers.get(FieldId::sec_websocket_key))));
  const std::string_view protocol = protocol_to_echo(context_->selected_subprotocol, offered_protocols_);
  if (!protocol.empty())
    head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol", protocol);
  if (!request_id_.empty()) head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  std::string reason = "{\"error\":\"" + std::string(error) + "\",\"status\":" + std::to_string(status);
  const std::string with_id = reason + ",\"id\":\"" + std::string(request_id_) + "\"}";
  reason = request_id_.empty() || with_id.size() > websocket::close_reason_max ? reason + "}" : with_id;
  std::unique_ptr<net::Transport> client = stream_.accept_tunnel(head);
  if (!client) return;  // it has left: no response was begun
  answered_ = tunnelled_ = true;
  status_ = 101;
  if (!failure_) detail_ = "the " + std::string(who) + " answered the upgrade with " + std::to_string(status);
  refused_socket_ = {code, status};
  services_.tunnels.refused().add(std::move(client), code, reason);
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
  const uint16_t status = refused_socket_ ? refused_socket_->status : status_;
  series->exchange(status, since(started_), request_bytes_, response_bytes_);
}

void Exchange::record() {
  count();
  if ((tunnelled_ && !refused_socket_) || (!snapshot().access_log && !failure_))
    return;  // what fails is always told
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
  record.refused_socket = refused_socket_;
  if (refused_socket_) record.refused_socket->detail = detail_;
  record.tls = stream_.client().tls;
  record.request_bytes = request_bytes_;
  record.response_bytes = response_bytes_;
  record.duration = since(started_);
  record.stages = stages_;
  if (failure_) record.failure = telemetry::Failure{*failure_, detail_, offending_};
  services_.access_log.exchange(record);
}

}  // namespace postern::proxy
