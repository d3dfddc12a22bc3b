#include "proxy/tunnel.h"

#include <algorithm>

#include "proxy/tunnel_set.h"

namespace postern::proxy {
namespace {

using base::Cause;
using base::Side;
using telemetry::Count;

// How long the second side may go on after the first has ended: a closing handshake, no more.
constexpr base::Duration half_closed_limit = std::chrono::seconds(10);
constexpr base::Duration closing_limit = std::chrono::seconds(2);

constexpr uint16_t bad_gateway = 1014;  // IANA registry of close codes
constexpr uint16_t going_away = 1001;

}  // namespace

TunnelFacts::TunnelFacts(const telemetry::TunnelRecord& record, bool logged)
    : handshake_(record.handshake_duration), held_(record.held_duration), logged_(logged) {
  const std::array<std::string_view, count> parts = {record.request_id, record.client,      record.host,
                                                     record.target,     record.route,       record.upstream,
                                                     record.endpoint,   record.subprotocol, record.rewritten};
  size_t length = 0;
  for (std::string_view part : parts) length += part.size();
  text_.reserve(length);
  for (size_t i = 0; i < count; ++i) {
    text_ += parts[i];
    ends_[i] = static_cast<uint32_t>(text_.size());
  }
}

telemetry::TunnelRecord TunnelFacts::record() const {
  const auto part = [this](size_t index) {
    const size_t start = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(start, ends_[index] - start);
  };
  telemetry::TunnelRecord record;
  record.request_id = part(0);
  record.client = part(1);
  record.host = part(2);
  record.target = part(3);
  record.route = part(4);
  record.upstream = part(5);
  record.endpoint = part(6);
  record.subprotocol = part(7);
  record.rewritten = part(8);
  record.handshake_duration = handshake_;
  record.held_duration = held_;
  return record;
}

Tunnel::Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client,
               std::unique_ptr<net::Transport> upstream, upstream::Lease lease, TunnelFacts facts,
               TunnelTerms terms)
    : set_(set),
      client_(*this, Side::client),
      upstream_(*this, Side::upstream),
      lease_(std::move(lease)),
      facts_(std::move(facts)),
      terms_(terms),
      opened_(set.turn_.now),
      last_activity_(set.turn_.now),
      place_(this) {
  client_.transport = std::move(client);
  upstream_.transport = std::move(upstream);
  client_.transport->start(client_);
  upstream_.transport->start(upstream_);
  set_.turn_.arm(*this, terms_.idle_limit);
}

void Tunnel::pass(End& from, base::Bytes bytes) {
  if (over_ || from.ended) return;
  End& to = other(from);
  from.received += bytes.size();
  set_.metrics_.process.add(
      from.side == Side::client ? Count::tunnel_bytes_from_clients : Count::tunnel_bytes_to_clients,
      bytes.size());
  from.frames.walk(bytes);
  last_activity_ = set_.turn_.now;
  to.transport->write(bytes);
  if (to.transport->backlog() > net::Transport::high_water) from.transport->pause();
}

void Tunnel::blame(Side by, std::optional<Cause> cause) {
  if (by_) return;
  by_ = by;
  cause_ = cause;
}

void Tunnel::side_ended(End& end) {
  if (over_ || end.ended) return;
  end.ended = true;
  End& second = other(end);
  if (second.ended) return over();
  // In order when a Close frame went before it, in either direction; else the peer just left.
  const bool in_order = end.frames.close_seen() || second.frames.close_seen();
  const bool client = end.side == Side::client;
  blame(second.frames.close_seen() && !end.frames.close_seen() ? second.side : end.side,
        in_order ? std::nullopt : std::optional(client ? Cause::client_closed : Cause::upstream_closed));
  if (!client && !in_order) tell_client(bad_gateway, "the upstream closed the connection");
  second.transport->finish();
  last_activity_ = set_.turn_.now;
  set_.turn_.arm(*this, half_closed_limit);
}

void Tunnel::side_broke(End& end) {
  if (over_) return;
  const bool client = end.side == Side::client;
  blame(end.side, client ? Cause::client_closed : Cause::upstream_closed);
  end.ended = true;
  if (client || client_.ended) return over();
  tell_client(bad_gateway, "the upstream broke the connection");
  finish_soon();
}

// Only a whole number of frames may stand before ours, and nothing after a Close frame.
void Tunnel::tell_client(uint16_t code, std::string_view reason) {
  if (!upstream_.frames.at_boundary() || upstream_.frames.close_seen()) return;
  client_.transport->write(websocket::close_frame(code, reason));
}

void Tunnel::finish_soon() {
  upstream_.ended = true;
  client_.transport->finish();
  client_.transport->resume();
  set_.turn_.arm(*this, closing_limit);
}

void Tunnel::close(Cause cause, uint16_t code, std::string_view reason) {
  if (over_) return;
  blame(Side::gateway, cause);
  if (client_.ended || upstream_.ended) return over();
  tell_client(code, reason);
  finish_soon();
}

bool Tunnel::outdated(const std::vector<uint64_t>& routes) const {
  if (!terms_.route) return false;
  if (lease_.endpoint() && lease_.endpoint()->retired()) return true;
  return !std::binary_search(routes.begin(), routes.end(), *terms_.route);
}

void Tunnel::on_deadline() {
  if (upstream_.ended || client_.ended) return over();
  const base::Duration idle = set_.turn_.now - last_activity_;
  if (idle < terms_.idle_limit) return set_.turn_.arm(*this, terms_.idle_limit - idle);
  close(Cause::timed_out, going_away, "no data for too long");
}

void Tunnel::over() {
  if (std::exchange(over_, true)) return;
  disarm();
  if (cause_) set_.metrics_.failures.add({*cause_, base::Stage::tunnel});
  if (facts_.logged()) {
    telemetry::TunnelEnd end;
    end.by = by_.value_or(Side::gateway);
    if (cause_) {
      end.cause = base::traits(*cause_).label;
      end.meaning = base::traits(*cause_).meaning;
      end.failure = base::Error{*cause_, base::Stage::tunnel};
    } else {
      end.meaning = "closed in good order";
      end.close_code = end.by == Side::client ? client_.frames.close_code() : upstream_.frames.close_code();
    }
    end.bytes_to_client = upstream_.received;
    end.bytes_to_upstream = client_.received;
    end.duration = set_.turn_.now - opened_;
    set_.access_log_.tunnel_close(facts_.record(), end);
  }
  set_.remove(*this);
}

}  // namespace postern::proxy
