#include "proxy/event_stream.h"
#include "base/error.h"

#include <algorithm>

namespace postern::proxy {

using base::Cause;
using base::Chunk;
using base::Duration;
using base::Pumped;
using base::Result;
using base::Stage;
using base::Task;

namespace {

// The time limit for the rest of the event in transit when the stream has to end.
constexpr Duration rest_of_event = std::chrono::seconds(10);
// The same when its token is revoked: within a second all of it is over.
constexpr Duration rest_when_revoked = std::chrono::milliseconds(250);
constexpr Duration look_every = std::chrono::seconds(15);
constexpr Duration retry_notice_every = std::chrono::milliseconds(200);

constexpr std::string_view comment_text = ":\n\n";

}  // namespace

EventStream::EventStream(base::Scope& scope, tunnel::DrainLine& drain_line, tunnel::TokenHolder& token,
                         Options options)
    : Member(tunnel::DrainLine::Kind::event_stream),
      scope_(scope),
      drain_line_(drain_line),
      token_(token),
      options_(std::move(options)),
      heard_(scope.turn.now),
      written_(heard_),
      look_at_(heard_ + look_every),
      took_at_(heard_) {
  drain_line_.join(*this);
}

Task<Result<Pumped>> EventStream::run(base::Channel& from, http::ServerStream& to,
                                      const base::PumpLimits& limits, uint64_t& moved) {
  base::Channel& body = to.response_body();
  base::Phase phase(scope_, limits.stage, base::no_limit);
  base::Pace sink(scope_.turn, phase, limits.sink);
  for (;;) {
    if (until_due() == Duration::zero())  // with an endpoint that always has data, no wait times out
      if (const std::optional<Cause> over = look(to, limits.sink)) co_return base::fail(*over, limits.stage);
    if (ending_ && may_end()) co_return Pumped{};
    Result<Chunk> chunk = Chunk();
    {
      base::Phase waiting(scope_, limits.stage, until_due(), Cause::timed_out);
      waiting_ = &waiting;
      Result<Chunk> read = co_await from.read(scope_);
      waiting_ = nullptr;
      chunk = std::move(read);
    }
    if (!chunk && chunk.error().cause != Cause::timed_out)
      co_return base::fail(chunk.error().cause, limits.stage);
    if (!chunk) continue;  // a timer of until_due() expired
    if (chunk->empty()) co_return Pumped{};
    heard_ = written_ = scope_.turn.now;
    const std::optional<size_t> boundary = boundaries_.feed(chunk->bytes());
    if (ending_ && options_.readable && boundary) {  // the bytes behind the boundary belong to the next event
      moved += *boundary;
      body.push(Chunk::copy_of(chunk->bytes().first(*boundary)));
      co_return Pumped{};
    }
    moved += chunk->size();
    body.push(std::move(*chunk));
    if (body.has_room()) continue;
    sink.begin_wait(moved);
    Task<Result<void>> waiting = wait_for_room(to, limits);
    Result<void> taken = co_await waiting;
    sink.end_wait();
    phase.extend(base::no_limit);
    if (!taken) co_return base::fail(taken.error().cause, limits.stage);
  }
}

// Also succeeds when the stream may end before there is room.
Task<Result<void>> EventStream::wait_for_room(http::ServerStream& to, const base::PumpLimits& limits) {
  for (;;) {
    Result<void> found;
    {
      base::Phase waiting(scope_, limits.stage, until_due(), Cause::timed_out);
      waiting_ = &waiting;
      Result<void> waited = co_await to.response_body().room(scope_);
      waiting_ = nullptr;
      found = waited;
    }
    heard_ = scope_.turn.now;  // the endpoint is not read from while the client has no room
    if (found || found.error().cause != Cause::timed_out) co_return found;
    if (const std::optional<Cause> over = look(to, limits.sink)) co_return base::fail(*over, limits.stage);
    if (ending_ && may_end()) co_return Result<void>();
  }
}

Duration EventStream::until_due() const {
  const base::Instant now = scope_.turn.now;
  Duration wait = look_at_ - now;
  const auto until = [&](base::Instant instant) { wait = std::min(wait, instant - now); };
  if (ending_) {
    until(end_by_);
  } else {
    if (token_.token_ends()) until(*token_.token_ends());
    if (options_.too_old_at) until(*options_.too_old_at);
    if (const std::optional<base::Instant> due = notice_due()) until(*due);
  }
  if (options_.idle_limit != base::no_limit) until(heard_ + options_.idle_limit);
  if (!ending_ && options_.readable && options_.comment_interval != base::no_limit)
    until(written_ + options_.comment_interval);
  return std::max(wait, Duration::zero());
}

// Handles the timers that are due. Returns the cause if the stream must be cut.
std::optional<Cause> EventStream::look(http::ServerStream& to, const base::PaceRules& client) {
  const base::Instant now = scope_.turn.now;
  if (!ending_ && token_.token_ends() && now >= *token_.token_ends() && !token_.renew_token())
    end(Cause::token_expired, rest_of_event);
  if (!ending_ && options_.too_old_at && now >= *options_.too_old_at)
    end(Cause::max_age_reached, rest_of_event);
  if (ending_ && now >= end_by_ && !may_end()) return ending_;
  if (options_.idle_limit != base::no_limit && now - heard_ >= options_.idle_limit)
    return Cause::upstream_stream_silent;
  if (options_.readable && now - written_ >= options_.comment_interval && !ending_)
    comment(to.response_body());
  if (const std::optional<base::Instant> due = notice_due(); due && now >= *due)
    give_notice(to.response_body());
  if (now < look_at_) return std::nullopt;
  look_at_ = now + look_every;
  // A client whose machine is gone sends nothing. A client that acknowledges none of its data for as long as
  // a body may stand still is given up. While its window is full, it may be waiting to open the window by a
  // step.
  const net::Transport::Transit transit = to.transit();
  if (transit.outstanding == 0 || transit.acknowledged != acknowledged_) took_at_ = now;
  acknowledged_ = transit.acknowledged;
  const Duration limit =
      transit.outstanding < base::window_step ? client.idle : base::longest_standstill(client);
  if (limit != base::no_limit && now - took_at_ >= limit) return Cause::client_timed_out;
  return std::nullopt;
}

void EventStream::comment(base::Channel& to) {
  written_ = scope_.turn.now;
  if (!boundaries_.between_events() || !to.has_room()) return;
  to.push(Chunk::copy_of(comment_text));
  ++comments_;
}

// When the client must be told that its token is about to expire; nullopt: not, or it has been.
std::optional<base::Instant> EventStream::notice_due() const {
  if (!options_.expiry_notice || !options_.readable || ending_) return std::nullopt;
  const std::optional<base::Instant> expires = token_.token_expires();
  if (!expires || *expires == notified_of_) return std::nullopt;
  return std::max(*expires - options_.expiry_notice->before, retry_notice_at_);
}

void EventStream::give_notice(base::Channel& to) {
  if (token_.renew_token()) return;
  if (!boundaries_.between_events() || !to.has_room()) {
    retry_notice_at_ = scope_.turn.now + retry_notice_every;
    return;
  }
  const routing::ExpiryEvent& notice = *options_.expiry_notice;
  written_ = scope_.turn.now;
  notified_of_ = *token_.token_expires();
  to.push(Chunk::copy_of("event: " + notice.event + "\ndata: " + notice.data + "\n\n"));
}

void EventStream::end(Cause why, Duration limit) {
  ending_ = why;
  end_by_ = scope_.turn.now + (options_.readable ? limit : Duration::zero());
}

void EventStream::revoke() {
  if (over_) return;
  end(Cause::token_revoked, rest_when_revoked);
  if (waiting_) waiting_->extend(Duration::zero());
}

bool EventStream::outdated(const tunnel::CurrentRoutes& current) {
  if (!options_.route) return false;
  if (options_.endpoint && options_.endpoint->retired()) return true;
  token_.renew_token();  // the key of an older one may be gone
  return !current.allow(*options_.route, token_.token_key()) || !current.take(options_.certificate.get());
}

void EventStream::leave(bool stopping) {
  end(stopping ? Cause::shutting_down : Cause::route_changed, rest_of_event);
  if (waiting_) waiting_->extend(Duration::zero());
}

}  // namespace postern::proxy
