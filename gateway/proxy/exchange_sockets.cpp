// What an exchange does with an upgrade to a WebSocket: it admits the client, turns the exchange into a
// tunnel, or refuses the upgrade in such a way that a page learns the reason.
#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/pause.h"
#include "http/websocket_handshake.h"
#include "policy/request_context.h"
#include "proxy/exchange.h"
#include "proxy/socket_clients.h"
#include "tunnel/tunnel_set.h"
#include "websocket/deflate.h"
#include "websocket/endings.h"
#include "websocket/frame.h"

namespace postern::proxy {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;

namespace {

// Some clients send a token as a subprotocol ("bearer.<token>"); such a value must not be logged.
bool may_hold_token(std::string_view subprotocol) {
  constexpr size_t shortest_token = 40;
  constexpr std::string_view marker = "bearer.";
  return base::equal_ignoring_case(subprotocol.substr(0, marker.size()), marker) ||
         (subprotocol.size() >= shortest_token &&
          std::count(subprotocol.begin(), subprotocol.end(), '.') >= 2);
}

// The subprotocol that the gateway's own 101 selects. A browser that offered subprotocols accepts no answer
// without one of them. One that may hold a token is echoed only if there is no other.
std::string_view protocol_to_echo(std::string_view preferred, std::string_view offers) {
  if (!preferred.empty() && !may_hold_token(preferred)) return preferred;
  std::string_view first;
  while (const auto offer = base::next_element(offers)) {
    if (!may_hold_token(*offer)) return *offer;
    if (first.empty()) first = *offer;
  }
  return first;
}

// All elements of a field: several fields form one list (RFC 9110 5.3).
std::string_view list_of(http::RequestHead& request, FieldId id) {
  if (request.headers.count(id) <= 1) return request.headers.get(id);
  std::string list;
  for (const http::HeaderField& field : request.headers)
    if (field.id == id) list.append(list.empty() ? "" : ", ").append(field.value);
  return request.arena.keep(list);
}

// Causes that change only with a new token, or without one; a client does not change it by retrying.
bool is_about_token(Cause cause) {
  switch (cause) {
    case Cause::token_missing:
    case Cause::token_malformed:
    case Cause::token_expired:
    case Cause::token_not_yet_valid:
    case Cause::token_signature:
    case Cause::token_algorithm:
    case Cause::token_key_unknown:
    case Cause::token_claims: return true;
    default: return false;
  }
}

}  // namespace

void Exchange::note_handshake() {
  http::RequestHead& request = stream_.request();
  is_socket_ = request.upgrade == http::Upgrade::websocket && http::check_websocket_request(request);
  if (!is_socket_) return;
  offered_protocols_ = list_of(request, FieldId::sec_websocket_protocol);
  offered_extensions_ = list_of(request, FieldId::sec_websocket_extensions);
}

// The socket counts under the same key as its handshake in policy::RateLimitPolicy: fields as the client sent
// them, before policies and rewriting change them, and claims once the token is verified.
void Exchange::note_shared_limits(bool by_claim) {
  if (!is_socket_) return;
  const routing::SocketRules& rules = socket_rules();
  for (const bool of_bytes : {false, true})
    for (const policy::RateLimitRule& rule : of_bytes ? rules.byte_limits : rules.message_limits)
      if ((rule.by == policy::RateLimitRule::By::claim) == by_claim)
        shared_limits_.push_back({rule.limiter, policy::key_of(rule, *context_, route_->name), of_bytes});
}

// When many clients reconnect at once, they are admitted one after the other. A client waits in the queue
// once, as it does for an upstream that is down: see upstream::WaitingClients.
Task<Result<void>> Exchange::admit_socket(const routing::Admission& rules) {
  const base::Instant began = services_.turn.now;
  tunnel::SocketMemory& memory = services_.tunnels.memory();
  const tunnel::RouteSockets::Handle sockets = services_.tunnels.sockets_of(route_->name);
  if (!sockets->is_admitting(began)) memory.left_line(client_.address_text, route_->name);
  const base::Duration most = page_wait(rules.wait, beside_others);
  const std::optional<base::Duration> wait =
      sockets->admit(rules, began, memory.left_to_wait(client_.address_text, route_->name, most, began));
  if (!wait)
    co_return base::fail(failed(Cause::overloaded, Stage::policy, "websocket.admission of the route"));
  if (*wait == base::Duration::zero()) co_return Result<void>();
  memory.stood_in_line(client_.address_text, route_->name, most, began);
  base::Pause pause(scope_, *wait);
  Result<void> waited = co_await pause;
  stages_.held = since(began);
  co_return waited;
}

// If messages are read, the endpoint must not compress them; if bytes are counted, compression must not hide
// their size. So compression is not offered to the endpoint.
void Exchange::prepare_socket(http::RequestHead& request) const {
  if (!is_socket_ || socket_rules().passes_compression) return;
  request.headers.remove_if(
      [](const http::HeaderField& field) { return field.id == FieldId::sec_websocket_extensions; });
}

const routing::SocketRules& Exchange::socket_rules() const {
  static const routing::SocketRules usual;
  return route_ && route_->sockets ? *route_->sockets : usual;
}

Result<void> Exchange::open_tunnel(Attempt& attempt) {
  const tl::expected<void, std::string> fits =
      http::check_websocket_response(stream_.request(), attempt.head)
          .map_error([](std::string_view sentence) { return std::string(sentence); });
  if (!fits) return base::fail(failed(Cause::upstream_bad_handshake, Stage::response_head, fits.error()));
  std::unique_ptr<net::Transport> upstream_side = attempt.lease->take_tunnel();
  finish_head(attempt, attempt.head);
  if (!context_->selected_subprotocol.empty() && !attempt.head.headers.find(FieldId::sec_websocket_protocol))
    attempt.head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol",
                             context_->selected_subprotocol);
  const routing::SocketRules& rules = socket_rules();
  tunnel::TunnelOptions options{limits().tunnel_idle, route_->socket_fingerprint, route_->sockets};
  const std::string_view agreed = attempt.head.headers.get(FieldId::sec_websocket_extensions);
  options.frames_compressed = !agreed.empty();  // the gateway assumes that only permessage-deflate is offered
  std::optional<websocket::DeflateParameters> deflate;  // the response head points into it
  if (rules.mode == routing::FrameMode::inspect && rules.compression)
    deflate = websocket::agree_on_deflate(offered_extensions_);
  if (deflate) {
    options.client_window_bits = deflate->window_bits;
    attempt.head.headers.add(FieldId::sec_websocket_extensions, "Sec-WebSocket-Extensions", deflate->answer);
  }
  if (rules.ends_with_token) options.expires = token_expires();
  options.permits = std::move(context_->socket_permits);
  options.limits = std::move(shared_limits_);
  std::unique_ptr<net::Transport> client_side = stream_.accept_tunnel(attempt.head);
  if (!client_side || !upstream_side)
    return base::fail(
        failed(Cause::client_closed, Stage::response_head, "the client left during the handshake"));
  status_ = 101;
  answered_ = tunnelled_ = true;
  services_.tunnels.memory().let_in(client_.address_text, route_->name);
  const std::string target = logged(original_target_);
  const std::string rewritten = logged(rewritten_target_);
  telemetry::TunnelRecord facts;
  facts.request_id = request_id_;
  facts.client = client_.address_text;
  facts.host = client_.authority;
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
                         tunnel::TunnelFacts(facts, snapshot().access_log), std::move(options));
  return {};
}

