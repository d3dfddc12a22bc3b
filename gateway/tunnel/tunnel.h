// A WebSocket between a client and an endpoint, after the upgrade. The parsers, heads and the coroutine of
// its exchange no longer exist. Bytes pass from one transport to the other in the turn in which they arrive,
// without a copy while the other side takes them; if it does not, reading from the sender is paused.
//
// A FrameWalker follows the frames, so that the gateway can insert its own pings and Close frames, see each
// side's Close, and record which side ended the socket. If the route has rules, a MessageGuard on each side
// decides about frames and messages; without rules they pass unchanged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pool.h"
#include "base/turn.h"
#include "net/transport.h"
#include "routing/socket_rules.h"
#include "telemetry/metrics.h"
#include "tunnel/drain_line.h"
#include "tunnel/message_guard.h"
#include "tunnel/route_sockets.h"
#include "tunnel/side.h"
#include "tunnel/states.h"
#include "tunnel/token_holders.h"
#include "tunnel/tunnel_facts.h"
#include "tunnel/tunnel_options.h"
#include "upstream/lease.h"
#include "websocket/message_queue.h"

namespace postern::tunnel {

class TunnelSet;

class Tunnel final : public base::Pooled, public DrainLine::Member, private TokenHolder, private base::Timer {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  Tunnel(TunnelSet& set, std::unique_ptr<net::Transport> client, std::unique_ptr<net::Transport> upstream,
         upstream::Lease lease, TunnelFacts facts, TunnelOptions options);
  ~Tunnel() override = default;

  // Closes the socket from the gateway's side: each side gets a Close frame as soon as one may be inserted.
  // Does nothing if it is ending already.
  void close(base::Cause cause, websocket::Ending ending, std::string_view reason);
  void cut(base::Cause cause);  // at once, without Close frames
  // True once a side has left or sent Close, or the gateway is closing: what remains is sent within a time
  // limit.
  bool is_ending() const override { return phase_ != Phase::open; }
  // True when the socket would not be opened now: its route was changed or removed, its endpoint was removed,
  // or the key of its token is gone.
  bool outdated(const CurrentRoutes& current) override;
  void leave(bool stopping) override;

 private:
  void on_revoked() override;

  friend class TunnelSet;
  friend struct Side;
  using Pass = websocket::FrameWalker::Pass;

  // Which side ended the socket, how and why; the first outcome that is set counts.
  struct Outcome {
    base::Side by = base::Side::gateway;
    std::optional<base::Cause> cause{};
    uint16_t code = websocket::close_code::abnormal;  // for the client
    std::string reason{};
    std::string_view rule{};
  };

  // The gateway closes the socket, or the socket is over.
  bool is_closing() const { return phase_ != Phase::open && phase_ != Phase::half_closed; }
  const Side& other(const Side& side) const { return side.is_client() ? upstream_ : client_; }
  Side& other(const Side& side) { return side.is_client() ? upstream_ : client_; }

  websocket::Deflate* client_deflate();

  // Forwarding of bytes.
  void pass(Side& from, base::Bytes bytes);
  Pass decide(Side& from, const websocket::FrameHeader& header, const std::string_view* control);
  Pass forward_control(Side& from, const websocket::FrameHeader& header, std::string_view payload);
  void after_bytes(Side& from, base::Bytes rest);
  void send_message(Side& to, websocket::Opcode kind, std::string_view message,
                    const websocket::MessageView& view);
  void endpoint_said_something(bool begins);
  bool must_wait_for(const Side& side) const;
  bool client_is_behind() const;
  uint64_t left_to_client() const;
  void count_dropped(uint64_t messages);
  void count_passed(base::Side from, uint64_t bytes);
  void abandon_queue();
  bool is_throttled(const Side& side) const;
  void resume_if_allowed(Side& side);
  void drained(Side& side);

  // Closing: tunnel_end.cpp.
  Pass forward_close(Side& from, std::string_view payload);
  static bool check_close(Side& guilty, std::string_view payload);
  void side_ended(Side& side);
  void side_broke(Side& side);
  void upstream_left(std::string_view how);
  void side_is_silent(Side& side);
  void refuse(Side& guilty);
  void end_by(base::Side by, base::Cause cause, websocket::Ending ending, std::string_view reason);
  void begin_closing(Phase phase, uint16_t to_client, uint16_t to_upstream, std::string_view reason);
  void end_finishing();
  void begin_half_closed();
  void end_within(base::Duration limit);
  void time_out();
  base::Chunk answer_to_close(const Side& side) const;
  void close_towards(Side& side);
  void send_close(Side& side);
  void end_direction(Side& to);
  void set_outcome(Outcome outcome);
  void lose_undelivered(base::Side by, base::Cause cause);
  void finish();

  // Timers.
  void on_deadline() override;
  base::Instant quiet_since() const;
  void check_liveness(Side& side);
  void send_heartbeat();
  bool send_own_message(const std::string& text);
  std::optional<base::Instant> notice_due() const;
  void give_notice();
  bool renew_by(std::string_view token);
  void arm_next();

  const routing::SocketRules& rules() const { return *options_.rules; }

  TunnelSet& set_;
  Side client_;
  Side upstream_;
  upstream::Lease lease_;
  TunnelFacts facts_;
  TunnelOptions options_;
  std::unique_ptr<websocket::MessageQueue> queue_;  // for the client; null: the endpoint is paused instead
  RouteSockets::Handle route_sockets_;
  base::Instant opened_;
  base::Instant greeted_{};  // when the first message was forwarded to the client; Instant{} if none was
  base::Instant next_heartbeat_{};
  base::Instant notified_of_{};  // the expiry that the client was told of
  base::Instant retry_notice_at_{};
  base::Instant next_renewal_{};  // earlier tokens in messages are not looked at
  base::Instant end_by_{};        // while is_ending()
  base::Instant ending_since_{};
  uint64_t left_to_client_ = 0;  // bytes at the time when end_by_ was set
  uint64_t dropped_ = 0;         // messages, in both directions
  base::LinkIn<Tunnel> link_;
  std::optional<Outcome> outcome_;
  uint16_t code_to_client_ = 0;  // of the gateway's Close, once one is due
  uint16_t code_to_upstream_ = 0;
  Phase phase_ = Phase::open;
};

}  // namespace postern::tunnel
