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
#include "tunnel/tunnel_facts.h"
#include "tunnel/tunnel_options.h"
#include "upstream/lease.h"
#include "websocket/frame_walker.h"
#include "websocket/message_queue.h"

namespace postern::tunnel {

class TunnelSet;

class Tunnel final : public base::Pooled, public DrainLine::Member, private base::Timer {
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
  bool is_ending() const override {
    return closing_ || client_.ended || upstream_.ended || client_.close_seen || upstream_.close_seen;
  }
  // True when a configuration with the route fingerprints `routes` (sorted) would not have opened the socket:
  // its route was changed or removed, or its endpoint was removed.
  bool outdated(const std::vector<uint64_t>& routes) const override;
  void leave(bool stopping) override;

 private:
  friend class TunnelSet;
  using Pass = websocket::FrameWalker::Pass;

  // One side of the tunnel: what it sends goes to the other.
  struct End final : net::Transport::Receiver, websocket::FrameWalker::Visitor, MessageGuard::Receiver {
    End(Tunnel& the_tunnel, base::Side the_side) : tunnel(the_tunnel), side(the_side) {}
    void on_bytes(base::Bytes bytes) override { tunnel.pass(*this, bytes); }
    void on_drained() override { tunnel.drained(*this); }
    void on_end() override { tunnel.side_ended(*this); }
    void on_closed(base::Error) override { tunnel.side_broke(*this); }
    Pass on_frame(const websocket::FrameHeader& header) override { return tunnel.judge(*this, header); }
    Pass on_control(const websocket::FrameHeader& header, std::string_view payload) override {
      return tunnel.judge_control(*this, header, payload);
    }
    void on_payload(const websocket::FrameHeader& header, base::Bytes piece, uint64_t offset,
                    bool end) override {
      guard->on_payload(header, piece, offset, end, *this);
    }
    void on_passed(base::Bytes bytes) override {
      passed += bytes.size();
      tunnel.other(*this).transport->write(bytes);
    }
    void on_message(websocket::Opcode kind, std::string_view message, std::string_view type) override {
      tunnel.send_message(tunnel.other(*this), kind, message, type);
    }

    Tunnel& tunnel;
    std::unique_ptr<net::Transport> transport;
    std::unique_ptr<MessageGuard> guard;  // null: what it sends passes unchanged
    websocket::FrameWalker frames;        // of what it sends
    uint64_t passed = 0;                  // bytes forwarded, as the other side receives them
    uint64_t messages = 0;                // messages forwarded from this side; see whole_messages()
    base::Instant heard{};                // when it last showed that it is alive
    std::optional<base::Instant> pinged{};
    std::optional<base::Instant> due{};  // MessageGuard::due(), at the last look
    uint64_t acknowledged = 0;           // transport bytes acknowledged at the last look after a ping
    uint8_t unanswered = 0;              // the gateway's pings without a pong
    bool owes_pong = false;              // `pinged` refers to a ping, not to the rest of a frame in transit
    base::Side side;
    bool ended = false;
    bool waits = false;       // reading is paused: the other side has a backlog, or the rate limit says so
    bool slowed = false;      // with `waits`: the rate limit does not let it continue yet
    bool held_back = false;   // a frame waits for the other side's backlog
    bool close_seen = false;  // it sent a Close frame
    bool close_requested = false;  // its end is due: the gateway sends it nothing more
    bool close_sent = false;       // with close_requested: a Close frame was sent to it
    // The gateway's role towards this side.
    websocket::Role role() const {
      return side == base::Side::client ? websocket::Role::server : websocket::Role::client;
    }
    uint64_t whole_messages() const { return messages - (frames.in_last_frame() ? 1 : 0); }
  };

  // A Close frame that no peer is allowed to send.
  struct BadClose {
    websocket::Fault fault;
    uint16_t code;
    std::string text;
  };

  // Which side ended the socket, how and why; the first outcome that is set counts.
  struct Outcome {
    base::Side by = base::Side::gateway;
    std::optional<base::Cause> cause{};
    uint16_t code = websocket::close_code::abnormal;  // for the client
    std::string reason{};
    std::string_view rule{};
  };

  End& other(const End& end) { return end.side == base::Side::client ? upstream_ : client_; }

  websocket::Deflate* client_deflate();

  // Forwarding of bytes.
  void pass(End& from, base::Bytes bytes);
  Pass judge(End& from, const websocket::FrameHeader& header);
  Pass judge_control(End& from, const websocket::FrameHeader& header, std::string_view payload);
  void after_bytes(End& from, base::Bytes rest);
  void send_message(End& to, websocket::Opcode kind, std::string_view message, std::string_view type);
  void endpoint_said_something(bool begins);
  bool must_wait_for(const End& end) const;
  bool client_is_behind() const;
  uint64_t left_to_client() const;
  void count_dropped(uint64_t messages);
  void count_passed(base::Side from, uint64_t bytes);
  void abandon_queue();
  bool is_throttled(const End& end) const;
  bool has_become_due(End& end);
  void resume_if_allowed(End& end);
  void drained(End& end);

  // Closing: tunnel_end.cpp.
  Pass note_close(End& from, std::string_view payload);
  void refuse_close(End& guilty);
  void side_ended(End& end);
  void side_broke(End& end);
  void upstream_left(std::string_view how);
  void side_is_silent(End& end);
  void refuse(End& guilty);
  void end_by(base::Side by, base::Cause cause, websocket::Ending ending, std::string_view reason);
  void begin_closing(uint16_t to_client, uint16_t to_upstream, std::string_view reason);
  void end_within(base::Duration limit);
  void time_out();
  bool may_finish(const End& end) const;
  base::Chunk answer_to_close(const End& end) const;
  void send_close(End& end);
  void set_outcome(Outcome outcome);
  void lose_undelivered(base::Side by, base::Cause cause);
  void finish();

  // Timers.
  void on_deadline() override;
  base::Instant quiet_since() const;
  void check_liveness(End& end);
  void send_heartbeat();
  void arm_next();

  const routing::SocketRules& rules() const { return *options_.rules; }

  TunnelSet& set_;
  End client_;
  End upstream_;
  upstream::Lease lease_;
  TunnelFacts facts_;
  TunnelOptions options_;
  std::unique_ptr<websocket::MessageQueue> queue_;  // for the client; null: the endpoint is paused instead
  RouteSockets::Handle route_sockets_;
  base::Instant opened_;
  base::Instant greeted_{};  // when the first message was forwarded to the client; Instant{} if none was
  base::Instant next_heartbeat_{};
  base::Instant end_by_{};  // while is_ending()
  base::Instant ending_since_{};
  uint64_t left_to_client_ = 0;          // bytes at the time when end_by_ was set
  uint64_t dropped_ = 0;                 // messages, in both directions
  std::optional<BadClose> bad_close_{};  // that a side has just sent, if frames pass unchanged
  base::LinkIn<Tunnel> link_;
  std::optional<Outcome> outcome_;
  uint16_t code_to_client_ = 0;  // while closing_
  uint16_t code_to_upstream_ = 0;
  bool closing_ = false;    // the gateway closes the socket
  bool finishing_ = false;  // with closing_: what the client has already sent is still forwarded
  bool over_ = false;
};

}  // namespace postern::tunnel
