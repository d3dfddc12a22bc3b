#include "proxy/upgrade.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/pause.h"
#include "http/websocket_handshake.h"
#include "proxy/renewal.h"
#include "proxy/socket_clients.h"
#include "proxy/token_log.h"
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

// How long a socket stays open after its token has expired; nullopt: it does not end with it.
std::optional<base::Duration> grace_of(const routing::SocketRules& rules) {
  return rules.ends_with_token ? std::optional(rules.token_grace) : std::nullopt;
}

// Causes that change only with a new token, or without one; a client does not change it by retrying.
bool is_about_token(Cause cause) {
  switch (cause) {
    case Cause::auth_refused:
    case Cause::token_missing:
    case Cause::token_malformed:
    case Cause::token_expired:
    case Cause::token_revoked:
    case Cause::token_not_yet_valid:
    case Cause::token_signature:
    case Cause::token_algorithm:
    case Cause::token_key_unknown:
    case Cause::token_claims:
    case Cause::ticket_refused:
    case Cause::claims_refused: return true;
    default: return false;
  }
}

}  // namespace

const routing::SocketRules& socket_rules(const routing::Route* route) {
  static const routing::SocketRules usual;
  return route && route->sockets ? *route->sockets : usual;
}

base::Duration page_wait(const ExchangeState& exchange, base::Duration usual, base::Duration of_page) {
  if (!RequestFacts::is_page(exchange.stream.request()) || exchange.snapshot().groups.size() < 2)
    return usual;
  state::SocketMemory& memory = exchange.services.tunnels.memory();
  if (memory.is_coming_back(exchange.facts.client.address_text, exchange.services.turn.now)) return usual;
  return std::min(usual, of_page);
}

void prepare_upgrade(ExchangeState& exchange) {
  const bool passes_compression =
      socket_rules(exchange.route).passes_compression && !exchange.first_message.opened();
  if (!exchange.facts.is_socket || passes_compression) return;
  exchange.stream.request().headers.remove_if(
      [](const http::HeaderField& field) { return field.id == FieldId::sec_websocket_extensions; });
}

void SocketUpgrade::note_shared_limits(bool by_claim) {
  if (!facts_.is_socket) return;
  const routing::SocketRules& rules = socket_rules(exchange_.route);
  for (const bool of_bytes : {false, true})
    for (const policy::RateLimitRule& rule : of_bytes ? rules.byte_limits : rules.message_limits)
      if ((rule.by == policy::RateLimitRule::By::claim) == by_claim)
        shared_limits_.push_back({exchange_.pin->state.rate_limits[rule.limit],
                                  policy::key_of(rule, *exchange_.context, exchange_.route->name), of_bytes});
}

Task<Result<void>> SocketUpgrade::admit() {
  const routing::Admission& rules = *socket_rules(exchange_.route).admission;
  const base::Instant began = exchange_.services.turn.now;
  state::SocketMemory& memory = exchange_.services.tunnels.memory();
  const tunnel::RouteSockets::Handle sockets = exchange_.services.tunnels.sockets_of(exchange_.route->name);
  if (!sockets->is_admitting(began)) memory.left_line(facts_.client.address_text, exchange_.route->name);
  const base::Duration most = page_wait(exchange_, rules.wait, beside_others);
  const std::optional<base::Duration> wait =
      sockets->admit(rules, exchange_.pin->state.admission_lines[rules.line], began,
                     memory.left_to_wait(facts_.client.address_text, exchange_.route->name, most, began));
  if (!wait)
    co_return base::fail(
        exchange_.failed(Cause::overloaded, Stage::policy, "websocket.admission of the route"));
  if (*wait == base::Duration::zero()) co_return Result<void>();
  memory.stood_in_line(facts_.client.address_text, exchange_.route->name, most, began);
  base::Pause pause(exchange_.scope, *wait);
  Result<void> waited = co_await pause;
  report_.stages.held = exchange_.since(began);
  co_return waited;
}

// A client whose first message was awaited knows its subprotocol already.
Result<void> SocketUpgrade::check_promise(const http::ResponseHead& head) {
  const FirstMessage* message = exchange_.first_message.opened();
  if (!message) return {};
  const std::string_view selected = head.headers.get(FieldId::sec_websocket_protocol);
  const std::string_view marker = exchange_.context->added_subprotocol;
  if (selected == message->subprotocol() || (!marker.empty() && selected == marker)) return {};
  return base::fail(exchange_.failed(Cause::upstream_bad_handshake, Stage::response_head,
                                     "it does not select the subprotocol that the client has got"));
}

std::unique_ptr<net::Transport> SocketUpgrade::accept_client(const http::ResponseHead& head) {
  if (FirstMessage* message = exchange_.first_message.opened()) return message->take(true);
  return exchange_.stream.accept_tunnel(head);
}