// How long an upgrade may wait when other sockets of its page may be blocked by it: a browser opens only one
// WebSocket at a time to an address, so sockets to other upstreams wait behind it. The other sockets of a
// client that reconnects a lost socket are open already.
base::Duration Exchange::page_wait(base::Duration usual, base::Duration of_page) const {
  if (!is_page() || snapshot().groups.size() < 2) return usual;
  if (services_.tunnels.memory().is_coming_back(client_.address_text, services_.turn.now)) return usual;
  return std::min(usual, of_page);
}

// Whether a refusal is sent as a Close frame. Clients back off between failed handshakes, and some fall back
// to other transports; an open socket, even one that only gets a Close, would reset that. So a refusal that a
// later attempt may heal is answered with its status. But a page cannot see the status of a handshake, and a
// token that is refused now is refused a second later as well, so such a refusal is sent as a Close. A page
// whose origin is not on the list must learn nothing; a client that is not a page, or whose request cannot be
// read, gets the status.
bool Exchange::is_told_by_close(std::optional<Cause> cause) {
  if (!is_socket_ || !context_ || cause == Cause::origin_refused) return false;
  if (!services_.tunnels.refused().has_room()) return false;
  if (needs_status(target_.query, offered_protocols_)) return false;
  if (names_a_connection(target_.query) &&
      services_.tunnels.memory().has_negotiated(client_.address_text, target_.path, services_.turn.now))
    return false;
  switch (socket_rules().refuse) {
    case routing::RefusalForm::status: return false;
    case routing::RefusalForm::close: return true;
    case routing::RefusalForm::automatic: break;
  }
  const bool judged = !route_ || !route_->answers_preflights || context_->origin_checked;
  return cause && is_about_token(*cause) && judged && is_page();
}

