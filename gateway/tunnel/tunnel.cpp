#include "tunnel/tunnel.h"

#include <algorithm>

#include "base/error.h"
#include "tunnel/tunnel_set.h"

namespace postern::tunnel {
namespace {

using base::Cause;
using telemetry::Count;
using websocket::Ending;
using websocket::FrameHeader;
using websocket::Opcode;
using websocket::Role;

const std::vector<SharedLimit> no_limits;

constexpr base::Duration renewals_every = std::chrono::seconds(1);
constexpr base::Duration retry_notice_every = std::chrono::milliseconds(200);

}  // namespace

Tunnel::Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client,
               std::unique_ptr<net::Transport> upstream, upstream::Lease lease, TunnelFacts facts,
               TunnelOptions options)
    : DrainLine::Member(DrainLine::Kind::websocket),
      TokenHolder(set.token_holders_, std::move(options.token)),
      set_(set),
      client_(*this, base::Side::client, std::move(client), set.turn_.now),
      upstream_(*this, base::Side::upstream, std::move(upstream), set.turn_.now),
      lease_(std::move(lease)),
      facts_(std::move(facts)),
      options_(std::move(options)),
      route_sockets_(set.sockets_of(facts_.record().route)),
      opened_(set.turn_.now),
      link_(this) {
  ++route_sockets_->open;
  lease_.close_if_transport_taken();
  if (rules().mode != routing::FrameMode::tunnel) {
    websocket::Deflate* deflate = client_deflate();
    const bool compressed = options_.frames_compressed;
    client_.guard =
        std::make_unique<MessageGuard>(client_, rules(), base::Side::client, compressed || deflate != nullptr,
                                       deflate, set_.turn_, options_.limits);
    upstream_.guard = std::make_unique<MessageGuard>(upstream_, rules(), base::Side::upstream, compressed,
                                                     nullptr, set_.turn_, no_limits);
    if (options_.first_is_judged) client_.guard->pass_first_token();
  }
  using Full = websocket::MessageQueue::Full;
  if (rules().on_slow_reader != routing::OnSlowReader::pause)
    queue_ = std::make_unique<websocket::MessageQueue>(
        rules().buffer, rules().on_slow_reader == routing::OnSlowReader::close         ? Full::refuse
                        : rules().on_slow_reader == routing::OnSlowReader::drop_oldest ? Full::drop_oldest
                                                                                       : Full::keep_latest);
  if (rules().heartbeat) next_heartbeat_ = opened_ + rules().heartbeat->interval;
  client_.transport->start(client_);
  upstream_.transport->start(upstream_);
  arm_next();
}

// Null: messages between the client and the gateway are not compressed.
websocket::Deflate* Tunnel::client_deflate() {
  return options_.client_window_bits == 0 ? nullptr : &set_.deflate(options_.client_window_bits);
}

bool Tunnel::outdated(const CurrentRoutes& current) {
  if (!options_.route) return false;
  if (lease_.endpoint() && lease_.endpoint()->retired()) return true;
  renew_token();  // the key of an older one may be gone
  return !current.allow(*options_.route, token_key()) || !current.take(options_.certificate.get());
}

void Tunnel::leave(bool stopping) {
  if (stopping)
    close(Cause::shutting_down, Ending::shutdown, "the gateway is shutting down");
  else
    close(Cause::route_changed, Ending::reload, "the gateway has a new configuration");
}

// One that is closing in good order already has no more time either.
void Tunnel::on_revoked() {
  if (phase_ == Phase::open)
    end_by(base::Side::gateway, Cause::token_revoked, Ending::token_revoked, "token_revoked");
  else if (phase_ == Phase::half_closed || phase_ == Phase::finishing)
    cut(Cause::token_revoked);
}

// --- forwarding ---

void Tunnel::pass(Side& from, base::Bytes bytes) {
  if (phase_ == Phase::over || from.has_left()) return;
  from.liveness.hear(set_.turn_.now);
  const uint64_t before = from.passed;
  const size_t walked = from.frames.stopped() ? bytes.size() : from.frames.walk(bytes, from);
  count_passed(from.which, from.passed - before);
  after_bytes(from, bytes.subspan(walked));
}

