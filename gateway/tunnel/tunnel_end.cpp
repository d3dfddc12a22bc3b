// How a tunnel ends: which side gets which close code, the time limits of the closing handshake, and the
// record.
#include "base/error.h"
#include "tunnel/tunnel.h"
#include "tunnel/tunnel_set.h"
#include "websocket/frame_order.h"

namespace postern::tunnel {
namespace {

using base::Cause;
using websocket::Ending;
using websocket::Opcode;
using websocket::Role;
namespace close_code = websocket::close_code;

// How long the second side may continue after the first has ended or sent Close: the time for a closing
// handshake.
constexpr base::Duration half_closed_limit = std::chrono::seconds(10);
constexpr base::Duration closing_limit = std::chrono::seconds(2);
// How long a client that reads slowly, but reads, may take to receive the endpoint's undelivered data.
constexpr base::Duration flush_limit = std::chrono::minutes(5);

}  // namespace

void Tunnel::set_outcome(Outcome outcome) {
  if (!outcome_) outcome_ = std::move(outcome);
}

// The side that sends the first Close has ended the socket.
Tunnel::Pass Tunnel::forward_close(Side& from, std::string_view payload) {
  if (phase_ != Phase::finishing && !check_close(from, payload)) return Pass::stop;
  from.note_close();
  if (phase_ == Phase::finishing) return Pass::on;
  const websocket::CloseBody body = websocket::read_close(payload);
  set_outcome({.by = from.which, .code = body.code, .reason = std::string(body.reason)});
  begin_half_closed();
  if (!from.is_client() && queue_ && !queue_->empty()) {  // behind the queued messages
    queue_->push(websocket::make_frame(Opcode::close, payload, Role::server), {},
                 websocket::MessageQueue::Kind::close);
    return Pass::drop;
  }
  return Pass::on;
}

// False for a code that no peer is allowed to send, on a route where frames pass unchanged: a browser would
// treat it as a protocol error and show its page nothing of it. The guilty side gets a Close that says so,
// and the other side a Close that it can read: without a code for 1005, which stands for no code, else with
// the code for a lost peer.
bool Tunnel::check_close(Side& guilty, std::string_view payload) {
  const std::optional<websocket::Fault> fault = websocket::FrameOrder::check_close(payload);
  if (!fault || fault->rule != "close_code") return true;
  const uint16_t code = websocket::read_close(payload).code;
  guilty.on_violation(
      {.cause = guilty.is_client() ? Cause::client_frame_invalid : Cause::upstream_frame_invalid,
       .code = fault->code,
       .other_code = code == close_code::none ? code : uint16_t{0},
       .rule = std::string(fault->rule),
       .reason = payload.size() == 1
                     ? "the close code is cut short"
                     : "close code " + std::to_string(code) + " is not allowed in a Close frame"});
  return false;
}

void Tunnel::side_ended(Side& side) {
  if (phase_ == Phase::over || side.has_left()) return;
  if (!side.is_client()) return upstream_left("the upstream closed the connection");
  side.note_end();
  if (upstream_.has_left()) return finish();
  if (phase_ == Phase::finishing) return end_finishing();
  if (phase_ == Phase::closing) return send_close(upstream_);  // it may still answer
  // In good order when a Close frame went before it, in either direction; otherwise the client just left.
  set_outcome({.by = base::Side::client, .cause = Cause::client_closed});
  end_direction(upstream_);
  begin_half_closed();
}

void Tunnel::side_broke(Side& side) {
  if (phase_ == Phase::over) return;
  if (side.is_client()) {
    set_outcome({.by = base::Side::client, .cause = Cause::client_closed});
    lose_undelivered(base::Side::client, Cause::client_closed);
    return finish();
  }
  if (!side.has_left()) upstream_left("the upstream broke the connection");
  client_.resume();  // what the client still sends is discarded and must not block
}

// Whatever the reason, what the endpoint has sent, above all its Close, must still reach the client.
void Tunnel::upstream_left(std::string_view how) {
  upstream_.note_end();
  if (client_.has_left()) return finish();
  if (is_closing()) return send_close(client_);  // it may still answer
  if (!outcome_) {
    const uint16_t code = rules().codes[Ending::backend_lost];
    set_outcome({.by = base::Side::upstream, .cause = Cause::upstream_closed, .code = code});
    return begin_closing(Phase::closing, code, close_code::none, how);
  }
  const bool queued = queue_ && !queue_->empty();
  // A client that sent Close must get one, even if the endpoint ends the connection without an answer.
  if (client_.sent_close() && !upstream_.sent_close() && upstream_.frames.at_boundary()) {
    if (queued)
      queue_->push(answer_to_close(client_), {}, websocket::MessageQueue::Kind::close);
    else
      client_.transport->write(answer_to_close(client_));
  }
  if (!queued) end_direction(client_);  // else when the queue has been written
  begin_half_closed();
}

void Tunnel::side_is_silent(Side& side) {
  const bool client = side.is_client();
  const uint16_t code = rules().codes[Ending::silent];
  set_outcome({.by = side.which,
               .cause = client ? Cause::client_silent : Cause::upstream_silent,
               .code = client ? close_code::abnormal : code,
               .reason = "no answer to a ping"});
  side.note_end();
  side.transport->abort();
  begin_closing(Phase::closing, code, code, client ? "the client is silent" : "the upstream is silent");
}

// The guilty side gets the reason, the other side the code for the end.
void Tunnel::refuse(Side& guilty) {
  const Violation& violation = *guilty.violation;
  const bool client = guilty.is_client();
  const uint16_t lost = client ? close_code::going_away : rules().codes[Ending::backend_lost];
  const uint16_t other_code = violation.other_code != 0 ? violation.other_code : lost;
  const uint16_t to_client = client ? violation.code : other_code;
  set_outcome({.by = guilty.which,
               .cause = violation.cause,
               .code = to_client,
               .reason = violation.reason,
               .rule = violation.rule});
  begin_closing(Phase::closing, to_client, client ? other_code : violation.code, violation.reason);
}

void Tunnel::close(Cause cause, Ending ending, std::string_view reason) {
  if (!is_ending()) end_by(base::Side::gateway, cause, ending, reason);
}

void Tunnel::cut(Cause cause) {
  set_outcome({.by = base::Side::gateway, .cause = cause});
  lose_undelivered(base::Side::gateway, cause);
  finish();
}

void Tunnel::end_by(base::Side by, Cause cause, Ending ending, std::string_view reason) {
  const uint16_t code = rules().codes[ending];
  set_outcome({.by = by, .cause = cause, .code = code, .reason = std::string(reason)});
  // A client that is asked to reconnect may have sent something before it received the Close: that is
  // forwarded until the client's own Close.
  const bool reconnects =
      by == base::Side::gateway && cause != Cause::token_expired && cause != Cause::token_revoked;
  begin_closing(reconnects ? Phase::finishing : Phase::closing, code, close_code::going_away, reason);
}

// `phase`: finishing or closing.
void Tunnel::begin_closing(Phase phase, uint16_t to_client, uint16_t to_upstream, std::string_view reason) {
  advance(phase_, phase);
  code_to_client_ = to_client;
  code_to_upstream_ = to_upstream;
  if (outcome_->reason.empty()) outcome_->reason = reason;
  abandon_queue();
  end_within(closing_limit);
  close_towards(client_);
  if (phase == Phase::closing) close_towards(upstream_);
  if (client_.has_left() && upstream_.has_left()) finish();
}

// The client's frames are forwarded no further, so the endpoint gets its Close.
void Tunnel::end_finishing() {
  advance(phase_, Phase::closing);
  close_towards(upstream_);
}

// A side has sent Close or has left, and the other side has some time for its half of the closing handshake.
void Tunnel::begin_half_closed() {
  if (phase_ == Phase::open) advance(phase_, Phase::half_closed);
  end_within(half_closed_limit);
}

void Tunnel::end_within(base::Duration limit) {
  if (ending_since_ == base::Instant{}) ending_since_ = set_.turn_.now;
  end_by_ = set_.turn_.now + limit;
  left_to_client_ = left_to_client();
  arm_next();
}

// The closing time limit has passed; it is extended while the client is still reading.
void Tunnel::time_out() {
  const uint64_t left = is_closing() ? 0 : left_to_client();
  if (left > 0 && left < left_to_client_ && set_.turn_.now - ending_since_ < flush_limit)
    return end_within(half_closed_limit);
  if (left > 0) lose_undelivered(base::Side::client, Cause::client_not_reading);
  if (phase_ != Phase::finishing || upstream_.has_left()) return finish();
  end_finishing();  // the client does not answer
  end_within(closing_limit);
}

// Called when the client will not take the undelivered data any more. Then an endpoint that sent Close in
// good order did not end the socket: the side that prevented the delivery did.
void Tunnel::lose_undelivered(base::Side by, Cause cause) {
  if (client_.sent_close() || left_to_client() == 0) return;
  outcome_->code = close_code::abnormal;
  if (outcome_->by == base::Side::upstream && !outcome_->cause) outcome_ = Outcome{.by = by, .cause = cause};
}

// The gateway ends the direction towards `side`, if that was not ended before.
void Tunnel::close_towards(Side& side) {
  if (side.closing == Closing::open) advance(side.closing, Closing::close_due);
  send_close(side);
}

// Forwards the end of a direction: the other side has ended it.
void Tunnel::end_direction(Side& to) {
  if (to.closing != Closing::open) return;
  advance(to.closing, Closing::ended);
  to.transport->finish();
}

// Only whole frames may precede the gateway's Close, and nothing may follow a Close. The rest of a frame in
// transit is awaited first.
void Tunnel::send_close(Side& side) {
  if (side.closing != Closing::close_due) return;
  if (side.has_left()) return advance(side.closing, Closing::ended);
  Side& from = other(side);
  const bool in_frame = !from.frames.at_boundary();
  if (in_frame && from.received == Received::frames) return from.resume();
  const bool sent = !in_frame && !from.sent_close();
  advance(side.closing, sent ? Closing::close_sent : Closing::ended);
  const uint16_t code = side.is_client() ? code_to_client_ : code_to_upstream_;
  // A side that sent Close itself, and ended the socket by that, gets an answer with its own code.
  const bool answered = side.sent_close() && outcome_->by == side.which && !outcome_->cause;
  if (sent)
    side.transport->write(answered ? answer_to_close(side)
                                   : websocket::close_frame(code, outcome_->reason, side.role()));
  side.transport->finish();
  side.resume();
}

// The side sent Close first, and must get its own code back (RFC 6455 5.5.1).
base::Chunk Tunnel::answer_to_close(const Side& side) const {
  const uint16_t code = websocket::is_sendable_close_code(outcome_->code) ? outcome_->code : close_code::none;
  return websocket::close_frame(code, {}, side.role());
}

// --- the record: always, once ---

void Tunnel::finish() {
  if (phase_ == Phase::over) return;
  advance(phase_, Phase::over);
  disarm();
  --route_sockets_->open;
  set_outcome({.by = base::Side::gateway});
  const std::optional<Cause> cause = outcome_->cause;
  if (cause) set_.metrics_.failures.add({*cause, base::Stage::tunnel});
  const telemetry::TunnelRecord record = facts_.record();
  telemetry::TunnelEnd end;
  end.by = outcome_->by;
  if (cause) {
    end.cause = base::traits(*cause).label;
    end.meaning = base::traits(*cause).meaning;
    end.failure = base::Error{*cause, base::Stage::tunnel};
  } else {
    end.meaning = "closed in good order";
  }
  // Within a frame no Close could be inserted, and a Close that was not delivered is unknown to the client:
  // the client then only knows that the connection ended.
  const bool sent =
      (upstream_.sent_close() && !(queue_ && !queue_->empty())) || client_.closing == Closing::close_sent;
  const bool client_knows = client_.sent_close() || (sent && client_.transport->backlog() == 0);
  abandon_queue();
  end.close_code = client_knows ? outcome_->code : close_code::abnormal;
  end.close_reason = outcome_->reason;
  end.rule = outcome_->rule;
  end.bytes_to_client = upstream_.passed;
  end.bytes_to_upstream = client_.passed;
  end.messages_to_client = upstream_.whole_messages();
  end.messages_to_upstream = client_.whole_messages();
  end.messages_dropped = dropped_;
  end.client_quiet = set_.turn_.now - client_.liveness.heard();
  end.upstream_quiet = set_.turn_.now - upstream_.liveness.heard();
  end.duration = set_.turn_.now - opened_;
  set_.memory().ended(record.client, end.by == base::Side::client, set_.turn_.now);
  set_.metrics_.sockets.closed(record.route, end.by, end.close_code, end.cause);
  const bool failed = cause && base::traits(*cause).severity != base::Severity::info;
  if (facts_.logged() || failed) set_.access_log_.tunnel_close(record, end);
  set_.remove(*this);
}

}  // namespace postern::tunnel