uint16_t Exchange::refusal_code(uint16_t status) const {
  using websocket::Ending;
  const websocket::CloseCodes& codes = socket_rules().codes;
  const bool expired = failure_ && failure_->cause == Cause::token_expired;
  if (status == 401) return codes[expired ? Ending::refused_expired : Ending::unauthorized];
  if (status == 403) return codes[Ending::forbidden];
  if (status == 404 || status < 400) return codes[Ending::not_found];
  if (status == 429) return codes[Ending::too_many];
  if (status >= 500) return codes[Ending::unavailable];
  return static_cast<uint16_t>(4000 + status);
}

// Returns false when the refusal must be a status. `who` names the one that answered with `status`, if it was
// no failure of the gateway; it is for the log.
bool Exchange::refuse_by_close(uint16_t status, std::optional<Cause> cause, std::string_view error,
                               std::string_view who) {
  if (!is_told_by_close(cause)) return false;
  const uint16_t code = refusal_code(status);
  if (!may_say(code, offered_protocols_)) return false;
  const std::optional<base::Duration> pause = services_.tunnels.memory().begin_pause(
      client_.address_text, route_ ? std::string_view(route_->name) : std::string_view(), services_.turn.now);
  if (!pause) return false;
  close_pause_ = *pause;
  std::string reason = "{\"error\":\"" + std::string(error) + "\",\"status\":" + std::to_string(status);
  const std::string with_id = reason + ",\"id\":\"" + std::string(request_id_) + "\"}";
  reason = request_id_.empty() || with_id.size() > websocket::close_reason_max ? reason + "}" : with_id;
  close_reason_ = std::move(reason);
  refused_socket_ = {code, status};
  answered_ = true;
  if (!failure_) detail_ = "the " + std::string(who) + " answered the upgrade with " + std::to_string(status);
  return true;
}

// Sends a 101, delayed longer each time that the client comes back to be refused again, and then the Close.
// Fails if the client did not wait for it.
Task<Result<void>> Exchange::tell_refusal() {
  Result<bool> waited = true;
  if (close_pause_ > base::Duration::zero()) {
    tunnel::RefusedSockets::Waiter waiter(services_.tunnels.refused(), close_pause_);
    waited = co_await waiter.end(scope_);
  }
  services_.tunnels.memory().end_pause(
      client_.address_text, route_ ? std::string_view(route_->name) : std::string_view(), services_.turn.now);
  if (!waited) co_return base::fail(waited.error());  // the client has left
  http::ResponseHead head;
  head.status = 101;
  const std::string_view protocol = protocol_to_echo(context_->selected_subprotocol, offered_protocols_);
  if (!protocol.empty())
    head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol", protocol);
  if (!request_id_.empty()) head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  std::unique_ptr<net::Transport> client = stream_.accept_tunnel(head);
  if (!client) co_return base::fail(Cause::client_closed, Stage::response_head);  // no response was started
  tunnelled_ = true;
  status_ = 101;
  services_.tunnels.refused().add(std::move(client), refused_socket_->close_code, close_reason_);
  co_return Result<void>();
}

// SignalR requests over HTTP the connection id that its socket then uses.
void Exchange::note_negotiation() {
  const http::RequestHead& request = stream_.request();
  if (request.method != http::Method::post || status_ / 100 != 2) return;
  const std::string_view path = negotiated_path(target_.path);
  if (!path.empty()) services_.tunnels.memory().negotiated(client_.address_text, path, services_.turn.now);
}

}  // namespace postern::proxy