// The one place that decides what happens to a frame. `control` is the payload of a whole control frame, null
// for any other.
Tunnel::Pass Tunnel::decide(Side& from, const FrameHeader& header, const std::string_view* control) {
  // Nothing is forwarded after a Close (RFC 6455 5.5.1), the side's own or the gateway's.
  if (from.sent_close() || from.violation || other(from).closing != Closing::open) return Pass::stop;
  if (control && header.is(Opcode::pong) && from.liveness.take_pong(*control)) return Pass::drop;
  if (from.guard) {
    // A compressed message may become a thousand times as large when it is sent on, so no more is taken while
    // the other side has a backlog.
    if (!control && from.guard->reads() && must_wait_for(other(from))) return Pass::wait;
    if (const Pass pass = from.guard->check(header, control); pass != Pass::on) return pass;
  }
  if (control) return forward_control(from, header, *control);
  if (header.is_control()) return Pass::on;  // too long to be one, and no rule forbids it
  if (header.final) ++from.messages;
  if (!from.is_client()) endpoint_said_something(!header.is(Opcode::continuation));
  return Pass::on;
}

Tunnel::Pass Tunnel::forward_control(Side& from, const FrameHeader& header, std::string_view payload) {
  if (header.is(Opcode::close)) return forward_close(from, payload);
  if (from.is_client() || !client_is_behind()) return Pass::on;
  const std::string_view key = header.is(Opcode::ping) ? "ping" : "pong";
  base::Chunk frame = websocket::make_frame(static_cast<Opcode>(header.opcode), payload, Role::server);
  if (!queue_->push(std::move(frame), key, websocket::MessageQueue::Kind::control))
    end_by(base::Side::client, Cause::client_not_reading, Ending::slow_reader, "slow_reader");
  return Pass::drop;
}

// Called for what goes to the client; dropped frames do not count. `begins`: it is the start of a message,
// not a further frame of one.
void Tunnel::endpoint_said_something(bool begins) {
  const base::Instant now = set_.turn_.now;
  if (rules().heartbeat) next_heartbeat_ = now + rules().heartbeat->interval;
  if (!begins) return;
  if (greeted_ == base::Instant{})
    greeted_ = now;
  else
    route_sockets_->last_message = now;
}

// `rest`: bytes that have to wait; they are delivered again after resume_if_allowed().
void Tunnel::after_bytes(Side& from, base::Bytes rest) {
  if (from.guard) count_dropped(from.guard->take_dropped());
  if (phase_ == Phase::over) return;  // a side broke during a write
  if (from.violation && !is_closing()) return refuse(from);
  // The client's further messages are not forwarded.
  if (phase_ == Phase::finishing && from.is_client() && (from.violation || from.sent_close()))
    end_finishing();
  Side& to = other(from);
  send_close(to);
  const bool throttled = is_throttled(from);
  if (throttled || must_wait_for(to)) from.pause(throttled ? Reading::throttled : Reading::peer_full);
  if (throttled || !rest.empty() || from.frames.has_waiting())
    from.transport->unread(base::Chunk::copy_of(rest));
  if (throttled || from.has_become_due()) arm_next();
}

void Tunnel::send_message(Side& to, Opcode kind, std::string_view message,
                          const websocket::MessageView& view) {
  if (to.closing != Closing::open) return;
  if (to.is_client()) endpoint_said_something(true);
  base::Chunk frame;
  std::string_view compressed;
  if (to.is_client() && message.size() >= websocket::Deflate::worth_it)
    if (websocket::Deflate* deflate = client_deflate()) compressed = deflate->compress(message);
  constexpr uint8_t rsv1 = 4;
  frame = compressed.empty() ? websocket::make_frame(kind, message, to.role())
                             : websocket::make_frame(kind, compressed, to.role(), rsv1);
  if (!to.is_client() || !client_is_behind()) {
    ++other(to).messages;
    other(to).passed += frame.size();  // pass() counts it
    return to.transport->write(std::move(frame));
  }
  const uint64_t dropped = queue_->dropped();
  const websocket::Dialect::Found key = view.key();
  if (!queue_->push(std::move(frame), key && *key ? (*key)->text() : std::string_view())) {
    count_dropped(1);
    return end_by(base::Side::client, Cause::client_not_reading, Ending::slow_reader, "slow_reader");
  }
  ++upstream_.messages;
  upstream_.messages -= queue_->dropped() - dropped;
  count_dropped(queue_->dropped() - dropped);
}

