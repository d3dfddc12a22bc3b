#include "tunnel/tunnel.h"

#include <algorithm>

#include "base/error.h"
#include "tunnel/tunnel_set.h"

namespace postern::tunnel {
namespace {

using base::Cause;
using base::Side;
using telemetry::Count;
using websocket::Ending;
using websocket::FrameHeader;
using websocket::Opcode;
using websocket::Role;

// The delay before the next try, when a side could not be pinged within a frame of the other side.
constexpr base::Duration ping_again = std::chrono::seconds(1);

constexpr std::string_view ping_text = "postern";

const std::vector<SharedLimit> no_limits;

}  // namespace

Tunnel::Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client,
               std::unique_ptr<net::Transport> upstream, upstream::Lease lease, TunnelFacts facts,
               TunnelOptions options)
    : DrainLine::Member(DrainLine::Kind::websocket),
      set_(set),
      client_(*this, Side::client),
      upstream_(*this, Side::upstream),
      lease_(std::move(lease)),
      facts_(std::move(facts)),
      options_(std::move(options)),
      route_sockets_(set.sockets_of(facts_.record().route)),
      opened_(set.turn_.now),
      link_(this) {
  ++route_sockets_->open;
  client_.heard = upstream_.heard = opened_;
  client_.transport = std::move(client);
  upstream_.transport = std::move(upstream);
  if (rules().mode != routing::FrameMode::tunnel) {
    websocket::Deflate* deflate = client_deflate();
    const bool compressed = options_.frames_compressed;
    client_.guard = std::make_unique<MessageGuard>(rules(), Side::client, compressed || deflate != nullptr,
                                                   deflate, set_.turn_, options_.limits);
    upstream_.guard =
        std::make_unique<MessageGuard>(rules(), Side::upstream, compressed, nullptr, set_.turn_, no_limits);
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

bool Tunnel::outdated(const std::vector<uint64_t>& routes) const {
  if (!options_.route) return false;
  if (lease_.endpoint() && lease_.endpoint()->retired()) return true;
  return !std::binary_search(routes.begin(), routes.end(), *options_.route);
}

void Tunnel::leave(bool stopping) {
  if (stopping)
    close(Cause::shutting_down, Ending::shutdown, "the gateway is shutting down");
  else
    close(Cause::route_changed, Ending::reload, "the gateway has a new configuration");
}

// --- forwarding ---

void Tunnel::pass(End& from, base::Bytes bytes) {
  if (over_ || from.ended) return;
  from.heard = set_.turn_.now;
  from.pinged.reset();
  const uint64_t before = from.passed;
  const size_t walked = from.frames.stopped() ? bytes.size() : from.frames.walk(bytes, from);
  count_passed(from.side, from.passed - before);
  after_bytes(from, bytes.subspan(walked));
}

Tunnel::Pass Tunnel::judge(End& from, const FrameHeader& header) {
  // Nothing is forwarded after a Close (RFC 6455 5.5.1), the other side's or the gateway's.
  if (from.close_seen) return Pass::stop;
  if (closing_ && !may_finish(from)) return other(from).close_requested ? Pass::drop : Pass::stop;
  if (from.guard && from.guard->reads() && must_wait_for(other(from))) {
    // A compressed message may become a thousand times as large when it is sent on, so no more is taken for
    // now.
    from.held_back = true;
    return Pass::wait;
  }
  const Pass pass = from.guard ? from.guard->on_frame(header) : Pass::on;
  if (pass == Pass::wait) return pass;
  if (pass == Pass::on && header.final && !header.is_control()) ++from.messages;
  if (pass == Pass::on && from.side == Side::upstream && !header.is_control())
    endpoint_said_something(!header.is(Opcode::continuation));
  return pass;
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

Tunnel::Pass Tunnel::judge_control(End& from, const FrameHeader& header, std::string_view payload) {
  if (from.close_seen) return Pass::stop;
  if (header.is(Opcode::pong) && from.unanswered > 0 && payload == ping_text) {
    --from.unanswered;
    return Pass::drop;
  }
  if (closing_ && !may_finish(from)) return Pass::drop;
  const Pass judged = from.guard ? from.guard->on_control(header, payload) : Pass::on;
  if (judged != Pass::on) return judged;
  if (closing_) {
    from.close_seen = header.is(Opcode::close);
    return Pass::on;
  }
  if (!header.is(Opcode::close)) {
    if (from.side == Side::client || !client_is_behind()) return Pass::on;
    const std::string_view key = header.is(Opcode::ping) ? "ping" : "pong";
    base::Chunk frame = websocket::make_frame(static_cast<Opcode>(header.opcode), payload, Role::server);
    if (!queue_->push(std::move(frame), key, websocket::MessageQueue::Kind::control))
      end_by(Side::client, Cause::client_not_reading, Ending::slow_reader, "slow_reader");
    return Pass::drop;
  }
  return note_close(from, payload);
}

// `rest`: bytes that have to wait; they are delivered again after resume_if_allowed().
void Tunnel::after_bytes(End& from, base::Bytes rest) {
  if (from.guard) count_dropped(from.guard->take_dropped());
  if (over_) return;  // a side broke during a write
  if (bad_close_) return refuse_close(from);
  if (from.guard && from.guard->violation()) {
    if (!closing_) return refuse(from);
    if (from.side == Side::client) finishing_ = false;  // the client's further messages are not read
  }
  End& to = other(from);
  if (closing_ && !may_finish(from)) send_close(to);
  const bool early = is_throttled(from);
  const bool held_back = std::exchange(from.held_back, false);
  if (early || must_wait_for(to)) {
    from.waits = true;
    from.slowed = early;
    from.transport->pause();
  }
  if (early || held_back) from.transport->unread(base::Chunk::copy_of(rest));
  if (early || has_become_due(from)) arm_next();
}

// True when a message has begun and is not whole, so that a timer is needed for it: received bytes arm no
// timer.
bool Tunnel::has_become_due(End& end) {
  if (!end.guard) return false;
  const std::optional<base::Instant> due = end.guard->due();
  return std::exchange(end.due, due) != due && due;
}

void Tunnel::send_message(End& to, Opcode kind, std::string_view message, std::string_view type) {
  if (closing_ && !may_finish(other(to))) return;
  if (to.side == Side::client) endpoint_said_something(true);
  base::Chunk frame;
  std::string_view compressed;
  if (to.side == Side::client && message.size() >= websocket::Deflate::worth_it)
    if (websocket::Deflate* deflate = client_deflate()) compressed = deflate->compress(message);
  constexpr uint8_t rsv1 = 4;
  frame = compressed.empty() ? websocket::make_frame(kind, message, to.role())
                             : websocket::make_frame(kind, compressed, to.role(), rsv1);
  if (to.side == Side::upstream || !client_is_behind()) {
    ++other(to).messages;
    other(to).passed += frame.size();  // pass() counts it
    return to.transport->write(std::move(frame));
  }
  const uint64_t dropped = queue_->dropped();
  if (!queue_->push(std::move(frame), type)) {
    count_dropped(1);
    return end_by(Side::client, Cause::client_not_reading, Ending::slow_reader, "slow_reader");
  }
  ++upstream_.messages;
  upstream_.messages -= queue_->dropped() - dropped;
  count_dropped(queue_->dropped() - dropped);
}

// True when the side has a backlog so large that reading from the other side must pause. A transport calls
// on_drained() only if its backlog was above its high-water mark.
bool Tunnel::must_wait_for(const End& end) const {
  if (end.side == Side::client && queue_) return false;
  constexpr uint64_t least = net::Transport::high_water;
  return end.transport->backlog() > (end.side == Side::client ? std::max(rules().buffer, least) : least);
}

// True when data for the client has to go through the queue, behind what waits there.
bool Tunnel::client_is_behind() const {
  return queue_ && (!queue_->empty() || client_.transport->backlog() > net::Transport::high_water);
}

uint64_t Tunnel::left_to_client() const {
  return (queue_ ? queue_->bytes() : 0) + client_.transport->transit().outstanding;
}

void Tunnel::count_passed(Side from, uint64_t bytes) {
  set_.metrics_.process.add(
      from == Side::client ? Count::tunnel_bytes_from_clients : Count::tunnel_bytes_to_clients, bytes);
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
bool Tunnel::is_throttled(const End& end) const {
  if (!end.guard || (closing_ && !may_finish(end))) return false;
  return end.guard->wait_until() > set_.turn_.now;
}

void Tunnel::drained(End& end) {
  end.heard = set_.turn_.now;  // it reads, so it is alive
  if (end.side == Side::client && queue_) {
    const uint64_t before = upstream_.passed;
    while (!queue_->empty() && end.transport->backlog() <= net::Transport::high_water) {
      base::Chunk frame = queue_->pop();
      upstream_.passed += frame.size();
      end.transport->write(std::move(frame));
    }
    count_passed(Side::upstream, upstream_.passed - before);
    if (queue_->empty() && upstream_.ended) end.transport->finish();
  }
  resume_if_allowed(other(end));
}

void Tunnel::resume_if_allowed(End& end) {
  if (!end.waits || is_throttled(end)) return;
  end.slowed = false;
  if (must_wait_for(other(end))) return;
  end.waits = false;
  end.heard = set_.turn_.now;  // it was not read from, so its silence meant nothing
  end.pinged.reset();
  if (end.guard) end.guard->prolong();
  end.transport->resume();
  if (has_become_due(end)) arm_next();
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
  if (options_.expires && now >= *options_.expires)
    return end_by(Side::gateway, Cause::token_expired, Ending::token_expired, "token_expired");
  if (now - quiet_since() >= options_.idle_limit)
    return end_by(Side::gateway, Cause::timed_out, Ending::idle, "nothing moved for too long");
  for (End* end : {&client_, &upstream_}) {
    resume_if_allowed(*end);
    if (!end->waits && end->guard && end->guard->due() && *end->guard->due() <= now) {
      end->guard->refuse_late();
      return refuse(*end);
    }
    check_liveness(*end);
    if (over_ || closing_) return;
  }
  if (rules().heartbeat && now >= next_heartbeat_) send_heartbeat();
  arm_next();
}

// A side that a rate limit pauses is not idle.
base::Instant Tunnel::quiet_since() const {
  if (is_throttled(client_) || is_throttled(upstream_)) return set_.turn_.now;
  return std::max(client_.heard, upstream_.heard);
}

// Pings a side that has sent nothing for a while, and gives up a side that does not answer.
void Tunnel::check_liveness(End& end) {
  const base::Instant now = set_.turn_.now;
  if (rules().ping_interval == base::no_limit) return;
  if (end.pinged) {
    if (now - *end.pinged < rules().pong_timeout) return;
    // The ping may not have arrived behind the side's backlog; while the side takes some of the backlog, it
    // is alive. From a side that is not read no pong can be received: it is enough that its system took the
    // ping.
    const net::Transport::Transit transit = end.transport->transit();
    const bool taken = transit.outstanding == 0;
    const bool silent = taken ? end.owes_pong && !end.waits : transit.acknowledged == end.acknowledged;
    if (silent) return side_is_silent(end);
    if (taken) {
      end.heard = now;
      end.pinged.reset();
    } else {
      end.acknowledged = transit.acknowledged;
      end.pinged = now;
    }
    return;
  }
  if (now - end.heard < rules().ping_interval) return;
  // No ping can be inserted within a frame; then the outstanding bytes of that frame test the side as well.
  end.owes_pong = other(end).frames.at_boundary();
  const net::Transport::Transit transit = end.transport->transit();
  if (!end.owes_pong && transit.outstanding == 0) return;
  end.pinged = now;
  end.acknowledged = transit.acknowledged;
  if (!end.owes_pong) return;
  if (end.unanswered < 255) ++end.unanswered;
  end.transport->write(websocket::make_frame(Opcode::ping, ping_text, end.role()));
}

// Sends a text frame that the page can see, since a page cannot see pings.
void Tunnel::send_heartbeat() {
  next_heartbeat_ = set_.turn_.now + rules().heartbeat->interval;
  if (!upstream_.frames.between_messages() || must_wait_for(client_) || client_is_behind()) return;
  client_.transport->write(websocket::make_frame(Opcode::text, rules().heartbeat->message, Role::server));
}

void Tunnel::arm_next() {
  const base::Instant now = set_.turn_.now;
  base::Duration wait = base::no_limit;
  const auto until = [&](base::Instant instant) { wait = std::min(wait, instant - now); };
  for (const End* end : {&client_, &upstream_})
    if (end->waits && end->slowed) until(end->guard->wait_until());
  if (is_ending()) {
    until(end_by_);
    return set_.turn_.arm(*this, std::max(wait, base::Duration::zero()));
  }
  until(quiet_since() + options_.idle_limit);
  if (options_.expires) until(*options_.expires);
  if (rules().heartbeat) until(next_heartbeat_);
  for (const End* end : {&client_, &upstream_})
    if (!end->waits && end->guard && end->guard->due()) until(*end->guard->due());
  if (rules().ping_interval != base::no_limit) {
    // Received bytes arm no timer: a side that has answered is checked at the latest when its next ping is
    // due.
    const base::Duration look = std::min(rules().ping_interval, rules().pong_timeout);
    for (const End* end : {&client_, &upstream_}) {
      const base::Instant due = end->pinged ? *end->pinged + look : end->heard + rules().ping_interval;
      until(due > now ? due : now + std::min(ping_again, look));
    }
  }
  set_.turn_.arm(*this, std::max(wait, base::Duration::zero()));
}

}  // namespace postern::tunnel