Result<void> SocketUpgrade::open_tunnel(Attempt& attempt, const Dispatch& dispatch) {
  const tl::expected<void, std::string> fits =
      http::check_websocket_response(exchange_.stream.request(), attempt.head)
          .map_error([](std::string_view sentence) { return std::string(sentence); });
  if (!fits)
    return base::fail(exchange_.failed(Cause::upstream_bad_handshake, Stage::response_head, fits.error()));
  if (Result<void> kept = check_promise(attempt.head); !kept) return kept;
  std::unique_ptr<net::Transport> upstream_side = attempt.lease->take_tunnel();
  dispatch.finish_head(attempt, attempt.head);
  const policy::RequestContext& context = *exchange_.context;
  // A client that has not offered the marker of a moved token must not see it selected.
  if (!context.added_subprotocol.empty() &&
      attempt.head.headers.get(FieldId::sec_websocket_protocol) == context.added_subprotocol)
    attempt.head.headers.remove(FieldId::sec_websocket_protocol);
  if (!context.selected_subprotocol.empty() && !attempt.head.headers.find(FieldId::sec_websocket_protocol))
    attempt.head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol",
                             context.selected_subprotocol);
  const routing::SocketRules& rules = socket_rules(exchange_.route);
  tunnel::TunnelOptions options{exchange_.limits().tunnel_idle,
                                exchange_.route->socket_fingerprint,
                                exchange_.held_token(grace_of(rules)),
                                token_desk(exchange_, rules),
                                exchange_.stream.client().certificate.certificate,
                                exchange_.route->sockets};
  options.first_is_judged = exchange_.first_message.opened() != nullptr;
  const std::string_view agreed = attempt.head.headers.get(FieldId::sec_websocket_extensions);
  options.frames_compressed = !agreed.empty();  // the gateway assumes that only permessage-deflate is offered
  std::optional<websocket::DeflateParameters> deflate;  // the response head points into it
  const FirstMessage* message = exchange_.first_message.opened();
  if (message)
    options.client_window_bits = message->window_bits();
  else if (rules.mode == routing::FrameMode::inspect && rules.compression)
    deflate = websocket::agree_on_deflate(facts_.offered_extensions);
  if (deflate) {
    options.client_window_bits = deflate->window_bits;
    attempt.head.headers.add(FieldId::sec_websocket_extensions, "Sec-WebSocket-Extensions", deflate->answer);
  }
  options.permits = std::move(exchange_.context->socket_permits);
  options.limits = std::move(shared_limits_);
  std::unique_ptr<net::Transport> client_side = accept_client(attempt.head);
  if (!client_side || !upstream_side)
    return base::fail(
        exchange_.failed(Cause::client_closed, Stage::response_head, "the client left during the handshake"));
  report_.status = 101;
  exchange_.services.tunnels.memory().let_in(facts_.client.address_text, exchange_.route->name);
  const std::string target = logged(exchange_, facts_.original_target);
  const std::string rewritten = logged(exchange_, report_.rewritten_target);
  telemetry::TunnelRecord record;
  record.request_id = facts_.request_id;
  record.client = facts_.client.address_text;
  record.host = facts_.client.authority;
  record.target = target;
  record.rewritten = rewritten;
  record.route = exchange_.route->name;
  record.upstream = dispatch.group().name;
  record.endpoint = attempt.endpoint->text;
  const std::string_view subprotocol = attempt.head.headers.get(FieldId::sec_websocket_protocol);
  record.subprotocol = may_hold_token(subprotocol) ? "***" : subprotocol;
  record.handshake_duration = exchange_.since(exchange_.started);
  const LoggedToken token(exchange_);
  record.token = token.record();
  const LoggedCertificate certificate(exchange_);
  record.certificate = certificate.record();
  record.held_duration = report_.stages.held;
  exchange_.services.tunnels.open(std::move(client_side), std::move(upstream_side), std::move(attempt.lease),
                                  tunnel::TunnelFacts(record, exchange_.snapshot().access_log),
                                  std::move(options));
  return {};
}

// Whether a refusal is sent as a Close frame. Clients back off between failed handshakes, and some fall back
// to other transports; an open socket, even one that only gets a Close, would reset that. So a refusal that a
// later attempt may heal is answered with its status. But a page cannot see the status of a handshake, and a
// token that is refused now is refused a second later as well, so such a refusal is sent as a Close. A page
// whose origin is not on the list must learn nothing; a client that is not a page, or whose request cannot be
// read, gets the status.
bool SocketUpgrade::is_told_by_close(std::optional<Cause> cause) const {
  if (!facts_.is_socket || !exchange_.context || cause == Cause::origin_refused) return false;
  if (!exchange_.services.tunnels.refused().has_room()) return false;
  if (needs_status(facts_.target.query, facts_.offered_protocols)) return false;
  if (names_a_connection(facts_.target.query) &&
      exchange_.services.tunnels.memory().has_negotiated(facts_.client.address_text, facts_.target.path,
                                                         exchange_.services.turn.now))
    return false;
  switch (socket_rules(exchange_.route).refuse) {
    case routing::RefusalForm::status: return false;
    case routing::RefusalForm::close: return true;
    case routing::RefusalForm::automatic: break;
  }
  const bool judged =
      !exchange_.route || !exchange_.route->answers_preflights || exchange_.context->origin_checked;
  return cause && is_about_token(*cause) && judged && RequestFacts::is_page(exchange_.stream.request());
}