// True when the side has a backlog so large that reading from the other side must pause. A transport calls
// on_drained() only if its backlog was above its high-water mark.
bool Tunnel::must_wait_for(const Side& side) const {
  if (side.is_client() && queue_) return false;
  constexpr uint64_t least = net::Transport::high_water;
  return side.transport->backlog() > (side.is_client() ? std::max(rules().buffer, least) : least);
}

// True when data for the client has to go through the queue, behind what waits there.
bool Tunnel::client_is_behind() const {
  return queue_ && (!queue_->empty() || client_.transport->backlog() > net::Transport::high_water);
}

uint64_t Tunnel::left_to_client() const {
  return (queue_ ? queue_->bytes() : 0) + client_.transport->transit().outstanding;
}

void Tunnel::count_passed(base::Side from, uint64_t bytes) {
  set_.metrics_.process.add(
      from == base::Side::client ? Count::tunnel_bytes_from_clients : Count::tunnel_bytes_to_clients, bytes);
}

void Tunnel::count_dropped(uint64_t messages) {
  if (messages == 0) return;
  dropped_ += messages;
  set_.metrics_.process.add(Count::messages_dropped, messages);
}

// What waits in the queue will not be sent any more.
void Tunnel::abandon_queue() {
  if (!queue_) return;
  upstream_.messages -= queue_->messages();
  count_dropped(queue_->messages());
  queue_.reset();
}

// True while a rate limit pauses this side. No rate limit applies while the tunnel only waits for its end.
bool Tunnel::is_throttled(const Side& side) const {
  if (!side.guard || other(side).closing != Closing::open) return false;
  return side.guard->wait_until() > set_.turn_.now;
}

void Tunnel::drained(Side& side) {
  side.liveness.note_reading(set_.turn_.now);
  if (side.is_client() && queue_) {
    const uint64_t before = upstream_.passed;
    while (!queue_->empty() && side.transport->backlog() <= net::Transport::high_water) {
      base::Chunk frame = queue_->pop();
      upstream_.passed += frame.size();
      side.transport->write(std::move(frame));
    }
    count_passed(base::Side::upstream, upstream_.passed - before);
    if (queue_->empty() && upstream_.has_left()) end_direction(client_);
  }
  resume_if_allowed(other(side));
}

void Tunnel::resume_if_allowed(Side& side) {
  if (side.reading == Reading::flowing || is_throttled(side)) return;
  if (must_wait_for(other(side))) {
    if (side.reading == Reading::throttled) advance(side.reading, Reading::peer_full);
    return;
  }
  side.liveness.hear(set_.turn_.now);  // it was not read from, so its silence meant nothing
  if (side.guard) side.guard->prolong();
  side.resume();
  if (side.has_become_due()) arm_next();
}

// --- timers ---

void Tunnel::on_deadline() {
  const base::Instant now = set_.turn_.now;
  if (is_ending()) {
    if (now >= end_by_) return time_out();
    resume_if_allowed(client_);
    resume_if_allowed(upstream_);
    return arm_next();
  }
  if (token_ends() && now >= *token_ends() && !renew_token())
    return end_by(base::Side::gateway, Cause::token_expired, Ending::token_expired, "token_expired");
  if (rules().max_age != base::no_limit && now - opened_ >= rules().max_age)
    return end_by(base::Side::gateway, Cause::max_age_reached, Ending::max_age, "max_age_reached");
  if (now - quiet_since() >= options_.idle_limit)
    return end_by(base::Side::gateway, Cause::timed_out, Ending::idle, "nothing moved for too long");
  for (Side* side : {&client_, &upstream_}) {
    resume_if_allowed(*side);
    if (side->reading == Reading::flowing && side->guard && side->guard->due() &&
        *side->guard->due() <= now) {
      side->guard->refuse_late();
      return refuse(*side);
    }
    check_liveness(*side);
    if (is_closing()) return;
  }
  if (rules().heartbeat && now >= next_heartbeat_) send_heartbeat();
  if (const std::optional<base::Instant> due = notice_due(); due && now >= *due) give_notice();
  arm_next();
}

// A side that a rate limit pauses is not idle.
base::Instant Tunnel::quiet_since() const {
  if (is_throttled(client_) || is_throttled(upstream_)) return set_.turn_.now;
  return std::max(client_.liveness.heard(), upstream_.liveness.heard());
}

// Pings a side that has sent nothing for a while, and gives up a side that does not answer.
void Tunnel::check_liveness(Side& side) {
  if (rules().ping_interval == base::no_limit) return;
  const bool at_boundary = other(side).frames.at_boundary();
  const bool is_read = side.reading == Reading::flowing;
  switch (side.liveness.look(rules(), *side.transport, at_boundary, is_read, set_.turn_.now)) {
    case Liveness::Finding::alive: return;
    case Liveness::Finding::silent: return side_is_silent(side);
    case Liveness::Finding::ping: break;
  }
  side.transport->write(websocket::make_frame(Opcode::ping, Liveness::ping_payload, side.role()));
}

// Sends a text frame that the page can see, since a page cannot see pings.
void Tunnel::send_heartbeat() {
  next_heartbeat_ = set_.turn_.now + rules().heartbeat->interval;
  send_own_message(rules().heartbeat->message);
}

// False when it cannot be sent now: a message of the endpoint is under way, or the client does not keep up.
bool Tunnel::send_own_message(const std::string& text) {
  if (!upstream_.frames.between_messages() || must_wait_for(client_) || client_is_behind()) return false;
  client_.transport->write(websocket::make_frame(Opcode::text, text, Role::server));
  return true;
}

// When the client must be told that its token is about to expire; nullopt: not, or it has been.
std::optional<base::Instant> Tunnel::notice_due() const {
  const std::optional<base::Instant> expires = rules().expiry_notice ? token_expires() : std::nullopt;
  if (!expires || *expires == notified_of_) return std::nullopt;
  return std::max(*expires - rules().expiry_notice->before, retry_notice_at_);
}

void Tunnel::give_notice() {
  if (renew_token()) return;
  if (send_own_message(rules().expiry_notice->message))
    notified_of_ = *token_expires();
  else
    retry_notice_at_ = set_.turn_.now + retry_notice_every;
}

// A client cannot make the gateway verify one token after the other.
bool Tunnel::renew_by(std::string_view token) {
  if (!options_.tokens) return false;
  if (set_.turn_.now < next_renewal_) return true;
  next_renewal_ = set_.turn_.now + renewals_every;
  options_.tokens->renew(*this, token);
  return true;
}

void Tunnel::arm_next() {
  const base::Instant now = set_.turn_.now;
  base::Duration wait = base::no_limit;
  const auto until = [&](base::Instant instant) { wait = std::min(wait, instant - now); };
  for (const Side* side : {&client_, &upstream_})
    if (side->reading == Reading::throttled) until(side->guard->wait_until());
  if (is_ending()) {
    until(end_by_);
    return set_.turn_.arm(*this, std::max(wait, base::Duration::zero()));
  }
  until(quiet_since() + options_.idle_limit);
  if (token_ends()) until(*token_ends());
  if (const std::optional<base::Instant> due = notice_due()) until(*due);
  if (rules().max_age != base::no_limit) until(opened_ + rules().max_age);
  if (rules().heartbeat) until(next_heartbeat_);
  for (const Side* side : {&client_, &upstream_}) {
    if (side->reading == Reading::flowing && side->guard && side->guard->due()) until(*side->guard->due());
    if (rules().ping_interval != base::no_limit) until(side->liveness.due(rules(), now));
  }
  set_.turn_.arm(*this, std::max(wait, base::Duration::zero()));
}

}  // namespace postern::tunnel