std::string_view SocketUpgrade::route_name() const {
  return exchange_.route ? std::string_view(exchange_.route->name) : std::string_view();
}

uint16_t SocketUpgrade::refusal_code(uint16_t status) const {
  using websocket::Ending;
  const websocket::CloseCodes& codes = socket_rules(exchange_.route).codes;
  const bool expired = report_.failure && report_.failure->cause == Cause::token_expired;
  if (status == 401) return codes[expired ? Ending::refused_expired : Ending::unauthorized];
  if (status == 403) return codes[Ending::forbidden];
  if (status == 404 || status < 400) return codes[Ending::not_found];
  if (status == 429) return codes[Ending::too_many];
  if (status >= 500) return codes[Ending::unavailable];
  return static_cast<uint16_t>(4000 + status);
}

bool SocketUpgrade::refuse_by_close(uint16_t status, std::optional<Cause> cause, std::string_view error,
                                    std::string_view who) {
  // After a 101 there is no other way.
  const FirstMessage* message = exchange_.first_message.opened();
  if (!message && !is_told_by_close(cause)) return false;
  uint16_t code = refusal_code(status);
  if (!may_say(code, facts_.offered_protocols)) {
    if (!message) return false;
    const bool is_for_now = status == 429 || status >= 500;
    code = is_for_now ? websocket::close_code::try_later : websocket::close_code::policy;
  }
  if (message && message->close_code() && cause && is_about_token(*cause)) code = *message->close_code();
  close_pause_ = exchange_.services.tunnels.memory().begin_pause(facts_.client.address_text, route_name(),
                                                                 exchange_.services.turn.now);
  if (!close_pause_ && !message) return false;
  close_error_ = error;
  std::string reason = "{\"error\":\"" + std::string(error) + "\",\"status\":" + std::to_string(status);
  const std::string with_id = reason + ",\"id\":\"" + std::string(facts_.request_id) + "\"}";
  reason = facts_.request_id.empty() || with_id.size() > websocket::close_reason_max ? reason + "}" : with_id;
  close_reason_ = std::move(reason);
  report_.refused_socket = {code, status};
  if (!report_.failure)
    report_.detail = "the " + std::string(who) + " answered the upgrade with " + std::to_string(status);
  return true;
}

std::unique_ptr<net::Transport> SocketUpgrade::accept_refused() {
  if (FirstMessage* message = exchange_.first_message.opened()) {
    std::unique_ptr<net::Transport> client = message->take(false);
    base::Chunk last = message->last_message(close_error_);
    if (client && !last.empty()) client->write(std::move(last));
    return client;
  }
  http::ResponseHead head;
  head.status = 101;
  const std::string_view protocol =
      protocol_to_echo(exchange_.context->selected_subprotocol, facts_.offered_protocols);
  if (!protocol.empty())
    head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol", protocol);
  if (!facts_.request_id.empty())
    head.headers.add(FieldId::other, exchange_.snapshot().request_id_field, facts_.request_id);
  // A session that was renewed for this handshake is the client's, although the handshake is refused.
  for (const std::string& cookie : exchange_.context->set_cookies) head.headers.add("Set-Cookie", cookie);
  return exchange_.stream.accept_tunnel(head);
}

Task<Result<void>> SocketUpgrade::tell_refusal() {
  Result<bool> waited = true;
  // At the end of a drain, nobody waits any more.
  if (close_pause_ && *close_pause_ > base::Duration::zero() && !exchange_.scope.failure()) {
    tunnel::RefusedSockets::Waiter waiter(exchange_.services.tunnels.refused(), *close_pause_);
    waited = co_await waiter.end(exchange_.scope);
  }
  if (close_pause_)
    exchange_.services.tunnels.memory().end_pause(facts_.client.address_text, route_name(),
                                                  exchange_.services.turn.now);
  if (!waited) co_return base::fail(waited.error());  // the client has left
  std::unique_ptr<net::Transport> client = accept_refused();
  if (!client) co_return base::fail(Cause::client_closed, Stage::response_head);  // no response was started
  report_.status = 101;
  exchange_.services.tunnels.refused().add(std::move(client), report_.refused_socket->close_code,
                                           close_reason_);
  co_return Result<void>();
}

void note_negotiation(const ExchangeState& exchange) {
  const http::RequestHead& request = exchange.stream.request();
  if (request.method != http::Method::post || exchange.report.status / 100 != 2) return;
  const std::string_view path = negotiated_path(exchange.facts.target.path);
  if (!path.empty())
    exchange.services.tunnels.memory().negotiated(exchange.facts.client.address_text, path,
                                                  exchange.services.turn.now);
}

}  // namespace postern::proxy
